//! What `cache ls`, `cache verify` and `cache gc` need: a summary of each entry, and its removal. The caller chooses
//! the entries to remove.

use crate::cache::damage::{Damage, DamagedFile};
use crate::cache::embedding_cache::EmbeddingCache;
use crate::cache::entry::{Manifest, key_path, manifest_path, read_key, read_manifest};
use crate::cache::entry_locks::{Idle, idle};
use crate::cache::key::EntryKey;
use crate::cache::shard_read::{Shard, ShardState, read_json};
use crate::cache::shard_write::{ShardRecord, record_path, shard_path};
use crate::cache::usage::{last_used, users};
use crate::error::EmbedError;
use seqprobe_files::{is_temporary, temporary_beside};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// One entry, as its own files describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct EntrySummary {
    /// The folder.
    pub folder: PathBuf,
    /// The key; `None` when `key.json` is missing or unreadable.
    pub key: Option<EntryKey>,
    /// True when the manifest exists: all shards were finished once.
    pub complete: bool,
    /// Rows in finished shards: distinct sequences.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it was last read or written; `None` when the file system does not record it.
    pub last_used: Option<SystemTime>,
    /// Datasets or files that it was made or read for.
    pub users: Vec<String>,
    /// What is wrong, one text for each file. [`cache_list`] checks the small files and the sizes only,
    /// [`cache_verify`] every byte.
    pub problems: Vec<String>,
}

/// Lists all entries in the order of their names. Values are not read.
///
/// # Errors
/// [`EmbedError::Io`] when the cache folder cannot be read.
pub fn cache_list(cache: &EmbeddingCache) -> Result<Vec<EntrySummary>, EmbedError> {
    summaries(cache, false)
}

/// Lists all entries in the order of their names, and compares every byte with its digest.
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
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !is_hidden {
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
            let reason = Damage::KeyOfEntry(key.digest().short());
            problems.push(DamagedFile::new(key_path(&folder), reason));
        }
        None if problems.is_empty() => problems.push(DamagedFile::new(key_path(&folder), Damage::Missing)),
        _ => {}
    }
    let manifest = kept(read_manifest(&folder), &mut problems)?;
    let numbers = shard_numbers(&folder)?;
    let mut records = Vec::new();
    for &number in &numbers {
        match check_shard(&folder, key.as_ref(), number, every_byte)? {
            Ok(record) => records.push(record),
            Err(problem) => problems.push(problem),
        }
    }
    if let (Some(manifest), Some(key)) = (&manifest, &key) {
        for record in &manifest.shards {
            if !numbers.contains(&record.shard) {
                problems.push(DamagedFile::new(shard_path(&folder, record.shard), Damage::Missing));
            }
        }
        let sound = records.len() == numbers.len() && numbers.len() == manifest.shards.len();
        if sound && *manifest != Manifest::new(key, records.clone()) {
            problems.push(DamagedFile::new(manifest_path(&folder), Damage::Manifest));
        }
    }
    let rows = records.iter().map(|record| record.rows as u64).sum();
    let problems = problems.iter().map(DamagedFile::to_string).collect();
    let (bytes, last_used, users) = (folder_bytes(&folder)?, last_used(&folder), users(&folder));
    Ok(EntrySummary { folder, key, complete: manifest.is_some(), rows, bytes, last_used, users, problems })
}

