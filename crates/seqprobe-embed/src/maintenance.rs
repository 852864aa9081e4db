//! What `cache ls` and `cache verify` show. Nothing here changes the cache.

use crate::cache::EmbeddingCache;
use crate::entry::{Manifest, manifest_path, read_key, read_manifest};
use crate::error::EmbedError;
use crate::key::EntryKey;
use crate::shard_read::{Shard, ShardState, read_json};
use crate::shard_write::{ShardRecord, record_path, shard_path};
use std::path::{Path, PathBuf};

/// One entry, as its own files describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct EntrySummary {
    /// The folder.
    pub folder: PathBuf,
    /// The key; `None` when `key.json` is missing or unreadable.
    pub key: Option<EntryKey>,
    /// True when the manifest is there, so that all shards were finished once.
    pub complete: bool,
    /// Rows in finished shards: distinct sequences.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// What is wrong, one sentence each. [`cache_list`] looks at the small files and sizes only,
    /// [`cache_verify`] at every byte.
    pub problems: Vec<String>,
}

/// All entries in the order of their names; values are not read.
///
/// # Errors
/// [`EmbedError::Io`] when the cache folder cannot be read.
pub fn cache_list(cache: &EmbeddingCache) -> Result<Vec<EntrySummary>, EmbedError> {
    summaries(cache, false)
}

/// All entries in the order of their names, every byte compared with its digest.
///
/// # Errors
/// [`EmbedError::Io`] when the cache folder cannot be read; problems of entries are in their summaries.
pub fn cache_verify(cache: &EmbeddingCache) -> Result<Vec<EntrySummary>, EmbedError> {
    summaries(cache, true)
}

fn summaries(cache: &EmbeddingCache, every_byte: bool) -> Result<Vec<EntrySummary>, EmbedError> {
    let failed = |source| EmbedError::io("read", cache.bucket(), source);
    let mut folders = Vec::new();
    for item in std::fs::read_dir(cache.bucket()).map_err(failed)? {
        let path = item.map_err(failed)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    folders.into_iter().map(|folder| summary(folder, every_byte)).collect()
}

fn summary(folder: PathBuf, every_byte: bool) -> Result<EntrySummary, EmbedError> {
    let mut problems = Vec::new();
    let key = kept(read_key(&folder), &mut problems)?;
    match &key {
        Some(key) if !folder.ends_with(key.digest().short()) => {
            problems.push(format!("key.json is of entry {}", key.digest().short()));
        }
        None if problems.is_empty() => problems.push("key.json is missing".to_owned()),
        _ => {}
    }
    let manifest = kept(read_manifest(&folder), &mut problems)?;
    let (numbers, bytes) = files(&folder)?;
    let mut records = Vec::new();
    for &number in &numbers {
        match shard_problem(&folder, key.as_ref(), number, every_byte)? {
            Ok(record) => records.push(record),
            Err(problem) => problems.push(problem),
        }
    }
    if let (Some(manifest), Some(key)) = (&manifest, &key) {
        for record in &manifest.shards {
            if !numbers.contains(&record.shard) {
                problems.push(format!("{} is missing", shard_path(&folder, record.shard).display()));
            }
        }
        let sound = records.len() == numbers.len() && numbers.len() == manifest.shards.len();
        if sound && *manifest != Manifest::new(key, records.clone()) {
            let path = manifest_path(&folder);
            problems.push(format!("{} does not agree with the records of the shards", path.display()));
        }
    }
    let rows = records.iter().map(|record| record.rows as u64).sum();
    Ok(EntrySummary { folder, key, complete: manifest.is_some(), rows, bytes, problems })
}

/// The record of a sound shard, or what is wrong with it.
fn shard_problem(
    folder: &Path,
    key: Option<&EntryKey>,
    number: usize,
    every_byte: bool,
) -> Result<Result<ShardRecord, String>, EmbedError> {
    if let (Some(key), true) = (key, every_byte) {
        return Ok(match Shard::open(folder, key, number, None)? {
            ShardState::Good(shard) => Ok(shard.record),
            ShardState::Missing => Err(format!("{} is missing", shard_path(folder, number).display())),
            ShardState::Damaged(EmbedError::Damaged { path, reason, .. }) => {
                Err(format!("{}: {reason}", path.display()))
            }
            ShardState::Damaged(error) => Err(error.to_string()),
        });
    }
    let path = record_path(folder, number);
    let record: ShardRecord = match read_json(&path)? {
        Some(Ok(record)) => record,
        Some(Err(reason)) => return Ok(Err(format!("{}: {reason}", path.display()))),
        None => return Ok(Err(format!("{} is missing", path.display()))),
    };
    let path = shard_path(folder, number);
    Ok(match std::fs::metadata(&path) {
        Ok(found) if found.len() == record.bytes => Ok(record),
        Ok(found) => {
            Err(format!("{}: it has {} bytes, its record says {}", path.display(), found.len(), record.bytes))
        }
        Err(error) => Err(format!("{}: {error}", path.display())),
    })
}

/// Numbers of the shards that have a record, in order, and the bytes of all files.
fn files(folder: &Path) -> Result<(Vec<usize>, u64), EmbedError> {
    let failed = |source| EmbedError::io("read", folder, source);
    let mut numbers = Vec::new();
    let mut bytes = 0;
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        bytes += item.metadata().map_err(failed)?.len();
        let name = item.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("shard-")?.strip_suffix(".json")?.parse::<usize>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok((numbers, bytes))
}

/// Turns damage into a problem of the summary.
fn kept<T>(
    found: Result<Option<T>, EmbedError>,
    problems: &mut Vec<String>,
) -> Result<Option<T>, EmbedError> {
    match found {
        Err(EmbedError::Damaged { path, reason, .. }) => {
            problems.push(format!("{}: {reason}", path.display()));
            Ok(None)
        }
        other => other,
    }
}
