//! Joins the stored features of the parts of a file to those of the whole file.

use crate::cache::stored::StoredFeatures;
use seqprobe_core::{FeatureError, FeatureKind, FeatureSource};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Features of consecutive parts, of one layer and pooling of one model.
#[derive(Debug)]
pub struct ChainedFeatures {
    parts: Vec<StoredFeatures>,
    /// The row after the last of each part.
    ends: Vec<usize>,
    /// The part that was read last. When another part is read, the pages of this one are returned to the system.
    last_read: AtomicUsize,
}

impl ChainedFeatures {
    /// A chain of one part.
    pub fn new(first: StoredFeatures) -> Self {
        let ends = vec![first.n_rows()];
        Self { parts: vec![first], ends, last_read: AtomicUsize::new(0) }
    }

    /// Appends the rows of another part, which must have the same model, layer and pooling.
    pub fn push(&mut self, part: StoredFeatures) {
        self.ends.push(self.n_rows() + part.n_rows());
        self.parts.push(part);
    }

    /// Returns the part of a row and the row in this part.
    fn locate(&self, row: usize) -> (usize, usize) {
        let part = self.ends.partition_point(|&end| end <= row);
        (part, row - part.checked_sub(1).map_or(0, |before| self.ends[before]))
    }
}

impl FeatureSource for ChainedFeatures {
    fn n_rows(&self) -> usize {
        self.ends[self.ends.len() - 1]
    }

    fn dim(&self) -> usize {
        self.parts[0].dim()
    }

    fn kind(&self) -> FeatureKind {
        self.parts[0].kind()
    }

    fn length(&self, row: usize) -> usize {
        let (part, row) = self.locate(row);
        self.parts[part].length(row)
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        let n_rows = self.n_rows();
        for &row in rows {
            if row >= n_rows {
                return Err(FeatureError::Row { row, n_rows });
            }
            let (part, row) = self.locate(row);
            let before = self.last_read.swap(part, Ordering::Relaxed);
            if before != part {
                self.parts[before].release();
            }
            self.parts[part].read_rows(&[row], out)?;
        }
        Ok(())
    }
}
