//! Reading 100,000 × 768 stored features back: opening with verification, then rows in the caller's order.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seqprobe_core::{Digest, DnaSequence, FeatureSource, LayerIndex, Pooling};
use seqprobe_embed::{
    EmbeddingCache, Extraction, ExtractionOptions, ExtractionSpec, KeepEnd, ReverseComplement, extract,
};
use seqprobe_models::{
    Encoder, EncoderSpec, FrozenModel, HiddenStates, ModelError, Precision, TokenBatch, Tokens,
};
use std::hint::black_box;
use std::path::Path;
use tch::Tensor;

const ROWS: usize = 100_000;
const HIDDEN: usize = 768;

/// Gives each token id times a fixed vector: values that cost nothing to make.
struct Ramp {
    spec: EncoderSpec,
    ramp: Tensor,
}

impl Encoder for Ramp {
    fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError> {
        let (rows, columns) = batch.ids.dim();
        let ids: Vec<f32> = batch.ids.iter().map(|&id| id as f32).collect();
        let ids = Tensor::f_from_slice(&ids)?.f_view([rows as i64, columns as i64, 1])?;
        let states = ids.f_mul(&self.ramp)?;
        Ok(HiddenStates { layers: layers.iter().map(|&layer| (layer, states.shallow_clone())).collect() })
    }
}

fn model() -> FrozenModel {
    let spec = EncoderSpec {
        family: "ramp",
        n_blocks: 1,
        hidden: HIDDEN,
        max_tokens: None,
        has_final_norm: false,
        has_cls: false,
        state_stride: 1,
        n_parameters: 0,
        version: 1,
    };
    let values: Vec<f32> = (0..HIDDEN).map(|index| index as f32).collect();
    FrozenModel::from_parts(
        Box::new(Ramp { spec, ramp: Tensor::from_slice(&values) }),
        Box::new(|sequence: &DnaSequence| {
            let number = sequence.codes().fold(0_i64, |number, code| 4 * number + i64::from(code));
            Ok(Tokens { ids: vec![number], special: vec![false] })
        }),
        0,
        tch::Device::Cpu,
        Digest::of_bytes(b"ramp"),
        Digest::of_bytes(b"number"),
    )
}

fn features(model: &FrozenModel, sequences: &[DnaSequence], cache: &Path) -> Extraction {
    let spec = ExtractionSpec {
        precision: Precision::F32,
        reverse_complement: ReverseComplement::Forward,
        keep_end: KeepEnd::Error,
        window: None,
    };
    let cache = EmbeddingCache::open(cache).expect("a temporary folder");
    let wanted = [(LayerIndex::Final, Pooling::Mean)];
    extract(model, &spec, sequences, &wanted, &cache, ExtractionOptions::default()).expect("features")
}

fn readback(criterion: &mut Criterion) {
    // Multiplying by an odd number scatters the rows, so that reading does not follow the file.
    let sequences: Vec<DnaSequence> = (0..ROWS)
        .map(|row| row * 40_503 % (1 << 18))
        .map(|number| {
            let codes: Vec<u8> = (0..9).rev().map(|place| (number >> (2 * place) & 3) as u8).collect();
            DnaSequence::from_codes(&codes).expect("codes of bases")
        })
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let model = model();
    let extraction = features(&model, &sequences, folder.path());
    let source = &extraction.features[0];
    let rows: Vec<usize> = (0..ROWS).collect();

    let mut group = criterion.benchmark_group("readback 100000 x 768");
    group.sample_size(10).throughput(Throughput::Bytes((ROWS * HIDDEN * 4) as u64));
    group.bench_function("open and verify", |bencher| {
        bencher.iter(|| black_box(features(&model, &sequences, folder.path()).report.n_read));
    });
    let mut out = Vec::new();
    group.bench_function("read all rows", |bencher| {
        bencher.iter(|| {
            out.clear();
            source.read_rows(&rows, &mut out).expect("stored rows");
            black_box(out.len())
        });
    });
    let some: Vec<usize> = rows.iter().copied().step_by(100).collect();
    group.throughput(Throughput::Bytes((some.len() * HIDDEN * 4) as u64));
    group.bench_function("read 1000 rows", |bencher| {
        bencher.iter(|| {
            out.clear();
            source.read_rows(&some, &mut out).expect("stored rows");
            black_box(out.len())
        });
    });
    group.finish();
}

criterion_group!(benches, readback);
criterion_main!(benches);
