//! Measures what an extraction costs in addition to the model: tokenizing, batching, pooling, hashing, writing and
//! reading back. The encoder only looks up states. One base is one token, and every run has a new cache folder.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use seqprobe_core::{Digest, DnaSequence, LayerIndex, Pooling, Seed};
use seqprobe_embed::{
    EmbeddingCache, ExtractionOptions, ExtractionSpec, KeepEnd, ReverseComplement, extract,
};
use seqprobe_models::{
    Encoder, EncoderSpec, FrozenModel, HiddenStates, ModelError, Precision, TokenBatch, Tokens,
};
use tch::{Kind, Tensor};

const SEQUENCES: usize = 4096;
const LETTERS: usize = 100;
const HIDDEN: usize = 128;

/// A row of a table for each token.
struct Table {
    spec: EncoderSpec,
    table: Tensor,
}

impl Encoder for Table {
    fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError> {
        let (rows, columns) = batch.ids.dim();
        let ids: Vec<i64> = batch.ids.iter().copied().collect();
        let states = self.table.f_index_select(0, &Tensor::f_from_slice(&ids)?)?;
        let states = states.f_view([rows as i64, columns as i64, HIDDEN as i64])?;
        Ok(HiddenStates { layers: layers.iter().map(|&layer| (layer, states.shallow_clone())).collect() })
    }
}

fn model() -> FrozenModel {
    let spec = EncoderSpec {
        family: "table",
        n_blocks: 12,
        hidden: HIDDEN,
        max_tokens: None,
        has_final_norm: false,
        has_cls: false,
        state_stride: 1,
        n_parameters: 0,
        version: 1,
    };
    let table = Tensor::arange(5 * HIDDEN as i64, (Kind::Float, tch::Device::Cpu)).view([5, HIDDEN as i64]);
    FrozenModel::from_parts(
        Box::new(Table { spec, table }),
        Box::new(|sequence: &DnaSequence| {
            let ids: Vec<i64> = sequence.codes().map(i64::from).collect();
            Ok(Tokens { special: vec![false; ids.len()], ids })
        }),
        0,
        tch::Device::Cpu,
        Digest::of_bytes(b"table"),
        Digest::of_bytes(b"letters"),
    )
}

fn sequences() -> Vec<DnaSequence> {
    let mut state = Seed(1).0;
    let mut code = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 62) as u8
    };
    let mut sequence = |_| {
        let codes: [u8; LETTERS] = std::array::from_fn(|_| code());
        DnaSequence::from_codes(&codes).expect("codes of bases")
    };
    (0..SEQUENCES).map(&mut sequence).collect()
}

fn overhead(criterion: &mut Criterion) {
    let (model, sequences) = (model(), sequences());
    let spec = ExtractionSpec {
        precision: Precision::F32,
        reverse_complement: ReverseComplement::Forward,
        keep_end: KeepEnd::Error,
        window: None,
    };
    let mean = |layer| (LayerIndex::Block(layer), Pooling::Mean);
    let wanted = [
        ("mean of one layer", vec![mean(12)]),
        ("mean of 13 layers", (0..=12).map(mean).collect()),
        ("tokens of one layer", vec![(LayerIndex::Block(12), Pooling::Tokens)]),
    ];
    let mut group = criterion.benchmark_group("extraction-without-a-model");
    group.sample_size(10).throughput(Throughput::Elements((SEQUENCES * LETTERS) as u64));
    for (name, wanted) in wanted {
        group.bench_function(name, |bencher| {
            bencher.iter_with_large_drop(|| {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let cache = EmbeddingCache::open(folder.path()).expect("a new cache");
                let options = ExtractionOptions::default();
                let done = extract(&model, &spec, &sequences, &wanted, &cache, options);
                (done.expect("an extraction"), folder)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, overhead);
criterion_main!(benches);
