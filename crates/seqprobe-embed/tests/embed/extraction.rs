//! Extraction end to end: values, rows, keys, errors.

use crate::common::{Behaviour, HIDDEN, SPEC, WANTED, all_values, many, model, one, run, sequences, values};
use approx::assert_relative_eq;
use proptest::prelude::*;
use seqprobe_core::{DnaSequence, FeatureKind, FeatureSource, LayerIndex, Pooling};
use seqprobe_embed::{
    EmbedError, EmbeddingCache, ExtractionOptions, ExtractionSpec, KeepEnd, ReverseComplement,
    StoredFeatures, Window, extract,
};
use seqprobe_models::Precision;
use std::sync::atomic::Ordering;

#[test]
fn rows_follow_the_call_and_duplicates_are_computed_once() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour::default();
    let all = sequences(&["ACGTA", "GG", "ACGTA", "T"]);
    let extraction = run(&behaviour, &all, folder.path(), ExtractionOptions::default()).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), 3);
    let report = extraction.report;
    assert_eq!((report.n_rows, report.n_distinct, report.n_computed, report.n_read), (4, 3, 3, 0));
    assert_eq!(report.n_tokens, 7 + 4 + 3);

    let (mean, tokens) = (&extraction.features[0], &extraction.features[1]);
    assert_eq!((mean.n_rows(), mean.dim(), mean.kind()), (4, HIDDEN, FeatureKind::Pooled));
    assert_eq!((tokens.n_rows(), tokens.dim(), tokens.kind()), (4, HIDDEN, FeatureKind::Tokens));
    let lengths: Vec<usize> = (0..4).map(|row| tokens.length(row)).collect();
    assert_eq!(lengths, [5, 2, 5, 1]);
    assert_eq!(values(mean, 0), values(mean, 2));
    assert_ne!(values(mean, 0), values(mean, 1));
    assert!(tokens.read_rows(&[4], &mut Vec::new()).is_err());

    // Another order, another split, the same entry: nothing is computed.
    let other = sequences(&["T", "GG", "ACGTA"]);
    let again = run(&behaviour, &other, folder.path(), ExtractionOptions::default()).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), 3);
    assert_eq!((again.report.n_computed, again.report.n_read), (0, 3));
    assert_eq!(values(&again.features[1], 2), values(tokens, 0));
}

#[test]
fn one_forward_pass_serves_all_layers_and_poolings() {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let behaviour = Behaviour::default();
    let all = sequences(&["ACGTA", "GGC"]);
    let wanted = [
        (LayerIndex::Final, Pooling::Mean),
        (LayerIndex::Block(2), Pooling::Mean), // the same layer by its other name
        (LayerIndex::Block(0), Pooling::Max),
        (LayerIndex::Final, Pooling::Cls),
        (LayerIndex::Final, Pooling::Last),
        (LayerIndex::Final, Pooling::MeanAll),
        (LayerIndex::Final, Pooling::Tokens),
    ];
    let found =
        extract(&model(&behaviour), &SPEC, &all, &wanted, &cache, ExtractionOptions::default()).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), 2);
    let features = &found.features;
    assert_eq!(features[0].folder(), features[1].folder());
    let folders = std::fs::read_dir(cache.bucket()).unwrap().count();
    assert_eq!(folders, 6);

    let tokens = values(&features[6], 0);
    let token = |index: usize| &tokens[index * HIDDEN..(index + 1) * HIDDEN];
    let mean = values(&features[0], 0);
    for (dimension, &value) in mean.iter().enumerate() {
        let sum: f32 = (0..5).map(|index| token(index)[dimension]).sum();
        assert_relative_eq!(value, sum / 5.0, max_relative = 1e-5);
    }
    assert_eq!(values(&features[4], 0), token(4));
    assert_ne!(values(&features[3], 0), token(0));
    assert_ne!(values(&features[5], 0), mean);
}

