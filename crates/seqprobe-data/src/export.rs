//! Ids and sequences of a dataset out again, so that others can embed them.

use crate::error::DataError;
use seqprobe_core::Dataset;
use std::path::Path;

/// Writes `example_id,split,sequence` for every row that is in a split, train first.
///
/// # Errors
/// [`DataError::Io`] when the file cannot be written; it is then not there, not half there.
pub fn export_csv(dataset: &Dataset, path: &Path) -> Result<(), DataError> {
    let _ = dataset;
    Err(DataError::file(path, "not written yet"))
}

/// Writes FASTA records `>example_id split=train` on one line per sequence.
///
/// # Errors
/// [`DataError`] when an id cannot be a FASTA name or the file cannot be written.
pub fn export_fasta(dataset: &Dataset, path: &Path) -> Result<(), DataError> {
    let _ = dataset;
    Err(DataError::file(path, "not written yet"))
}
