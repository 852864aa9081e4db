//! Damaged keys, records, manifests and shard headers, where the digests vouch for the damage: nothing but an error
//! or sound values. `make fuzz` goes on for minutes.

#[path = "../../../../tests/src/mutate.rs"]
#[expect(unreachable_pub, reason = "a file that several packages use")]
mod mutate;

use crate::common::{Behaviour, HIDDEN, all_values, many, run};
use mutate::Mutations;
use seqprobe_core::FeatureSource;
use seqprobe_embed::{EmbeddingCache, ExtractionOptions, StoredFeatures, cache_verify};
use std::path::{Path, PathBuf};

const ROWS: usize = 5;

/// A cache in memory, where there is such a folder, with one entry of tokens.
fn cache() -> (tempfile::TempDir, EmbeddingCache, PathBuf) {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let found = run(&Behaviour::default(), &many(ROWS), folder.path(), ExtractionOptions::default()).unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let entry = found.features[1].folder().to_owned();
    std::fs::remove_dir_all(found.features[0].folder()).unwrap();
    (folder, cache, entry)
}

fn require_sound(cache: &EmbeddingCache, entry: &Path) {
    if let Ok((features, ids)) = StoredFeatures::of_entry(entry) {
        let values = all_values(&features);
        let vectors: usize = (0..features.n_rows()).map(|row| features.length(row)).sum();
        assert_eq!((values.len(), ids.len()), (vectors * features.dim(), features.n_rows()));
    }
    for summary in cache_verify(cache).unwrap() {
        assert!(summary.problems.iter().all(|problem| !problem.is_empty()));
    }
}

#[test]
fn fuzz_manifest() {
    let (_folder, cache, entry) = cache();
    let names = ["manifest.json", "key.json", "shard-00000.json"];
    let corpus: Vec<Vec<u8>> = names.iter().map(|name| std::fs::read(entry.join(name)).unwrap()).collect();
    let words = [
        "\"rows\"",
        "\"shards\"",
        "null",
        "[[[[",
        "{}",
        "\"format\": 1",
        "\"tokens\"",
        "\\ud800",
        "\"dim\": ",
    ];
    let mutations = Mutations { corpus: &corpus, words: &words, count: 400 };
    mutations.try_all(|bytes| {
        for (name, good) in names.iter().zip(&corpus) {
            std::fs::write(entry.join(name), bytes).unwrap();
            require_sound(&cache, &entry);
            std::fs::write(entry.join(name), good).unwrap();
        }
    });
    require_sound(&cache, &entry);
    assert_eq!(StoredFeatures::of_entry(&entry).unwrap().0.n_rows(), ROWS);
}

#[test]
fn fuzz_shard_header() {
    let (_folder, cache, entry) = cache();
    let shard = entry.join("shard-00000.safetensors");
    let record = entry.join("shard-00000.json");
    let good = std::fs::read(&shard).unwrap();
    let head = 8 + u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
    let (header, values) = good.split_at(head);
    let mut stored: serde_json::Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    assert!(values.len() > HIDDEN);
    let words =
        ["\"data_offsets\":[0,", "\"shape\":[0]", "\"F32\"", "\"__metadata__\"", "\"tokens\":{", "}", "[[[["];
    let mutations = Mutations { corpus: &[header.to_vec(), good.clone()], words: &words, count: 600 };
    mutations.try_all(|bytes| {
        // The header may be damaged, or the values, and the record agrees with what is there.
        let whole = if bytes.len() < good.len() / 2 { [bytes, values].concat() } else { bytes.to_vec() };
        stored["bytes"] = whole.len().into();
        stored["blake3"] = blake3::hash(&whole).to_hex().to_string().into();
        std::fs::write(&shard, &whole).unwrap();
        std::fs::write(&record, stored.to_string()).unwrap();
        require_sound(&cache, &entry);
    });
}
