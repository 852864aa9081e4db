//! Rows that other entries of the same computation hold. If a superset, a subset or an overlapping set of sequences
//! is stored, its rows are read from there and not computed again.
//!
//! Only complete entries give rows, so the result does not change while another process fills an entry. Nothing is
//! copied: stored features may point into several entries.

use crate::cache::distinct::Distinct;
use crate::cache::embedding_cache::EmbeddingCache;
use crate::cache::entry::{Entry, read_key, read_manifest};
use crate::cache::entry_locks::hold;
use crate::cache::key::EntryKey;
use crate::cache::shard_read::{Shard, ShardState, claimed_sequences};
use crate::cache::stored::{LocatedRows, RowLocation};
use crate::error::EmbedError;
use seqprobe_core::Digest;
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;

/// The complete entries of a cache that may hold wanted rows.
pub(crate) struct Donors {
    /// Key, folder and number of shards of each, in falling order of their rows.
    entries: Vec<(EntryKey, PathBuf, usize)>,
}

/// Rows of a wanted entry that others hold.
#[derive(Default)]
pub(crate) struct DonorRows {
    /// The shards that hold them, verified.
    pub(crate) shards: Vec<Shard>,
    /// The location of each distinct sequence; `None` where no entry holds it.
    pub(crate) locations: Vec<Option<RowLocation>>,
    /// The folders of their entries.
    pub(crate) folders: Vec<PathBuf>,
    /// Keep the entries from being removed.
    pub(crate) holds: Vec<File>,
    /// What was damaged and therefore not used, one text for each file.
    pub(crate) damage: Vec<String>,
}

impl DonorRows {
    /// No row of the distinct sequences.
    pub(crate) fn nothing(n_distinct: usize) -> Self {
        Self { locations: vec![None; n_distinct], ..Self::default() }
    }

    /// The distinct sequences that have to be computed.
    pub(crate) fn missing(&self) -> Vec<usize> {
        (0..self.locations.len()).filter(|&index| self.locations[index].is_none()).collect()
    }

    /// All rows: those of other entries, and those of the own entry in place of the missing ones. `None` when shards
    /// or rows are still missing.
    pub(crate) fn complete_with(self, own: Option<Entry>) -> Option<LocatedRows> {
        let Self { mut shards, locations, mut holds, .. } = self;
        let mut own_locations = Vec::new();
        if let Some(entry) = own {
            for shard in entry.shards {
                let (shard, number) = (shard?, shards.len() as u32);
                own_locations
                    .extend((0..shard.record.rows).map(|row| RowLocation { shard: number, row: row as u32 }));
                shards.push(shard);
            }
            holds.extend(entry.hold);
        }
        let mut own_locations = own_locations.into_iter();
        let locations = locations.into_iter().map(|location| location.or_else(|| own_locations.next()));
        Some(LocatedRows { shards, locations: locations.collect::<Option<_>>()?, holds })
    }
}

impl Donors {
    /// Reads the keys of all entries, and the manifests of those that are of the same computation as one of the keys.
    /// An unreadable entry gives no rows; it is an error only for a caller that wants this entry.
    pub(crate) fn list(cache: &EmbeddingCache, keys: &[EntryKey]) -> Result<Self, EmbedError> {
        let failed = |source| EmbedError::io("read", cache.bucket(), source);
        let mut entries = Vec::new();
        for item in std::fs::read_dir(cache.bucket()).map_err(failed)? {
            let folder = item.map_err(failed)?.path();
            let Ok(Some(key)) = read_key(&folder) else { continue };
            if !keys.iter().any(|wanted| key.is_same_computation(wanted)) {
                continue;
            }
            let Ok(Some(manifest)) = read_manifest(&folder) else { continue };
            if folder.ends_with(key.digest().short()) {
                entries.push((manifest.rows, key, folder, manifest.shards.len()));
            }
        }
        entries.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.2.cmp(&other.2)));
        Ok(Self {
            entries: entries.into_iter().map(|(_, key, folder, shards)| (key, folder, shards)).collect(),
        })
    }

    /// The rows of a wanted entry that complete entries of the same computation hold.
    ///
    /// # Errors
    /// [`EmbedError::Damaged`] for a shard that is needed and damaged, unless repair is allowed; errors of the file
    /// system.
    pub(crate) fn find(
        &self,
        key: &EntryKey,
        distinct: &Distinct<'_>,
        repair: bool,
    ) -> Result<DonorRows, EmbedError> {
        let mut found = DonorRows::nothing(distinct.sequences.len());
        let mut missing: HashMap<[u8; 32], usize> = HashMap::new();
        let same = |entry: &&(EntryKey, PathBuf, usize)| entry.0.is_same_computation(key);
        for (number, (donor, folder, n_shards)) in self.entries.iter().filter(same).enumerate() {
            if number == 0 {
                let digest = |sequence: &seqprobe_core::DnaSequence| Digest::of_bytes(sequence.as_bytes());
                let digests = distinct.sequences.iter().map(|sequence| *digest(sequence).as_bytes());
                missing = digests.enumerate().map(|(index, digest)| (digest, index)).collect();
            }
            let mut is_held = false;
            for shard in 0..*n_shards {
                if missing.is_empty() {
                    return Ok(found);
                }
                let claimed = claimed_sequences(folder, shard).unwrap_or_default();
                if !claimed.iter().any(|digest| missing.contains_key(digest)) {
                    continue;
                }
                if !is_held {
                    found.holds.extend(hold(folder));
                    found.folders.push(folder.clone());
                    is_held = true;
                }
                match Shard::open(folder, donor, shard, None)? {
                    ShardState::Good(shard) => found.take(shard, &mut missing),
                    // Another process has just removed it.
                    ShardState::Missing => {}
                    ShardState::Damaged(file) if repair => found.damage.push(file.to_string()),
                    ShardState::Damaged(file) => return Err(EmbedError::damaged(folder, file)),
                }
            }
        }
        Ok(found)
    }
}

impl DonorRows {
    /// Takes those rows of a verified shard that are still missing.
    fn take(&mut self, shard: Shard, missing: &mut HashMap<[u8; 32], usize>) {
        let number = self.shards.len() as u32;
        for (row, digest) in shard.sequence_digests().iter().enumerate() {
            if let Some(index) = missing.remove(digest) {
                self.locations[index] = Some(RowLocation { shard: number, row: row as u32 });
            }
        }
        shard.release();
        self.shards.push(shard);
    }
}
