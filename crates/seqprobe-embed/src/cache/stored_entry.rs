//! Reads stored features without their model, for export.

use crate::cache::damage::Damage;
use crate::cache::distinct::{Distinct, canonical_strands};
use crate::cache::embedding_cache::EmbeddingCache;
use crate::cache::entry::{read_key, read_manifest};
use crate::cache::entry_locks::hold;
use crate::cache::key::EntryKey;
use crate::cache::reuse::Donors;
use crate::cache::shard_read::{Shard, ShardState, damaged};
use crate::cache::shard_write::shard_path;
use crate::cache::stored::{LocatedRows, RowLocation, StoredFeatures};
use crate::error::EmbedError;
use seqprobe_core::DnaSequence;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl StoredFeatures {
    /// Returns all rows of a complete entry in their stored order, and the BLAKE3 digest of each row's sequence in
    /// hexadecimal digits.
    ///
    /// # Errors
    /// [`EmbedError::Damaged`] for an entry that is damaged or not complete; errors of the file system.
    pub fn of_entry(folder: &Path) -> Result<(Self, Vec<String>), EmbedError> {
        let hold = hold(folder);
        let (key, n_shards) = complete_entry(folder)?;
        let mut shards = Vec::with_capacity(n_shards);
        for shard in 0..n_shards {
            match Shard::open(folder, &key, shard, None)? {
                ShardState::Good(shard) => shards.push(shard),
                ShardState::Missing => {
                    let path = shard_path(folder, shard);
                    return Err(damaged(folder, &path, Damage::Missing));
                }
                ShardState::Damaged(file) => return Err(EmbedError::damaged(folder, file)),
            }
        }
        let ids: Vec<String> = shards.iter().flat_map(|shard| shard.sequence_digests()).map(hex).collect();
        let numbered = shards.iter().enumerate();
        let locations: Vec<RowLocation> = numbered
            .flat_map(|(number, shard)| {
                (0..shard.record.rows).map(move |row| RowLocation { shard: number as u32, row: row as u32 })
            })
            .collect();
        let of_row = Arc::new((0..locations.len() as u32).collect());
        let rows = LocatedRows { shards, locations, holds: hold.into_iter().collect() };
        Ok((Self::new(key, folder.to_owned(), rows, of_row), ids))
    }

    /// Returns the rows of some sequences from an entry, or from other entries of the same computation.
    ///
    /// # Errors
    /// [`EmbedError::NotStored`] when sequences have no row; otherwise as [`Self::of_entry`].
    pub fn of_sequences(
        cache: &EmbeddingCache,
        folder: &Path,
        sequences: &[DnaSequence],
    ) -> Result<Self, EmbedError> {
        let (key, _) = complete_entry(folder)?;
        let strands = canonical_strands(key.reverse_complement, sequences);
        let distinct = Distinct::new(&strands);
        let found = Donors::list(cache, std::slice::from_ref(&key))?.find(&key, &distinct, false)?;
        let missing = found.missing();
        let Some(rows) = found.complete_with(None) else {
            return Err(EmbedError::NotStored {
                count: missing.len(),
                total: distinct.sequences.len(),
                row: missing.first().map_or(0, |&first| distinct.first_rows[first]),
            });
        };
        let key = EntryKey { sequences: distinct.digest, ..key };
        Ok(Self::new(key, folder.to_owned(), rows, Arc::new(distinct.of_row)))
    }
}

impl EmbeddingCache {
    /// Returns the folder of the one entry whose name begins with `start`.
    ///
    /// # Errors
    /// [`EmbedError::NoEntry`] when there is none or more than one; errors of the file system.
    pub fn find_entry(&self, start: &str) -> Result<PathBuf, EmbedError> {
        let failed = |source| EmbedError::io("read", self.bucket(), source);
        let mut found = Vec::new();
        for item in std::fs::read_dir(self.bucket()).map_err(failed)? {
            let item = item.map_err(failed)?;
            let name = item.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && name.starts_with(start) {
                found.push(item.path());
            }
        }
        match <[PathBuf; 1]>::try_from(found) {
            Ok([folder]) => Ok(folder),
            Err(found) => Err(EmbedError::NoEntry {
                start: start.to_owned(),
                count: found.len(),
                bucket: self.bucket().to_owned(),
            }),
        }
    }
}

/// Key and number of shards of a complete entry.
fn complete_entry(folder: &Path) -> Result<(EntryKey, usize), EmbedError> {
    let manifest = read_manifest(folder)?;
    match (read_key(folder)?, manifest) {
        (Some(key), Some(manifest))
            if manifest.key == key.digest() && folder.ends_with(key.digest().short()) =>
        {
            Ok((key, manifest.shards.len()))
        }
        (Some(_), Some(_)) => Err(damaged(folder, folder, Damage::Contradiction)),
        _ => Err(damaged(folder, folder, Damage::NotComplete)),
    }
}

fn hex(digest: &[u8; 32]) -> String {
    blake3::Hash::from(*digest).to_hex().to_string()
}
