//! Features that are read from verified cache entries.

use crate::cache::key::EntryKey;
use crate::cache::shard_read::Shard;
use seqprobe_core::{FeatureError, FeatureKind, FeatureSource, Pooling};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are read from the maps of an entry before their pages are returned to the system: 32 MiB.
const RELEASED_BYTES: usize = 32 << 20;

/// Where the features of one distinct sequence are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowLocation {
    /// 0-based number among the shards that hold the rows.
    pub(crate) shard: u32,
    /// 0-based row of the shard.
    pub(crate) row: u32,
}

/// All rows of an entry: the shards that hold them, and where each is.
pub(crate) struct LocatedRows {
    /// Verified shards, of one or of several entries.
    pub(crate) shards: Vec<Shard>,
    /// The location of each distinct sequence.
    pub(crate) locations: Vec<RowLocation>,
    /// Keep the entries of the shards from being removed.
    pub(crate) holds: Vec<File>,
}

/// Stored features of one layer and pooling. Row i belongs to sequence i of the call that asked for them. A clone
/// shares the stored values.
#[derive(Clone, Debug)]
pub struct StoredFeatures {
    entry: Arc<StoredEntry>,
    /// The distinct sequence of each row.
    of_row: Arc<Vec<u32>>,
}

/// The shards that hold all rows, verified.
#[derive(Debug)]
struct StoredEntry {
    key: EntryKey,
    folder: PathBuf,
    shards: Vec<Shard>,
    /// Keep the entries that hold the shards from being removed.
    _holds: Vec<File>,
    /// Where each distinct sequence is.
    locations: Vec<RowLocation>,
    /// Bytes read since the pages were last returned.
    read: AtomicUsize,
}

impl StoredEntry {
    /// Counts the bytes read and returns the pages of the maps from time to time, so that reading a large entry does
    /// not bring all of it into memory. The kernel's file cache may keep them.
    fn release_after(&self, bytes: usize) {
        if self.read.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) >= RELEASED_BYTES {
            self.read.store(0, Ordering::Relaxed);
            self.release();
        }
    }

    fn release(&self) {
        self.shards.iter().for_each(Shard::release);
    }
}

impl StoredFeatures {
    /// Features of located rows; `of_row` has the distinct sequence of each row.
    pub(crate) fn new(key: EntryKey, folder: PathBuf, rows: LocatedRows, of_row: Arc<Vec<u32>>) -> Self {
        let LocatedRows { shards, locations, holds } = rows;
        let entry = StoredEntry { key, folder, shards, _holds: holds, locations, read: AtomicUsize::new(0) };
        Self { entry: Arc::new(entry), of_row }
    }

    /// The key of the entry.
    pub fn key(&self) -> &EntryKey {
        &self.entry.key
    }

    /// The folder of the entry. Rows that other entries hold are read from there.
    pub fn folder(&self) -> &Path {
        &self.entry.folder
    }

    /// Returns the pages of the stored values to the system.
    pub(crate) fn release(&self) {
        self.entry.release();
    }

    fn locate(&self, row: usize) -> (&Shard, usize) {
        let RowLocation { shard, row } = self.entry.locations[self.of_row[row] as usize];
        (&self.entry.shards[shard as usize], row as usize)
    }
}

impl FeatureSource for StoredFeatures {
    fn n_rows(&self) -> usize {
        self.of_row.len()
    }

    fn dim(&self) -> usize {
        self.entry.key.dim
    }

    fn kind(&self) -> FeatureKind {
        match self.entry.key.pooling {
            Pooling::Tokens => FeatureKind::Tokens,
            _ => FeatureKind::Pooled,
        }
    }

    fn length(&self, row: usize) -> usize {
        let (shard, row) = self.locate(row);
        shard.length(row)
    }

    fn storage_position(&self, row: usize) -> usize {
        self.of_row[row] as usize
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        let n_rows = self.n_rows();
        if let Some(&row) = rows.iter().find(|&&row| row >= n_rows) {
            return Err(FeatureError::Row { row, n_rows });
        }
        let vectors: usize = rows.iter().map(|&row| self.length(row)).sum();
        out.reserve(vectors * self.dim());
        for &row in rows {
            let (shard, row) = self.locate(row);
            shard.push_row(row, out);
        }
        self.entry.release_after(vectors * self.dim() * size_of::<f32>());
        Ok(())
    }
}
