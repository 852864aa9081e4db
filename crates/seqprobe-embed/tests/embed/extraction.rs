//! Extraction end to end: values, rows, keys, truncation, errors.

use crate::common::{
    Behaviour, HIDDEN, SPEC, WANTED, all_values, files, many, model, repair, run, sequences, values,
};
use approx::assert_relative_eq;
use proptest::prelude::*;
use seqprobe_core::{DnaSequence, FeatureError, FeatureKind, FeatureSource, LayerIndex, Pooling};
use seqprobe_embed::{
    ChainedFeatures, EmbedError, EmbeddingCache, ExtractionOptions, ExtractionReport, ExtractionSpec,
    KeepEnd, LiveFeatures, ReverseComplement, StoredFeatures, Window, estimate, extract,
};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

fn one(
    behaviour: &Behaviour,
    spec: &ExtractionSpec,
    texts: &[&str],
    wanted: (LayerIndex, Pooling),
    cache: &Path,
) -> Result<StoredFeatures, EmbedError> {
    let cache = EmbeddingCache::open(cache)?;
    let options = ExtractionOptions::default();
    let mut extraction = extract(&model(behaviour), spec, &sequences(texts), &[wanted], &cache, options)?;
    Ok(extraction.features.remove(0))
}

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
fn live_tokens_are_those_of_the_cache_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour::default();
    let all = sequences(&["ACGTA", "GG", "ACGTA", "T", "GGCATTACCA", "AC"]);
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let wanted = [(LayerIndex::Block(1), Pooling::Tokens)];
    let extraction =
        extract(&model(&behaviour), &SPEC, &all, &wanted, &cache, ExtractionOptions::default()).unwrap();
    let stored = &extraction.features[0];
    let seen = behaviour.seen.load(Ordering::Relaxed);
    let shared = Arc::new(Mutex::new(model(&behaviour)));
    let live = LiveFeatures::new(Arc::clone(&shared), &SPEC, &all, LayerIndex::Block(1)).unwrap();
    let other_layer = LiveFeatures::new(Arc::clone(&shared), &SPEC, &all, LayerIndex::Block(2)).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), seen, "nothing is computed before it is read");
    assert_eq!((live.n_rows(), live.dim(), live.kind()), (6, HIDDEN, FeatureKind::Tokens));
    for row in 0..6 {
        assert_eq!(live.length(row), stored.length(row));
        assert_eq!(live.storage_position(row), stored.storage_position(row));
    }
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let rows = [4, 0, 2, 5, 0];
    live.read_rows(&rows, &mut one).unwrap();
    stored.read_rows(&rows, &mut other).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), seen + 3, "once for each distinct sequence");
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(&other) {
        assert_relative_eq!(one, other, max_relative = 1e-5, epsilon = 1e-6);
    }
    assert!(live.read_rows(&[6], &mut one).is_err());
    let mut of_other_layer = Vec::new();
    other_layer.read_rows(&rows, &mut of_other_layer).unwrap();
    assert_eq!(of_other_layer.len(), other.len());
    assert_ne!(of_other_layer, other, "two layers of one shared model");

    let both = ExtractionSpec { reverse_complement: ReverseComplement::Average, ..SPEC };
    let refused = LiveFeatures::new(shared, &both, &all, LayerIndex::Block(1));
    assert!(matches!(refused, Err(EmbedError::NotApplicable { .. })), "as stored tokens are");
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
fn windows_count_every_letter_once() {
    let folder = tempfile::tempdir().unwrap();
    // Four letters and two added tokens fill the model's limit of six.
    let behaviour = Behaviour { max_tokens: Some(6), ..Behaviour::default() };
    let spec = ExtractionSpec { window: Some(Window { size: 4, stride: 2 }), ..SPEC };
    let texts = ["ACGTTGCAN", "ACG", "AACC"];
    let whole_windows = ["ACGT", "GTTG", "TGCA", "GCAN"];
    // Windows 0..4, 2..6, 4..8, 5..9: letters 2, 3, 4 are in two windows, 5 to 7 in two or three.
    let weights =
        [3.0, 0.5 + 0.5 + 0.5 + 1.0 / 3.0, 0.5 + 1.0 / 3.0 + 0.5 + 0.5, 1.0 / 3.0 + 0.5 + 0.5 + 1.0];
    assert_relative_eq!(weights.iter().sum::<f64>(), 9.0, max_relative = 1e-12);
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    for (pooling, batch_tokens) in [(Pooling::Mean, 6), (Pooling::Cls, 100), (Pooling::Max, 13)] {
        let wanted = [(LayerIndex::Final, pooling)];
        let options = ExtractionOptions { batch_tokens: Some(batch_tokens), ..ExtractionOptions::default() };
        let found = extract(&model(&behaviour), &spec, &sequences(&texts), &wanted, &cache, options).unwrap();
        assert_eq!((found.report.n_windowed, found.report.n_truncated), (1, 0));
        let parts = one(&behaviour, &SPEC, &whole_windows, wanted[0], folder.path()).unwrap();
        let short = one(&behaviour, &SPEC, &texts[1..], wanted[0], folder.path()).unwrap();
        for place in 0..HIDDEN {
            let of_part = |part: usize| f64::from(values(&parts, part)[place]);
            let expected = match pooling {
                Pooling::Max => (0..4).map(of_part).fold(f64::MIN, f64::max),
                _ => (0..4).map(|part| of_part(part) * weights[part]).sum::<f64>() / 9.0,
            };
            let got = f64::from(values(&found.features[0], 0)[place]);
            assert_relative_eq!(got, expected, max_relative = 1e-5, epsilon = 1e-6);
            for row in [1, 2] {
                let (got, alone) = (values(&found.features[0], row)[place], values(&short, row - 1)[place]);
                assert_relative_eq!(got, alone, max_relative = 1e-5, epsilon = 1e-6);
            }
        }
    }
    let tokens = one(&behaviour, &spec, &texts, (LayerIndex::Final, Pooling::Tokens), folder.path());
    assert!(matches!(tokens, Err(EmbedError::NotApplicable { .. })));
    let wide = ExtractionSpec { window: Some(Window { size: 5, stride: 5 }), ..SPEC };
    let error =
        one(&behaviour, &wide, &texts, (LayerIndex::Final, Pooling::Mean), folder.path()).unwrap_err();
    assert!(error.to_string().contains("at most 6"), "a window that is too long is an error: {error}");
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
fn long_inputs_are_counted_or_cut() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour { max_tokens: Some(5), ..Behaviour::default() };
    let wanted = (LayerIndex::Block(0), Pooling::Tokens);
    let texts = ["ACG", "ACGTA", "TTTTTTTT", "ACGTA"];
    let error = one(&behaviour, &SPEC, &texts, wanted, folder.path()).unwrap_err();
    assert!(
        matches!(error, EmbedError::TooLong { count: 2, total: 3, row: 2, longest: 10, limit: 5 }),
        "{error}"
    );
    let short = one(&behaviour, &SPEC, &["ACG", "CGT", "GTA", "TTT"], wanted, folder.path()).unwrap();
    for (keep_end, row) in [(KeepEnd::Left, 0), (KeepEnd::Center, 1), (KeepEnd::Right, 2)] {
        let spec = ExtractionSpec { keep_end, ..SPEC };
        let cache = EmbeddingCache::open(folder.path()).unwrap();
        for _ in 0..2 {
            let options = ExtractionOptions::default();
            let found =
                extract(&model(&behaviour), &spec, &sequences(&texts), &[wanted], &cache, options).unwrap();
            assert_eq!(found.report.n_truncated, 2, "also when read from the cache");
            for dimension in 0..3 * HIDDEN {
                let (cut, whole) = (values(&found.features[0], 1)[dimension], values(&short, row)[dimension]);
                assert_relative_eq!(cut, whole, max_relative = 1e-5, epsilon = 1e-6);
            }
        }
    }
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
fn a_state_may_stand_for_several_tokens() {
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

    // CLS, three letters; the second bin holds SEP alone and is left out.
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
fn an_estimate_counts_what_is_missing_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let behaviour = Behaviour::default();
    let mut all = many(5000);
    all.extend_from_within(..10);
    let look = || estimate(&model(&behaviour), &SPEC, &all, &WANTED, &cache).unwrap();
    let found = look();
    assert_eq!((found.n_rows, found.n_distinct, found.n_missing), (5010, 5000, 5000));
    let letters: usize = all[..5000].iter().map(DnaSequence::len).sum();
    assert_eq!(found.n_tokens, (letters + 2 * 5000) as u64);
    assert!(found.seconds > 0.0 && (1..=5000).contains(&found.n_sampled), "{found:?}");
    assert!(files(folder.path()).is_empty(), "an estimate stores nothing");
    let done = run(&behaviour, &all, folder.path(), repair()).unwrap();
    assert_eq!((done.report.n_computed, done.report.n_tokens), (5000, found.n_tokens));
    let stored: usize = files(folder.path())
        .iter()
        .filter(|(name, _)| name.ends_with(".safetensors"))
        .map(|(_, bytes)| bytes.len())
        .sum();
    // Two shards of two entries, each with a head.
    let heads = stored as u64 - found.n_bytes;
    assert!((4 * 100..4 * 2000).contains(&heads), "{stored} bytes stored, {} foretold", found.n_bytes);
    let nothing = look();
    assert_eq!((nothing.n_missing, nothing.n_tokens, nothing.n_bytes, nothing.n_sampled), (0, 0, 0, 0));
    // Another pooling of the same layer is missing; the stored ones are not.
    let more = [WANTED[0], (LayerIndex::Final, Pooling::Max)];
    let found = estimate(&model(&behaviour), &SPEC, &all, &more, &cache).unwrap();
    assert_eq!((found.n_missing, found.n_bytes), (5000, 5000 * (4 * HIDDEN as u64 + 32)));
}

#[test]
fn parts_in_a_chain_are_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let all = many(5003);
    let whole =
        run(&Behaviour::default(), &all, &folder.path().join("a"), ExtractionOptions::default()).unwrap();
    let borders = [0, 700, 4900, 5003];
    let mut parts = borders.windows(2).map(|border| {
        let part = &all[border[0]..border[1]];
        run(&Behaviour::default(), part, &folder.path().join("b"), ExtractionOptions::default()).unwrap()
    });
    let mut report = ExtractionReport::default();
    let first = parts.next().unwrap();
    report += first.report;
    let mut chains: Vec<ChainedFeatures> = first.features.into_iter().map(ChainedFeatures::new).collect();
    for part in parts {
        report += part.report;
        chains.iter_mut().zip(part.features).for_each(|(chain, features)| chain.push(features));
    }
    assert_eq!((report.n_rows, report.n_computed, report.n_tokens), (5003, 5003, whole.report.n_tokens));
    for (chain, whole) in chains.iter().zip(&whole.features) {
        assert_eq!((chain.n_rows(), chain.dim(), chain.kind()), (5003, whole.dim(), whole.kind()));
        for row in [0, 699, 700, 2500, 4899, 4900, 5002, 3] {
            assert_eq!(chain.length(row), whole.length(row));
            let (found, expected) = (values(chain, row), values(whole, row));
            assert_eq!(found.len(), expected.len());
            for (value, expected) in found.iter().zip(&expected) {
                assert_relative_eq!(value, expected, max_relative = 1e-5, epsilon = 1e-6);
            }
        }
        assert!(matches!(
            chain.read_rows(&[5003], &mut Vec::new()),
            Err(FeatureError::Row { row: 5003, .. })
        ));
    }
}

#[test]
fn errors_of_a_part_name_the_row_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour { nan_at: Some(5), ..Behaviour::default() };
    let options = ExtractionOptions { first_row: 1000, ..ExtractionOptions::default() };
    let error = run(&behaviour, &sequences(&["ACG", "ANG"]), folder.path(), options).unwrap_err();
    assert!(matches!(error, EmbedError::NotFinite { row: 1001, .. }), "{error}");
}
