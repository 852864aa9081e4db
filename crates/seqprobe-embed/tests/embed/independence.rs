//! Features do not depend on how they were computed: batch, order, threads, neighbours, memory. Every family by its
//! parity fixture.

use crate::common::{Behaviour, all_values, many, repair, run, values};
use seqprobe_core::{DnaSequence, LayerIndex, Pooling};
use seqprobe_embed::{
    EmbedError, EmbeddingCache, ExtractionOptions, ExtractionSpec, KeepEnd, ReverseComplement, Window,
    extract,
};
use seqprobe_models::{FrozenModel, LoadOptions, ModelError, Precision, Weights};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

const SPEC: ExtractionSpec = ExtractionSpec {
    precision: Precision::F32,
    reverse_complement: ReverseComplement::Forward,
    keep_end: KeepEnd::Left,
    window: None,
};

fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.is_dir());
    found.sort();
    found
}

/// The first fixture of every family.
fn cases() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seqprobe-models/tests/fixtures/models");
    let first = |family: &PathBuf| folders(family).into_iter().find(|case| case.join("config.json").exists());
    let cases: Vec<PathBuf> = folders(&fixtures).iter().filter_map(first).collect();
    assert!(cases.len() >= 12, "{cases:?}");
    cases
}

fn load(folder: &Path, precision: Precision) -> Result<FrozenModel, ModelError> {
    let device = tch::Device::Cpu;
    seqprobe_models::open_model(
        folder,
        LoadOptions { weights: Weights::Pretrained, precision, device, allow_code: false },
    )
}

/// Sequences of 20 to 90 bases, some of equal length, a few with N.
fn mixed(count: usize) -> Vec<DnaSequence> {
    let mut state = 5_u64;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below) as u8
    };
    let sequence = |_| {
        let length = 20 + 7 * usize::from(draw(11));
        let codes: Vec<u8> = (0..length).map(|_| if draw(60) == 0 { 4 } else { draw(4) }).collect();
        DnaSequence::from_codes(&codes).unwrap()
    };
    (0..count).map(sequence).collect()
}

/// Pooled by mean and by maximum, row after row.
fn features(
    model: &FrozenModel,
    spec: &ExtractionSpec,
    sequences: &[DnaSequence],
    batch_tokens: Option<usize>,
) -> Vec<Vec<f32>> {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let wanted = [(LayerIndex::Final, Pooling::Mean), (LayerIndex::Final, Pooling::Max)];
    let options = ExtractionOptions { batch_tokens, ..ExtractionOptions::default() };
    let done = extract(model, spec, sequences, &wanted, &cache, options).unwrap();
    let row = |row: usize| done.features.iter().flat_map(|source| values(source, row)).collect();
    (0..sequences.len()).map(row).collect()
}

/// Largest difference of a row relative to its largest value.
fn difference(one: &[f32], two: &[f32]) -> f64 {
    assert_eq!(one.len(), two.len());
    let largest = one.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    assert!(largest > 0.0, "features must not all be zero");
    let apart = one.iter().zip(two).fold(0.0_f32, |apart, (one, two)| apart.max((one - two).abs()));
    f64::from(apart) / f64::from(largest)
}

fn assert_same(what: &str, one: &[Vec<f32>], two: &[Vec<f32>]) {
    assert_eq!(one.len(), two.len(), "{what}");
    for (row, (one, two)) in one.iter().zip(two).enumerate() {
        let apart = difference(one, two);
        assert!(apart < 1e-5, "{what}: row {row} differs by {apart:e}");
    }
}

#[test]
fn no_family_depends_on_batch_order_threads_or_neighbours() {
    let sequences = mixed(10);
    let reversed: Vec<DnaSequence> = sequences.iter().rev().cloned().collect();
    for case in cases() {
        let model = load(&case, Precision::F32).unwrap();
        let expected = features(&model, &SPEC, &sequences, None);
        assert!(difference(&expected[0], &expected[1]) > 1e-4, "{}: all rows are alike", case.display());
        let name = |what: &str| format!("{}: {what}", case.display());
        let other = features(&model, &SPEC, &sequences, Some(150));
        assert_same(&name("tokens of a batch"), &expected, &other);
        let mut other = features(&model, &SPEC, &reversed, None);
        other.reverse();
        assert_same(&name("order"), &expected, &other);
        // One by one, and on one thread.
        tch::set_num_threads(1);
        let other = features(&model, &SPEC, &sequences[3..6], Some(1));
        tch::set_num_threads(2);
        assert_same(&name("neighbours and threads"), &expected[3..6], &other);
    }
}