#[test]
fn batches_and_order_change_values_by_rounding_only() {
    let all = many(200);
    let reversed: Vec<DnaSequence> = all.iter().rev().cloned().collect();
    let features = |sequences: &[DnaSequence], batch_tokens| {
        let folder = tempfile::tempdir().unwrap();
        let options = ExtractionOptions { batch_tokens: Some(batch_tokens), ..ExtractionOptions::default() };
        let extraction = run(&Behaviour::default(), sequences, folder.path(), options).unwrap();
        (0..200).map(|row| values(&extraction.features[0], row)).collect::<Vec<_>>()
    };
    let single = features(&all, 1);
    let batched = features(&all, 500);
    let mut turned = features(&reversed, 100_000);
    turned.reverse();
    for ((one, two), three) in single.iter().zip(&batched).zip(&turned) {
        for index in 0..HIDDEN {
            assert_relative_eq!(one[index], two[index], max_relative = 1e-5, epsilon = 1e-6);
            assert_relative_eq!(one[index], three[index], max_relative = 1e-5, epsilon = 1e-6);
        }
    }
}

#[test]
fn what_changes_a_value_changes_the_entry() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = (LayerIndex::Final, Pooling::Mean);
    let plain = Behaviour::default();
    let base = one(&plain, &SPEC, &["ACG"], wanted, folder.path()).unwrap();
    let average = ExtractionSpec { reverse_complement: ReverseComplement::Average, ..SPEC };
    let cut = ExtractionSpec { keep_end: KeepEnd::Left, ..SPEC };
    let in_windows = ExtractionSpec { window: Some(Window { size: 9, stride: 9 }), ..SPEC };
    let overlapping = ExtractionSpec { window: Some(Window { size: 9, stride: 5 }), ..SPEC };
    let others = [
        one(&Behaviour { weights: b"other", ..plain.clone() }, &SPEC, &["ACG"], wanted, folder.path()),
        one(&Behaviour { has_cls: false, ..plain.clone() }, &SPEC, &["ACG"], wanted, folder.path()),
        one(&Behaviour { max_tokens: Some(9), ..plain.clone() }, &SPEC, &["ACG"], wanted, folder.path()),
        one(&plain, &average, &["ACG"], wanted, folder.path()),
        one(&plain, &cut, &["ACG"], wanted, folder.path()),
        one(&plain, &in_windows, &["ACG"], wanted, folder.path()),
        one(&plain, &SPEC, &["ACGT"], wanted, folder.path()),
        one(&plain, &SPEC, &["ACG"], (LayerIndex::Block(1), Pooling::Mean), folder.path()),
        one(&plain, &SPEC, &["ACG"], (LayerIndex::Final, Pooling::Max), folder.path()),
    ];
    for other in others {
        assert_ne!(other.unwrap().folder(), base.folder());
    }
    let one_window = one(&plain, &in_windows, &["ACG"], wanted, folder.path()).unwrap();
    let another = one(&plain, &overlapping, &["ACG"], wanted, folder.path()).unwrap();
    assert_ne!(one_window.folder(), another.folder());
    assert_eq!(values(&one_window, 0), values(&base, 0), "a sequence that fits is read as it is");
}

#[test]
fn both_strands_give_the_same_average() {
    let folder = tempfile::tempdir().unwrap();
    let average = ExtractionSpec { reverse_complement: ReverseComplement::Average, ..SPEC };
    let wanted = (LayerIndex::Final, Pooling::Mean);
    let plain = Behaviour::default();
    let found = one(&plain, &average, &["AACGN", "NCGTT"], wanted, folder.path()).unwrap();
    let forward = one(&plain, &SPEC, &["AACGN", "NCGTT"], wanted, folder.path()).unwrap();
    for index in 0..HIDDEN {
        assert_relative_eq!(values(&found, 0)[index], values(&found, 1)[index], max_relative = 1e-6);
        let expected = (values(&forward, 0)[index] + values(&forward, 1)[index]) / 2.0;
        assert_relative_eq!(values(&found, 0)[index], expected, max_relative = 1e-5, epsilon = 1e-6);
    }
    // The other strands are the same two sequences.
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let all = sequences(&["GTTCG", "AACGN", "NCGTT", "CGAAC"]);
    let options = ExtractionOptions::default();
    let strands = extract(&model(&plain), &average, &all, &[wanted], &cache, options).unwrap();
    assert_eq!((strands.report.n_distinct, strands.report.n_computed), (2, 1));
    let strands = &strands.features[0];
    assert_eq!(values(strands, 1), values(&found, 0));
    assert_eq!(values(strands, 2), values(strands, 1));
    assert_eq!(values(strands, 3), values(strands, 0));
    let rows = StoredFeatures::of_sequences(&cache, found.folder(), &sequences(&["CGAAC"])).unwrap();
    assert_eq!(values(&rows, 0), values(strands, 0));
    let tokens = one(&plain, &average, &["AAC"], (LayerIndex::Final, Pooling::Tokens), folder.path());
    assert!(matches!(tokens, Err(EmbedError::NotApplicable { .. })));
}