/// The record of a sound shard, or the damaged file.
fn check_shard(
    folder: &Path,
    key: Option<&EntryKey>,
    number: usize,
    every_byte: bool,
) -> Result<Result<ShardRecord, DamagedFile>, EmbedError> {
    if let (Some(key), true) = (key, every_byte) {
        return Ok(match Shard::open(folder, key, number, None)? {
            ShardState::Good(shard) => Ok(shard.record),
            ShardState::Missing => Err(DamagedFile::new(shard_path(folder, number), Damage::Missing)),
            ShardState::Damaged(file) => Err(file),
        });
    }
    let path = record_path(folder, number);
    let record: ShardRecord = match read_json(&path)? {
        Some(Ok(record)) => record,
        Some(Err(reason)) => return Ok(Err(DamagedFile::new(path, reason))),
        None => return Ok(Err(DamagedFile::new(path, Damage::Missing))),
    };
    let path = shard_path(folder, number);
    Ok(match std::fs::metadata(&path) {
        Ok(found) if found.len() == record.bytes => Ok(record),
        Ok(found) => {
            let reason = Damage::Size { found: found.len(), recorded: record.bytes };
            Err(DamagedFile::new(path, reason))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Err(DamagedFile::new(path, Damage::Missing)),
        Err(error) => Err(DamagedFile::new(path, Damage::Unreadable(error))),
    })
}

/// Numbers of the shards that have a record, in order.
fn shard_numbers(folder: &Path) -> Result<Vec<usize>, EmbedError> {
    let failed = |source| EmbedError::io("read", folder, source);
    let mut numbers = Vec::new();
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let name = item.map_err(failed)?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix("shard-")?.strip_suffix(".json")?.parse::<usize>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Bytes of all files below a folder.
fn folder_bytes(folder: &Path) -> Result<u64, EmbedError> {
    let failed = |source| EmbedError::io("read", folder, source);
    let mut bytes = 0;
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        match item.metadata() {
            Ok(found) if found.is_dir() => bytes += folder_bytes(&item.path())?,
            Ok(found) => bytes += found.len(),
            // A temporary file that was renamed in the meantime.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(failed(source)),
        }
    }
    Ok(bytes)
}

/// Outcome of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The whole entry is gone.
    Removed,
    /// A process uses it, or may use it. Nothing was changed.
    InUse,
}

/// Removes an entry unless it is in use. On a file system without locks, an entry that was used within the last hour
/// counts as in use.
///
/// # Errors
/// [`EmbedError::Io`] when the folder cannot be changed.
pub fn remove_entry(entry: &EntrySummary) -> Result<Removal, EmbedError> {
    let _held = match idle(&entry.folder)? {
        Idle::Yes(held) => Some(held),
        Idle::No => return Ok(Removal::InUse),
        Idle::Unknown => {
            let age = last_used(&entry.folder).and_then(|used| used.elapsed().ok());
            if age.is_none_or(|age| age < Duration::from_secs(3600)) {
                return Ok(Removal::InUse);
            }
            None
        }
    };
    // It is renamed first, so that a process that is killed here leaves no incomplete entry.
    let spare = temporary_beside(&entry.folder);
    std::fs::rename(&entry.folder, &spare)
        .and_then(|()| std::fs::remove_dir_all(&spare))
        .map_err(|source| EmbedError::io("remove", &entry.folder, source))?;
    Ok(Removal::Removed)
}

/// Removes what is left of entries whose removal was interrupted, and returns their number.
///
/// # Errors
/// [`EmbedError::Io`] when the folder cannot be changed.
pub fn remove_leftover_entries(cache: &EmbeddingCache) -> Result<usize, EmbedError> {
    let failed = |source| EmbedError::io("read", cache.bucket(), source);
    let mut count = 0;
    for item in std::fs::read_dir(cache.bucket()).map_err(failed)? {
        let item = item.map_err(failed)?;
        let path = item.path();
        if is_temporary(&item.file_name().to_string_lossy()) && path.is_dir() {
            match std::fs::remove_dir_all(&path) {
                // Another process removes it too.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => other.map_err(|source| EmbedError::io("remove", &path, source))?,
            }
            count += 1;
        }
    }
    Ok(count)
}

/// Records damage as a problem of the summary.
fn kept<T>(
    found: Result<Option<T>, EmbedError>,
    problems: &mut Vec<DamagedFile>,
) -> Result<Option<T>, EmbedError> {
    match found {
        Err(EmbedError::Damaged { path, reason, .. }) => {
            problems.push(DamagedFile { path, reason });
            Ok(None)
        }
        other => other,
    }
}
