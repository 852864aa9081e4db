//! Features that are computed on reading, and those of several parts.

use crate::common::{Behaviour, HIDDEN, SPEC, all_values, many, model, run, sequences, values};
use approx::assert_relative_eq;
use rayon::prelude::*;
use seqprobe_core::{FeatureError, FeatureKind, FeatureSource, LayerIndex, Pooling};
use seqprobe_embed::{
    ChainedFeatures, EmbedError, EmbeddingCache, ExtractionOptions, ExtractionReport, ExtractionSpec,
    LiveFeatures, ReverseComplement, extract,
};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

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

/// A rayon thread that waits takes other tasks, and these want the same model.
#[test]
fn live_tokens_can_be_read_from_many_rayon_tasks() {
    let folder = tempfile::tempdir().unwrap();
    let all = many(400);
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let wanted = [(LayerIndex::Block(1), Pooling::Tokens)];
    let behaviour = Behaviour::default();
    let stored =
        extract(&model(&behaviour), &SPEC, &all, &wanted, &cache, ExtractionOptions::default()).unwrap();
    let shared = Arc::new(Mutex::new(model(&behaviour)));
    let live = LiveFeatures::new(shared, &SPEC, &all, LayerIndex::Block(1)).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(6).build().unwrap();
    let read = |start: usize| {
        let rows: Vec<usize> = (start..start + 10).collect();
        let mut out = Vec::new();
        live.read_rows(&rows, &mut out).unwrap();
        out
    };
    let found: Vec<Vec<f32>> = pool.install(|| (0..40).into_par_iter().map(|part| read(10 * part)).collect());
    let expected = all_values(&stored.features[0]);
    let found = found.concat();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_relative_eq!(found, expected, max_relative = 1e-5, epsilon = 1e-6);
    }
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