#[test]
fn a_nan_is_an_error_that_names_the_sequence_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour { nan_at: Some(5), ..Behaviour::default() };
    let error = run(&behaviour, &sequences(&["ACG", "ANG"]), folder.path(), ExtractionOptions::default())
        .unwrap_err();
    let EmbedError::NotFinite { row: 1, sequence, .. } = &error else { panic!("{error}") };
    assert_eq!(sequence, "ANG");
    let stored = crate::common::files(folder.path());
    assert!(
        stored.keys().all(|name| !name.contains("shard") && !name.contains("manifest")),
        "{:?}",
        stored.keys()
    );
}

#[test]
fn combinations_that_cannot_exist_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let no_cls = Behaviour { has_cls: false, ..Behaviour::default() };
    let error = one(&no_cls, &SPEC, &["ACG"], (LayerIndex::Final, Pooling::Cls), folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cls pooling is not applicable: this mixer model has no CLS token that sees the sequence"
    );
    let flatten = one(&no_cls, &SPEC, &["ACG"], (LayerIndex::Final, Pooling::Flatten), folder.path());
    assert!(matches!(flatten, Err(EmbedError::NotApplicable { .. })));
    let layer =
        one(&no_cls, &SPEC, &["ACG"], (LayerIndex::Block(3), Pooling::Mean), folder.path()).unwrap_err();
    assert!(layer.to_string().contains("layer 3 does not exist"), "{layer}");
}

#[test]
fn a_model_in_another_precision_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let bf16 = ExtractionSpec { precision: Precision::Bf16, ..SPEC };
    let wanted = (LayerIndex::Final, Pooling::Mean);
    let error = one(&Behaviour::default(), &bf16, &["ACG"], wanted, folder.path()).unwrap_err();
    assert!(error.to_string().contains("loaded in precision f32, expected bf16"), "{error}");
}

