//! One entry of the cache: its key, its shards and its manifest.

use crate::cache::damage::{Damage, DamagedFile};
use crate::cache::distinct::Distinct;
use crate::cache::embedding_cache::EmbeddingCache;
use crate::cache::entry_locks::hold;
use crate::cache::key::{EntryKey, FORMAT_VERSION, StoredType};
use crate::cache::shard_read::{Shard, ShardState, damaged, read_small};
use crate::cache::shard_write::{ShardRecord, shard_path, write_json};
use crate::error::EmbedError;
use rayon::prelude::*;
use seqprobe_core::{Digest, Pooling};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What the rows of an entry are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EntryKind {
    /// Vectors of the tokens.
    Tokens,
    /// One vector.
    Pooled,
}

/// The table of a complete entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) key: Digest,
    pub(crate) kind: EntryKind,
    pub(crate) dtype: StoredType,
    pub(crate) dim: usize,
    pub(crate) rows: usize,
    pub(crate) vectors: usize,
    pub(crate) shards: Vec<ShardRecord>,
}

impl Manifest {
    pub(crate) fn new(key: &EntryKey, shards: Vec<ShardRecord>) -> Self {
        let kind = if key.pooling == Pooling::Tokens { EntryKind::Tokens } else { EntryKind::Pooled };
        Self {
            format: FORMAT_VERSION,
            key: key.digest(),
            kind,
            dtype: key.dtype,
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

/// An entry as it was found. Shards that are `None` must be computed.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: EntryKey,
    pub(crate) folder: PathBuf,
    pub(crate) shards: Vec<Option<Shard>>,
    /// `key.json` exists and holds the key.
    key_stored: bool,
    manifest_stored: bool,
    /// Keeps the entry from being removed.
    pub(crate) hold: Option<File>,
    /// What was damaged and therefore counts as absent, one text for each file.
    pub(crate) damage: Vec<String>,
}

impl Entry {
    /// Opens an entry and verifies each shard once. Damage is an error, unless `repair` is allowed: then the damaged
    /// part counts as absent.
    pub(crate) fn open(
        cache: &EmbeddingCache,
        key: &EntryKey,
        distinct: &Distinct<'_>,
        plan: &[Range<usize>],
        repair: bool,
    ) -> Result<Self, EmbedError> {
        let folder = cache.entry_folder(key);
        let hold = hold(&folder);
        let mut damage = Vec::new();
        let key_stored = match accept(read_key(&folder), repair, &mut damage)? {
            Some(found) if found == *key => true,
            Some(_) => {
                let error = damaged(&folder, &key_path(&folder), Damage::OtherKey);
                accept::<()>(Err(error), repair, &mut damage)?;
                false
            }
            None => false,
        };
        let manifest = accept(read_manifest(&folder), repair, &mut damage)?;
        let states: Vec<ShardState> = plan
            .par_iter()
            .enumerate()
            .map(|(shard, rows)| Shard::open(&folder, key, shard, Some(&distinct.sequences[rows.clone()])))
            .collect::<Result<_, EmbedError>>()?;
        let mut shards = Vec::with_capacity(states.len());
        for (shard, state) in states.into_iter().enumerate() {
            let found = match state {
                ShardState::Good(shard) => Ok(Some(shard)),
                ShardState::Missing if manifest.is_some() => {
                    Err(damaged(&folder, &shard_path(&folder, shard), Damage::MissingListed))
                }
                ShardState::Missing => Ok(None),
                ShardState::Damaged(file) => Err(EmbedError::damaged(&folder, file)),
            };
            shards.push(accept(found, repair, &mut damage)?);
        }
        let mut entry =
            Self { key: key.clone(), folder, shards, key_stored, manifest_stored: false, hold, damage };
        if let (Some(found), Some(expected)) = (manifest, entry.expected_manifest()) {
            entry.manifest_stored = found == expected;
            if !entry.manifest_stored {
                let error = damaged(&entry.folder, &manifest_path(&entry.folder), Damage::Manifest);
                accept::<()>(Err(error), repair, &mut entry.damage)?;
            }
        }
        Ok(entry)
    }

    /// True when an entry was begun, or when damaged files of it exist.
    pub(crate) fn is_started(cache: &EmbeddingCache, key: &EntryKey) -> bool {
        let folder = cache.entry_folder(key);
        [key_path(&folder), manifest_path(&folder), shard_path(&folder, 0)].iter().any(|path| path.exists())
    }

    /// True when nothing is left to compute or to write.
    pub(crate) fn is_complete(&self) -> bool {
        self.key_stored && self.manifest_stored
    }

    /// Rows whose input was cut to the model's limit.
    pub(crate) fn truncated(&self) -> usize {
        self.shards.iter().flatten().map(|shard| shard.record.truncated).sum()
    }

    /// Writes `key.json` if it is absent.
    pub(crate) fn store_key(&mut self) -> Result<(), EmbedError> {
        if !self.key_stored {
            write_json(&key_path(&self.folder), &self.key)?;
            self.key_stored = true;
        }
        Ok(())
    }

    /// Writes the manifest of an entry that has all its shards.
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
    read_formatted(folder, &key_path(folder))
}

/// Reads the manifest of an entry; `None` when there is none.
pub(crate) fn read_manifest(folder: &Path) -> Result<Option<Manifest>, EmbedError> {
    read_formatted(folder, &manifest_path(folder))
}

/// Reads a file that states its format. Its format is checked first.
fn read_formatted<T: DeserializeOwned>(folder: &Path, path: &Path) -> Result<Option<T>, EmbedError> {
    /// The one field that every format has.
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let bytes = match read_small(path)? {
        None => return Ok(None),
        Some(bytes) => bytes.map_err(|reason| damaged(folder, path, reason))?,
    };
    let reason = match serde_json::from_slice::<Format>(&bytes) {
        Ok(Format { format: FORMAT_VERSION }) => match serde_json::from_slice(&bytes) {
            Ok(value) => return Ok(Some(value)),
            Err(error) => Damage::Json(error),
        },
        Ok(Format { format }) => Damage::Format { found: format, expected: FORMAT_VERSION },
        Err(error) => Damage::Json(error),
    };
    Err(damaged(folder, path, reason))
}

/// Treats damage as absence when repair is allowed, and records it.
fn accept<T>(
    found: Result<Option<T>, EmbedError>,
    repair: bool,
    damage: &mut Vec<String>,
) -> Result<Option<T>, EmbedError> {
    match found {
        Err(EmbedError::Damaged { path, reason, .. }) if repair => {
            damage.push(DamagedFile { path, reason }.to_string());
            Ok(None)
        }
        other => other,
    }
}
