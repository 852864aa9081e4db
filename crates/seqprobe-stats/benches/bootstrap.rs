//! How long a paired bootstrap takes: AUROC of two sides, sorted once, weighted per replicate.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use seqprobe_stats::{Resampling, Truth, compare, metric};
use std::hint::black_box;

fn paired(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("paired-auroc");
    group.sample_size(10);
    for (n_examples, replicates) in [(1_000, 1_000), (100_000, 1_000), (100_000, 10_000)] {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let labels: Vec<bool> = (0..n_examples).map(|_| rng.next_u32() & 1 == 1).collect();
        let mut outputs = || -> Vec<f64> {
            labels.iter().map(|&label| f64::from(rng.next_u32()) + if label { 1.0e9 } else { 0.0 }).collect()
        };
        let (model, baseline) = (outputs(), outputs());
        let auroc = metric("auroc").expect("auroc is a metric");
        let resampling = Resampling { replicates, ..Resampling::new(1) };
        let id = BenchmarkId::from_parameter(format!("{n_examples} examples × {replicates} replicates"));
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                let truth = Truth::Binary(&labels);
                black_box(compare(auroc, &truth, &[&model], &[&baseline], &resampling))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, paired);
criterion_main!(benches);
