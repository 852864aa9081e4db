//! The audit of a dataset, as data: copies and near-duplicates between splits, conflicting labels, shifts of length and
//! GC content. `seqprobe-data` finds them, `seqprobe-report` shows them.

use crate::dataset::Split;
use serde::{Deserialize, Serialize};

/// Bases of the k-mers by which near-duplicates are found.
pub const NEAR_K: usize = 16;
/// Default share of the k-mers of the smaller sequence that two near-duplicates have in common.
pub const NEAR_THRESHOLD: f64 = 0.5;
/// Smallest number of distinct k-mers in the smaller of two sequences for the pair to be compared.
pub const MIN_NEAR_KMERS: usize = 10;

/// The audit of one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Identifier of the dataset.
    pub dataset: String,
    /// Share of the distinct k-mers of the smaller sequence ([`NEAR_K`], both strands as one) from which a pair is a
    /// near-duplicate.
    pub near_threshold: f64,
    /// Share of k-mers that were compared: 1 is all of them, less is a sample.
    pub near_sampled: f64,
    /// Training rows against each other split.
    pub against_train: Vec<Shared>,
    /// Sequences that occur more than once with different labels, over all splits.
    pub conflicts: Conflicts,
    /// Classes, lengths and GC content of each split.
    pub shifts: Vec<Shift>,
}

/// What one split has in common with train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shared {
    /// The split that is compared with train.
    pub split: Split,
    /// Its rows.
    pub n_rows: usize,
    /// The same sequence.
    pub exact: Copies,
    /// The reverse complement. Sequences that are their own reverse complement count as exact.
    pub reverse_complement: Copies,
    /// Its rows whose sequence is in train on either strand: `exact` and `reverse_complement`, each row once. `None` in
    /// records of versions that did not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_in_train: Option<usize>,
    /// Near-duplicates on either strand, without copies.
    pub near: Near,
}

impl Shared {
    /// Returns the rows of the split whose sequence is in train on either strand, at most all of them.
    pub fn copied_rows(&self) -> usize {
        let both = (self.exact.rows + self.reverse_complement.rows).min(self.n_rows);
        self.rows_in_train.unwrap_or(both)
    }
}

/// Sequences that occur in train and in another split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// Distinct sequences.
    pub sequences: usize,
    /// Rows of the other split with such a sequence.
    pub rows: usize,
    /// Rows of train with such a sequence.
    pub train_rows: usize,
    /// How many of the sequences have a label in train that differs from one in the other split.
    pub conflicting: usize,
}

/// Near-duplicates of train in another split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// Rows of the other split that have one in train.
    pub rows: usize,
    /// Rows of train that have one in the other split.
    pub train_rows: usize,
    /// How many of the rows have the label of the nearest training row (numbers: within half a standard deviation of
    /// train; several targets: all that both rows have).
    pub agreeing: usize,
    /// How many of the rows have another label than the nearest training row.
    pub differing: usize,
    /// Rows of the other split with fewer than [`MIN_NEAR_KMERS`] distinct k-mers, which cannot be compared.
    pub not_judged: usize,
}

/// The same sequence with different labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflicts {
    /// Distinct sequences.
    pub sequences: usize,
    /// Their rows.
    pub rows: usize,
}

/// Length and GC content of some rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// The split.
    pub split: Split,
    /// The class; `None` for all rows of the split.
    pub class: Option<String>,
    /// Rows.
    pub n_rows: usize,
    /// Mean length in bases.
    pub mean_length: f64,
    /// Mean over rows of (G + C) / (A + C + G + T); `None` if no row has a base other than N.
    pub mean_gc: Option<f64>,
}
