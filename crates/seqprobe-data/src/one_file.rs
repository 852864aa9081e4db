//! A card made from one CSV, TSV or FASTA file of the user's own.

use crate::card::Card;
use crate::error::DataError;
use seqprobe_core::{Seed, TaskKind};
use std::path::PathBuf;

/// What the user said about the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTask {
    /// The file: CSV, TSV or FASTA, plain or gzip.
    pub path: PathBuf,
    /// Target columns, at least one. FASTA: the key of a `KEY=VALUE` word in the definition lines.
    pub targets: Vec<String>,
    /// The sequence column; `None` to find it.
    pub sequence: Option<String>,
    /// The kind of task; `None` to guess it from the values.
    pub task: Option<TaskKind>,
    /// The positive class; `None` to guess it.
    pub positive: Option<String>,
    /// Split by the groups of this column.
    pub group: Option<String>,
    /// Split by chromosome.
    pub chromosome: bool,
    /// Seed of the split.
    pub seed: Seed,
}

/// A card made from a file, and what was guessed.
#[derive(Clone, Debug, PartialEq)]
pub struct FileCard {
    /// The card, with the file's digest. Its path is the bare file name: a saved card belongs beside the
    /// file, or the file's folder among the data folders.
    pub card: Card,
    /// What was guessed, one sentence each.
    pub guesses: Vec<String>,
}

/// Makes the card for one file: 0.7 train, 0.1 valid, 0.2 test; random (stratified by class), by group or by
/// chromosome. Two distinct values are a binary task, up to 20 that are whole numbers or texts a multiclass
/// task, other numbers a regression; several targets of only 0 and 1 are multilabel.
///
/// # Errors
/// [`DataError`] when the file cannot be read, or a column or the kind of task cannot be found.
pub fn card_for_file(task: &FileTask) -> Result<FileCard, DataError> {
    Err(DataError::file(&task.path, "not read yet"))
}
