//! One epoch of `tang-mpra-cnn` and of the default `cnn`, on one thread: 512 one-hot rows of 101 bases, 64 for
//! validation. `benchmarks/peers/cnn_pytorch.py` compares with PyTorch.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::Rng;
use seqprobe_core::{
    FeatureError, FeatureKind, FeatureSource, FeatureView, LabelledView, Probe, Seed, Targets, Task, TaskKind,
};
use seqprobe_neural::{CnnProbe, PresetProbe, preset};

const TRAIN: usize = 512;
const ROWS: usize = TRAIN + 64;
const TOKENS: usize = 101;

struct OneHot(Vec<f32>);

impl FeatureSource for OneHot {
    fn n_rows(&self) -> usize {
        ROWS
    }

    fn dim(&self) -> usize {
        4
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Tokens
    }

    fn length(&self, _: usize) -> usize {
        TOKENS
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        rows.iter().for_each(|&row| out.extend_from_slice(&self.0[row * TOKENS * 4..(row + 1) * TOKENS * 4]));
        Ok(())
    }
}

fn one_epoch(criterion: &mut Criterion) {
    tch::set_num_threads(1);
    let mut rng = Seed(7).rng();
    let mut values = vec![0.0; ROWS * TOKENS * 4];
    values.chunks_exact_mut(4).for_each(|letter: &mut [f32]| letter[rng.random_range(0..4)] = 1.0);
    let source = OneHot(values);
    let labels = (0..ROWS).map(|_| rng.random_range(0..2_u32)).collect::<Vec<_>>();
    let part = |labels: &[u32]| Targets::Classes { labels: labels.to_vec(), n_classes: 2 };
    let targets = [part(&labels[..TRAIN]), part(&labels[TRAIN..])];
    let rows: [Vec<usize>; 2] = [(0..TRAIN).collect(), (TRAIN..ROWS).collect()];
    let task = Task {
        kind: TaskKind::Binary,
        targets: vec!["y".to_owned()],
        classes: vec!["no".to_owned(), "yes".to_owned()],
    };
    let mut tang = PresetProbe::new(&preset::TANG_MPRA_CNN);
    tang.training.max_epochs = 1;
    let mut cnn = CnnProbe::default();
    cnn.settings.training.max_epochs = 1;
    let probes: [&dyn Probe; 2] = [&tang, &cnn];
    let mut group = criterion.benchmark_group("epoch");
    group.sample_size(10).throughput(Throughput::Elements(TRAIN as u64));
    for probe in probes {
        group.bench_function(probe.id(), |bencher| {
            bencher.iter(|| {
                let view = |part: usize| LabelledView {
                    features: FeatureView::new(&source, &rows[part]).unwrap(),
                    targets: &targets[part],
                    groups: None,
                };
                probe.fit(&task, view(0), view(1), Seed(0)).unwrap().report
            });
        });
    }
    group.finish();
}

criterion_group!(benches, one_epoch);
criterion_main!(benches);
