//! The same computation is found again from another set of sequences.

use crate::common::{Behaviour, SPEC, all_values, files, many, model, repair, run, values};
use seqprobe_core::{DnaSequence, FeatureSource, LayerIndex, Pooling};
use seqprobe_embed::{
    EmbedError, EmbeddingCache, Extraction, ExtractionOptions, ExtractionProgress, ExtractionSpec,
    Interrupted, KeepEnd, extract,
};
use std::path::Path;
use std::sync::atomic::Ordering;

/// Three shards.
const COUNT: usize = 9000;

fn seen(sequences: &[DnaSequence], cache: &Path) -> (Extraction, usize) {
    let behaviour = Behaviour::default();
    let found = run(&behaviour, sequences, cache, ExtractionOptions::default()).unwrap();
    assert_eq!(found.report.n_computed, behaviour.seen.load(Ordering::Relaxed));
    (found, behaviour.seen.load(Ordering::Relaxed))
}

/// Row i of one is row `of(i)` of the other, to the last bit.
fn require_same(one: &Extraction, other: &Extraction, rows: &[usize], of: impl Fn(usize) -> usize) {
    for (one, other) in one.features.iter().zip(&other.features) {
        for &row in rows {
            assert_eq!(values(one, row), values(other, of(row)), "row {row}");
            assert_eq!(one.length(row), other.length(of(row)));
        }
    }
}

#[test]
fn a_part_of_a_dataset_in_another_order_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let all = many(COUNT);
    let (whole, _) = seen(&all, folder.path());
    let before = files(folder.path());
    let part: Vec<DnaSequence> = all.iter().rev().step_by(3).cloned().collect();
    let (found, computed) = seen(&part, folder.path());
    assert_eq!((computed, found.report.n_read), (0, part.len()));
    assert!(files(folder.path()) == before, "nothing is stored a second time");
    let rows: Vec<usize> = (0..part.len()).collect();
    require_same(&found, &whole, &rows, |row| COUNT - 1 - 3 * row);
}

#[test]
fn only_what_a_larger_dataset_adds_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let all = many(COUNT);
    let (less, _) = seen(&all[..COUNT - 500], folder.path());
    // Another overlapping part, so that the whole lies in three entries.
    let (_, computed) = seen(&all[COUNT - 600..COUNT - 400], folder.path());
    assert_eq!(computed, 100);
    let (more, computed) = seen(&all, folder.path());
    assert_eq!(computed, 400);
    let rows: Vec<usize> = (0..COUNT - 500).collect();
    require_same(&more, &less, &rows, |row| row);
    let (again, computed) = seen(&all, folder.path());
    assert_eq!(computed, 0);
    assert_eq!(all_values(&again.features[1]), all_values(&more.features[1]));

    let elsewhere = tempfile::tempdir().unwrap();
    let (fresh, computed) = seen(&all, elsewhere.path());
    assert_eq!(computed, COUNT);
    for (one, other) in all_values(&more.features[0]).iter().zip(all_values(&fresh.features[0])) {
        assert!((one - other).abs() <= 1e-5 * other.abs() + 1e-6, "{one} {other}");
    }
}

#[test]
fn another_layer_is_computed_for_the_rows_that_lack_it() {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let all = many(300);
    let of = |behaviour: &Behaviour, sequences: &[DnaSequence], wanted: &[(LayerIndex, Pooling)]| {
        extract(&model(behaviour), &SPEC, sequences, wanted, &cache, ExtractionOptions::default()).unwrap()
    };
    let mean = (LayerIndex::Final, Pooling::Mean);
    let max = (LayerIndex::Block(1), Pooling::Max);
    let whole = of(&Behaviour::default(), &all, &[mean]);
    let behaviour = Behaviour::default();
    let found = of(&behaviour, &all[..200], &[mean, max]);
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), 200, "one pass, for the layer that is not there");
    assert_eq!((found.report.n_computed, found.report.n_read), (200, 0));
    for row in 0..200 {
        assert_eq!(values(&found.features[0], row), values(&whole.features[0], row));
    }
}

#[test]
fn another_computation_is_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let all = many(50);
    seen(&all, folder.path());
    let other = Behaviour { weights: b"other", ..Behaviour::default() };
    let found = run(&other, &all[..20], folder.path(), ExtractionOptions::default()).unwrap();
    assert_eq!(found.report.n_computed, 20);
}

#[test]
fn a_stopped_superset_goes_on_and_gives_no_rows_before_it_is_complete() {
    let undisturbed = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let all = many(COUNT + 300);
    for cache in [undisturbed.path(), folder.path()] {
        seen(&all[..300], cache);
    }
    seen(&all, undisturbed.path());
    let mut stop = |progress: ExtractionProgress| {
        if progress.sequences > 5000 { Err(Interrupted) } else { Ok(()) }
    };
    let options = ExtractionOptions { progress: Some(&mut stop), ..ExtractionOptions::default() };
    let error = run(&Behaviour::default(), &all, folder.path(), options).unwrap_err();
    assert!(matches!(error, EmbedError::Interrupted { total: COUNT, .. }), "{error}");
    let (_, computed) = seen(&all, folder.path());
    assert_eq!(computed, COUNT - 4096);
    assert!(files(folder.path()) == files(undisturbed.path()));
}

#[test]
fn a_damaged_row_of_another_entry_is_said_and_computed() {
    let folder = tempfile::tempdir().unwrap();
    let all = many(COUNT);
    let (whole, _) = seen(&all, folder.path());
    let expected: Vec<f32> = all_values(&whole.features[0]);
    let path = whole.features[0].folder().join("shard-00001.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes.len() - 150_000;
    bytes[place] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    drop(whole);

    let part = &all[..COUNT - 1];
    let error = run(&Behaviour::default(), part, folder.path(), ExtractionOptions::default()).unwrap_err();
    assert!(matches!(error, EmbedError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("shard-00001.safetensors: its BLAKE3 digest"), "{error}");
    let behaviour = Behaviour::default();
    let found = run(&behaviour, part, folder.path(), repair()).unwrap();
    assert_eq!(behaviour.seen.load(Ordering::Relaxed), 4096, "the rows of that shard");
    assert_eq!(found.damage.len(), 1, "{:?}", found.damage);
    assert!(found.damage[0].contains("shard-00001.safetensors"), "{:?}", found.damage);
    for (one, other) in all_values(&found.features[0]).iter().zip(&expected) {
        assert!((one - other).abs() <= 1e-5 * other.abs() + 1e-6, "{one} {other}");
    }
}

#[test]
fn what_was_cut_is_counted_for_the_rows_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let behaviour = Behaviour { max_tokens: Some(12), ..Behaviour::default() };
    let spec = ExtractionSpec { keep_end: KeepEnd::Left, ..SPEC };
    let all = many(100);
    let cut = |part: &[DnaSequence]| part.iter().filter(|sequence| sequence.len() + 2 > 12).count();
    for part in [&all[..], &all[..37], &all[40..90], &all[3..4]] {
        let wanted = [(LayerIndex::Final, Pooling::Mean)];
        let options = ExtractionOptions::default();
        let found = extract(&model(&behaviour), &spec, part, &wanted, &cache, options).unwrap();
        assert_eq!(found.report.n_truncated, cut(part));
        assert_eq!(found.report.n_computed, if part.len() == 100 { 100 } else { 0 });
    }
    assert!(cut(&all) > 0 && cut(&all) < 100);
}
