//! The forecast of an extraction agrees with the extraction.

use crate::common::{Behaviour, HIDDEN, SPEC, WANTED, files, many, model, repair, run};
use seqprobe_core::{DnaSequence, LayerIndex, Pooling};
use seqprobe_embed::{EmbeddingCache, forecast_extraction};

#[test]
fn a_forecast_counts_what_is_missing_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let behaviour = Behaviour::default();
    let mut all = many(5000);
    all.extend_from_within(..10);
    let look = || forecast_extraction(&model(&behaviour), &SPEC, &all, &WANTED, &cache).unwrap();
    let found = look();
    assert_eq!((found.n_rows, found.n_distinct, found.n_missing), (5010, 5000, 5000));
    let bases: usize = all[..5000].iter().map(DnaSequence::len).sum();
    assert_eq!(found.n_tokens, (bases + 2 * 5000) as u64);
    assert!(found.seconds > 0.0 && (1..=5000).contains(&found.n_sampled), "{found:?}");
    assert!(files(folder.path()).is_empty(), "a forecast stores nothing");
    let done = run(&behaviour, &all, folder.path(), repair()).unwrap();
    assert_eq!((done.report.n_computed, done.report.n_tokens), (5000, found.n_tokens));
    let stored: usize = files(folder.path())
        .iter()
        .filter(|(name, _)| name.ends_with(".safetensors"))
        .map(|(_, bytes)| bytes.len())
        .sum();
    // Two shards of two entries, each with a head.
    let heads = stored as u64 - found.n_bytes;
    assert!((4 * 100..4 * 2000).contains(&heads), "{stored} bytes stored, {} forecast", found.n_bytes);
    let nothing = look();
    assert_eq!((nothing.n_missing, nothing.n_tokens, nothing.n_bytes, nothing.n_sampled), (0, 0, 0, 0));
    // Another pooling of the same layer is missing; the stored ones are not.
    let more = [WANTED[0], (LayerIndex::Final, Pooling::Max)];
    let found = forecast_extraction(&model(&behaviour), &SPEC, &all, &more, &cache).unwrap();
    assert_eq!((found.n_missing, found.n_bytes), (5000, 5000 * (4 * HIDDEN as u64 + 32)));
}
