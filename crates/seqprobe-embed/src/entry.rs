//! One entry of the cache: its key, its shards in their states, its manifest, its lock.

use crate::atomic_file::TEMPORARY_SUFFIX;
use crate::cache::EmbeddingCache;
use crate::distinct::Distinct;
use crate::error::EmbedError;
use crate::key::{EntryKey, FORMAT_VERSION};
use crate::shard_read::{Shard, ShardState, damaged, read_json};
use crate::shard_write::{ShardRecord, write_json};
use rayon::prelude::*;
use seqprobe_core::{Digest, Pooling};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The table of a complete entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) key: Digest,
    pub(crate) kind: String,
    pub(crate) dtype: String,
    pub(crate) dim: usize,
    pub(crate) rows: usize,
    pub(crate) vectors: usize,
    pub(crate) shards: Vec<ShardRecord>,
}

impl Manifest {
    pub(crate) fn new(key: &EntryKey, shards: Vec<ShardRecord>) -> Self {
        let kind = if key.pooling == Pooling::Tokens { "tokens" } else { "pooled" };
        Self {
            format: FORMAT_VERSION,
            key: key.digest(),
            kind: kind.to_owned(),
            dtype: key.dtype.clone(),
            dim: key.dim,
            rows: shards.iter().map(|record| record.rows).sum(),
            vectors: shards.iter().map(|record| record.vectors).sum(),
            shards,
        }
    }
}

pub(crate) fn key_path(folder: &Path) -> PathBuf {
    folder.join("key.json")
}

pub(crate) fn manifest_path(folder: &Path) -> PathBuf {
    folder.join("manifest.json")
}

/// An entry as it was found; shards that are `None` have to be computed.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: EntryKey,
    pub(crate) folder: PathBuf,
    pub(crate) shards: Vec<Option<Shard>>,
    /// `key.json` is there and says the key.
    key_stored: bool,
    manifest_stored: bool,
}

impl Entry {
    /// Opens an entry and verifies each shard once. Damage is an error unless `repair` is allowed; then the
    /// damaged part counts as absent.
    pub(crate) fn open(
        cache: &EmbeddingCache,
        key: &EntryKey,
        distinct: &Distinct<'_>,
        plan: &[Range<usize>],
        repair: bool,
    ) -> Result<Self, EmbedError> {
        let folder = cache.entry_folder(key);
        let key_stored = accept(read_key(&folder).map(|found| found.map(|found| found == *key)), repair)?;
        let key_stored = match key_stored {
            Some(false) if !repair => {
                let reason = "it is the key of another entry".to_owned();
                return Err(damaged(&folder, &key_path(&folder), reason));
            }
            found => found == Some(true),
        };
        let shards: Vec<Option<Shard>> = plan
            .par_iter()
            .enumerate()
            .map(|(shard, rows)| {
                match Shard::open(&folder, key, shard, Some(&distinct.sequences[rows.clone()]))? {
                    ShardState::Good(shard) => Ok(Some(shard)),
                    ShardState::Missing => Ok(None),
                    ShardState::Damaged(_) if repair => Ok(None),
                    ShardState::Damaged(error) => Err(error),
                }
            })
            .collect::<Result<_, EmbedError>>()?;
        let mut entry = Self { key: key.clone(), folder, shards, key_stored, manifest_stored: false };
        let manifest = accept(read_manifest(&entry.folder), repair)?;
        if let (Some(found), Some(expected)) = (manifest, entry.expected_manifest()) {
            entry.manifest_stored = found == expected;
            if !entry.manifest_stored && !repair {
                let reason = "it does not agree with the records of the shards".to_owned();
                return Err(damaged(&entry.folder, &manifest_path(&entry.folder), reason));
            }
        }
        Ok(entry)
    }

    /// True when there is nothing left to compute or to write.
    pub(crate) fn is_complete(&self) -> bool {
        self.key_stored && self.manifest_stored
    }

    /// Writes `key.json` where it is absent.
    pub(crate) fn store_key(&mut self) -> Result<(), EmbedError> {
        if !self.key_stored {
            write_json(&key_path(&self.folder), &self.key)?;
            self.key_stored = true;
        }
        Ok(())
    }

    /// Writes the manifest of an entry whose shards are all there.
    pub(crate) fn store_manifest(&mut self) -> Result<(), EmbedError> {
        match self.expected_manifest() {
            Some(manifest) if !self.manifest_stored => {
                write_json(&manifest_path(&self.folder), &manifest)?;
                self.manifest_stored = true;
            }
            _ => {}
        }
        Ok(())
    }

    fn expected_manifest(&self) -> Option<Manifest> {
        let records: Option<Vec<ShardRecord>> =
            self.shards.iter().map(|shard| shard.as_ref().map(|shard| shard.record.clone())).collect();
        records.map(|records| Manifest::new(&self.key, records))
    }
}

/// Reads the key of an entry; `None` when there is none.
pub(crate) fn read_key(folder: &Path) -> Result<Option<EntryKey>, EmbedError> {
    /// The one field that every format has.
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let path = key_path(folder);
    match read_json::<Format>(&path)? {
        None => return Ok(None),
        Some(Ok(Format { format: FORMAT_VERSION })) => {}
        Some(Ok(Format { format })) => {
            let reason = format!("it has format version {format}, expected {FORMAT_VERSION}");
            return Err(damaged(folder, &path, reason));
        }
        Some(Err(reason)) => return Err(damaged(folder, &path, reason)),
    }
    read_json(&path)?.transpose().map_err(|reason| damaged(folder, &path, reason))
}

/// Reads the manifest of an entry; `None` when there is none.
pub(crate) fn read_manifest(folder: &Path) -> Result<Option<Manifest>, EmbedError> {
    let path = manifest_path(folder);
    read_json(&path)?.transpose().map_err(|reason| damaged(folder, &path, reason))
}

/// Takes damage for absence when repair is allowed.
fn accept<T>(found: Result<Option<T>, EmbedError>, repair: bool) -> Result<Option<T>, EmbedError> {
    match found {
        Err(EmbedError::Damaged { .. }) if repair => Ok(None),
        other => other,
    }
}

/// Makes the folder of an entry and waits until no other process computes it. The lock ends with the value.
/// Leftovers of killed writers are removed.
pub(crate) fn lock(folder: &Path) -> Result<File, EmbedError> {
    std::fs::create_dir_all(folder).map_err(|source| EmbedError::io("create", folder, source))?;
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|source| EmbedError::io("create", &path, source))?;
    match file.lock() {
        // Without locks two writers may do the same work twice; what they store is verified all the same.
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => return Ok(file),
        other => other.map_err(|source| EmbedError::io("lock", &path, source))?,
    }
    let listing = std::fs::read_dir(folder).map_err(|source| EmbedError::io("read", folder, source))?;
    for item in listing {
        let item = item.map_err(|source| EmbedError::io("read", folder, source))?;
        if item.file_name().to_string_lossy().ends_with(TEMPORARY_SUFFIX) {
            let path = item.path();
            std::fs::remove_file(&path).map_err(|source| EmbedError::io("remove", &path, source))?;
        }
    }
    Ok(file)
}