#[test]
fn no_sequence_gives_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let found = run(&Behaviour::default(), &[], folder.path(), ExtractionOptions::default()).unwrap();
    assert_eq!((found.features.len(), found.features[0].n_rows(), found.report.n_computed), (2, 0, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn stored_values_round_trip(texts in prop::collection::vec("[ACGTN]{1,20}", 1..20), batch_tokens in 1_usize..200) {
        let folder = tempfile::tempdir().unwrap();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let all = sequences(&texts);
        let options = || ExtractionOptions { batch_tokens: Some(batch_tokens), ..ExtractionOptions::default() };
        let first = run(&Behaviour::default(), &all, folder.path(), options()).unwrap();
        let again = run(&Behaviour::default(), &all, folder.path(), options()).unwrap();
        prop_assert_eq!(again.report.n_computed, 0);
        for (index, _) in WANTED.iter().enumerate() {
            let (one, two) = (&first.features[index], &again.features[index]);
            prop_assert_eq!(all_values(one), all_values(two));
            for (row, text) in texts.iter().enumerate() {
                let length = if one.kind() == FeatureKind::Tokens { text.len() } else { 1 };
                prop_assert_eq!(one.length(row), length);
                prop_assert_eq!(values(one, row).len(), length * HIDDEN);
            }
        }
    }
}

#[test]
fn a_state_may_belong_to_several_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Behaviour { has_cls: false, ..Behaviour::default() };
    let binned = Behaviour { state_stride: 4, weights: b"binned", ..plain.clone() };
    let texts = ["ACGTACGTA", "A", "GGCC", "TTTTAC", "NACGT"];
    let last = LayerIndex::Final;
    let features = |behaviour: &Behaviour, pooling, batch_tokens| {
        let folder = tempfile::tempdir().unwrap();
        let cache = EmbeddingCache::open(folder.path()).unwrap();
        let options = ExtractionOptions { batch_tokens: Some(batch_tokens), ..ExtractionOptions::default() };
        let all = sequences(&texts);
        let found = extract(&model(behaviour), &SPEC, &all, &[(last, pooling)], &cache, options).unwrap();
        (0..texts.len()).map(|row| values(&found.features[0], row)).collect::<Vec<_>>()
    };
    let tokens = features(&plain, Pooling::Tokens, 1000);
    // All in one padded batch, and one by one.
    for batch_tokens in [1000, 1] {
        let states = features(&binned, Pooling::Tokens, batch_tokens);
        for pooling in [Pooling::Mean, Pooling::MeanAll, Pooling::Max, Pooling::Last] {
            let pooled = features(&binned, pooling, batch_tokens);
            for (text, ((tokens, states), pooled)) in
                texts.iter().zip(tokens.iter().zip(&states).zip(&pooled))
            {
                let expected = bin_means(tokens);
                assert_eq!(expected.len(), text.len().div_ceil(4));
                assert_eq!(states.len(), expected.len() * HIDDEN);
                for (value, expected) in states.iter().zip(expected.iter().flatten()) {
                    assert_relative_eq!(value, expected, max_relative = 1e-5, epsilon = 1e-6);
                }
                for (dimension, &value) in pooled.iter().enumerate() {
                    let column = || expected.iter().map(|state| state[dimension]);
                    let expected = match pooling {
                        Pooling::Max => column().fold(f32::NEG_INFINITY, f32::max),
                        Pooling::Last => column().next_back().unwrap(),
                        _ => column().sum::<f32>() / expected.len() as f32,
                    };
                    assert_relative_eq!(value, expected, max_relative = 1e-5, epsilon = 1e-6);
                }
            }
        }
    }

    // CLS, three bases; the second bin has only SEP and is left out.
    let added = Behaviour { has_cls: true, ..binned };
    let found = one(&added, &SPEC, &["ACG", "ACGT"], (last, Pooling::Tokens), folder.path()).unwrap();
    assert_eq!((found.length(0), found.length(1)), (1, 2));
    let all = one(&added, &SPEC, &["ACG"], (last, Pooling::MeanAll), folder.path()).unwrap();
    assert_ne!(values(&all, 0), values(&found, 0));
    let stopped =
        one(&Behaviour { state_stride: 0, ..added }, &SPEC, &["ACGTA"], (last, Pooling::Mean), folder.path());
    let error = stopped.unwrap_err().to_string();
    assert!(error.contains("state stride is 0, expected at least 1"), "{error}");
}

/// The mean of every four token vectors.
fn bin_means(tokens: &[f32]) -> Vec<Vec<f32>> {
    let mean = |bin: &[f32]| {
        let vectors = bin.len() / HIDDEN;
        (0..HIDDEN).map(|dim| bin.iter().skip(dim).step_by(HIDDEN).sum::<f32>() / vectors as f32).collect()
    };
    tokens.chunks(4 * HIDDEN).map(mean).collect()
}

#[test]
fn errors_of_a_part_name_the_row_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour { nan_at: Some(5), ..Behaviour::default() };
    let options = ExtractionOptions { first_row: 1000, ..ExtractionOptions::default() };
    let error = run(&behaviour, &sequences(&["ACG", "ANG"]), folder.path(), options).unwrap_err();
    assert!(matches!(error, EmbedError::NotFinite { row: 1001, .. }), "{error}");
}
