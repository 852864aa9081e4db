//! Stored features leave the cache in every format, with ids, and come back the same.

use crate::common::{Behaviour, HIDDEN, all_values, many, run};
use seqprobe_core::FeatureSource;
use seqprobe_embed::{
    EXPORT_FORMATS, EmbedError, EmbeddingCache, ExtractionOptions, IdsFrom, ImportRequest,
    ImportedEmbeddings, StoredFeatures, export_features,
};
use serde_json::Value;
use std::path::Path;

#[test]
fn an_entry_is_found_and_read_without_its_model() {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let all = many(5000);
    let found = run(&Behaviour::default(), &all, folder.path(), ExtractionOptions::default()).unwrap();
    for features in &found.features {
        let name = features.folder().file_name().unwrap().to_string_lossy().into_owned();
        let entry = cache.find_entry(&name[..10]).unwrap();
        let (stored, ids) = StoredFeatures::of_entry(&entry).unwrap();
        assert_eq!((stored.n_rows(), ids.len()), (5000, 5000));
        let digest = seqprobe_core::Digest::of_bytes(all[7].as_bytes()).to_string();
        let row = ids.iter().position(|id| *id == digest).unwrap();
        assert_eq!(crate::common::values(&stored, row), crate::common::values(features, 7));
        let some: Vec<_> = all[100..4500].iter().rev().cloned().collect();
        let rows = StoredFeatures::of_sequences(&cache, &entry, &some).unwrap();
        assert_eq!(crate::common::values(&rows, 0), crate::common::values(features, 4499));
        let error = StoredFeatures::of_sequences(&cache, &entry, &many(5010)).unwrap_err();
        assert!(matches!(error, EmbedError::NotStored { count: 10, row: 5000, .. }), "{error}");
    }
    assert!(matches!(cache.find_entry(""), Err(EmbedError::NoEntry { count: 2, .. })));
    assert!(matches!(cache.find_entry("x"), Err(EmbedError::NoEntry { count: 0, .. })));
}

#[test]
fn every_format_gives_back_the_same_values_and_ids() {
    let folder = tempfile::tempdir().unwrap();
    let found =
        run(&Behaviour::default(), &many(300), &folder.path().join("cache"), ExtractionOptions::default())
            .unwrap();
    let pooled = &found.features[0];
    let ids: Vec<String> = (0..300).map(|row| format!("id \"{row}\" é")).collect();
    let expected = all_values(pooled);
    for format in EXPORT_FORMATS {
        let path = folder.path().join(format!("x.{}", format.ending));
        export_features(pooled, &ids.iter().collect(), &path).unwrap();
        let values = if format.ending == "zarr" {
            let (values, found) = (zarr_floats(&path.join("features")), zarr_texts(&path.join("ids")));
            assert_eq!(found, ids);
            values
        } else {
            let request = ImportRequest { path, values: None, ids: IdsFrom::Default };
            let read = ImportedEmbeddings::read(&request).unwrap();
            all_values(&read.join(&ids, &(0..300).collect::<Vec<_>>()).unwrap())
        };
        assert_eq!(values, expected, "{}", format.ending);
    }
}

fn zarr_json(array: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(array.join("zarr.json")).unwrap()).unwrap()
}

fn zarr_floats(array: &Path) -> Vec<f32> {
    let json = zarr_json(array);
    assert_eq!((json["zarr_format"].as_u64(), json["data_type"].as_str()), (Some(3), Some("float32")));
    let n_rows = json["shape"][0].as_u64().unwrap() as usize;
    let per_chunk = json["chunk_grid"]["configuration"]["chunk_shape"][0].as_u64().unwrap() as usize;
    let mut values: Vec<f32> = Vec::new();
    for chunk in 0..n_rows.div_ceil(per_chunk) {
        let bytes = std::fs::read(array.join(format!("c/{chunk}/0"))).unwrap();
        let (floats, checksum) = bytes.split_at(bytes.len() - 4);
        assert_eq!(floats.len(), per_chunk * HIDDEN * 4);
        assert_eq!(checksum, bitwise_crc32c(floats).to_le_bytes());
        values.extend(floats.as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)));
    }
    assert!(values[n_rows * HIDDEN..].iter().all(|&value| value == 0.0));
    values.truncate(n_rows * HIDDEN);
    values
}

fn zarr_texts(array: &Path) -> Vec<String> {
    let json = zarr_json(array);
    assert_eq!(json["data_type"], "string");
    let bytes = std::fs::read(array.join("c/0")).unwrap();
    let (body, checksum) = bytes.split_at(bytes.len() - 4);
    assert_eq!(checksum, bitwise_crc32c(body).to_le_bytes());
    let number = |at: usize| u32::from_le_bytes(body[at..at + 4].try_into().unwrap()) as usize;
    let mut at = 4;
    (0..number(0))
        .map(|_| {
            let length = number(at);
            at += 4 + length;
            String::from_utf8(body[at - length..at].to_vec()).unwrap()
        })
        .collect()
}

/// CRC-32C by its definition, bit after bit, without a table.
fn bitwise_crc32c(bytes: &[u8]) -> u32 {
    let mut rest = !0_u32;
    for &byte in bytes {
        rest ^= u32::from(byte);
        for _ in 0..8 {
            rest = (rest >> 1) ^ if rest & 1 == 1 { 0x82F6_3B78 } else { 0 };
        }
    }
    !rest
}

#[test]
fn tokens_leave_with_their_borders() {
    let folder = tempfile::tempdir().unwrap();
    let found =
        run(&Behaviour::default(), &many(40), &folder.path().join("cache"), ExtractionOptions::default())
            .unwrap();
    let tokens = &found.features[1];
    let ids: Vec<String> = (0..40).map(|row| row.to_string()).collect();
    let path = folder.path().join("x.zarr");
    export_features(tokens, &ids.iter().collect(), &path).unwrap();
    assert_eq!(zarr_floats(&path.join("tokens")), all_values(tokens));
    let offsets = std::fs::read(path.join("offsets/c/0")).unwrap();
    let last = i64::from_le_bytes(offsets[8 * 40..8 * 41].try_into().unwrap());
    assert_eq!(last as usize * HIDDEN, all_values(tokens).len());
    let error = export_features(tokens, &ids.iter().collect(), &path).unwrap_err().to_string();
    assert!(error.contains("it exists already"), "{error}");
    export_features(tokens, &ids.iter().collect(), &folder.path().join("x.parquet")).unwrap();
    assert!(export_features(tokens, &ids.iter().collect(), &folder.path().join("x.npy")).is_err());
    let left = std::fs::read_dir(folder.path()).unwrap().map(|item| item.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().ends_with(".tmp")));
}
