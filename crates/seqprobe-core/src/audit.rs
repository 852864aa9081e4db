//! What a dataset may give away, as data: copies and near-duplicates between splits, contradicting labels, shifts of
//! length and GC content. `seqprobe-data` finds it, `seqprobe-report` shows it.

use crate::dataset::Split;
use serde::{Deserialize, Serialize};

/// Letters in the k-mers that near-duplicates are found by.
pub const NEAR_K: usize = 16;
/// Default share of the smaller sequence's k-mers that two near-duplicates have in common.
pub const NEAR_THRESHOLD: f64 = 0.5;
/// Distinct k-mers that the smaller of two sequences must have for the pair to be judged.
pub const NEAR_LEAST: usize = 10;

/// The audit of one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Identifier of the dataset.
    pub dataset: String,
    /// Share of the smaller sequence's distinct k-mers ([`NEAR_K`], strands folded) from which a pair is a near-duplicate.
    pub near_threshold: f64,
    /// Share of k-mers that was looked at: 1 is all of them, less is a sketch.
    pub near_sampled: f64,
    /// Training rows against each other split.
    pub against_train: Vec<Shared>,
    /// Sequences that stand more than once with different labels, over all splits.
    pub conflicts: Conflicts,
    /// Classes, lengths and GC content of each split.
    pub shifts: Vec<Shift>,
}

/// What one split has in common with train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shared {
    /// The split beside train.
    pub split: Split,
    /// Its rows.
    pub n_rows: usize,
    /// The same letters.
    pub exact: Copies,
    /// The same letters on the other strand; sequences that are their own reverse complement count as exact.
    pub reverse_complement: Copies,
    /// Nearly the same, on either strand, copies left out.
    pub near: Near,
}

/// Sequences that stand in train and in another split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// Distinct sequences.
    pub sequences: usize,
    /// Rows of the other split that hold one.
    pub rows: usize,
    /// Rows of train that hold one.
    pub train_rows: usize,
    /// Of the sequences, those with a label in train that differs from one in the other split.
    pub conflicting: usize,
}

/// Near-duplicates of train in another split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Near {
    /// Rows of the other split that have one in train.
    pub rows: usize,
    /// Rows of train that have one in the other split.
    pub train_rows: usize,
    /// Of the rows, those whose label is that of the nearest training row (numbers: within half a standard deviation
    /// of train; several targets: all that both have).
    pub agreeing: usize,
    /// Of the rows, those whose label differs from it.
    pub differing: usize,
    /// Rows of the other split with fewer than [`NEAR_LEAST`] distinct k-mers, which cannot be judged.
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
    /// The class, `None` for all rows of the split.
    pub class: Option<String>,
    /// Rows.
    pub n_rows: usize,
    /// Mean length in bases.
    pub mean_length: f64,
    /// Mean over rows of (G + C) / (A + C + G + T); `None` where no row has a defined letter.
    pub mean_gc: Option<f64>,
}