#[test]
fn windows_of_many_sequences_share_batches_and_keep_apart() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seqprobe-models/tests/fixtures/models");
    let model = load(&folders(&fixtures.join("gpn"))[0], Precision::F32).unwrap();
    let spec =
        ExtractionSpec { window: Some(Window { size: 24, stride: 10 }), keep_end: KeepEnd::Error, ..SPEC };
    let sequences = mixed(20);
    let together = features(&model, &spec, &sequences, None);
    assert_same("windows, one by one", &together, &features(&model, &spec, &sequences, Some(1)));
    assert_same("windows, alone", &together[3..4], &features(&model, &spec, &sequences[3..4], None));
    assert!(difference(&together[0], &features(&model, &SPEC, &sequences, None)[0]) > 1e-3);
}

#[test]
fn a_batch_that_memory_does_not_suffice_for_is_halved_and_so_are_later_ones() {
    let sequences = many(600);
    let (plain, small) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let limit = 40;
    let behaviour = Behaviour { memory: Some(limit), ..Behaviour::default() };
    let expected = run(&Behaviour::default(), &sequences, plain.path(), repair()).unwrap();
    let found = run(&behaviour, &sequences, small.path(), repair()).unwrap();
    for (one, two) in expected.features.iter().zip(&found.features) {
        for (one, two) in all_values(one).iter().zip(all_values(two)) {
            assert!((one - two).abs() < 1e-5, "{one} {two}");
        }
    }
    // Every failure halves the budget, so they are few: from 8,192 tokens to 40 it takes eight or nine.
    let failed = behaviour.failed.load(Ordering::Relaxed);
    assert!((1..=12).contains(&failed), "{failed} batches failed");
    // A single sequence that does not fit stays an error.
    let behaviour = Behaviour { memory: Some(4), ..Behaviour::default() };
    let error = run(&behaviour, &sequences, tempfile::tempdir().unwrap().path(), repair()).unwrap_err();
    assert!(matches!(&error, EmbedError::Model(error) if error.is_out_of_memory()), "{error}");
}

#[test]
fn bfloat16_is_close_has_a_key_of_its_own_and_is_refused_where_a_family_lacks_it() {
    let sequences = mixed(20);
    let spec = ExtractionSpec { precision: Precision::Bf16, ..SPEC };
    let (mut close, mut refused) = (Vec::new(), Vec::new());
    for case in cases() {
        let family = case.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let reduced = match load(&case, Precision::Bf16) {
            Ok(model) => model,
            Err(ModelError::Precision { .. }) => {
                refused.push(family);
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let full = load(&case, Precision::F32).unwrap();
        assert_ne!(full.weights_digest, reduced.weights_digest);
        let (one, two) =
            (features(&full, &SPEC, &sequences, None), features(&reduced, &spec, &sequences, None));
        for (one, two) in one.iter().zip(&two) {
            let dot = |one: &[f32], two: &[f32]| -> f64 {
                one.iter().zip(two).map(|(one, two)| f64::from(*one) * f64::from(*two)).sum()
            };
            let cosine = dot(one, two) / (dot(one, one) * dot(two, two)).sqrt();
            assert!(cosine > 0.9999, "{family}: {cosine}");
            assert!(difference(one, two) > 1e-6, "{family}: nothing was rounded");
        }
        close.push(family);
    }
    assert_eq!(close, ["bert", "dnabert2", "esm", "gena", "modernbert", "rnabert"]);
    assert_eq!(refused, ["caduceus", "enformer", "gpn", "gpn-prenorm", "hyenadna", "kmer-table", "spliceai"]);
}
