//! Ids and sequences from a file without labels, to embed or to predict.

use crate::error::DataError;
use crate::guess::{find_named, find_sequence_column};
use crate::rows::{Column, Layout, column_names, read_rows};
use seqprobe_core::{DnaSequence, LetterCounts};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;

/// Names, in lower case, that an id column may have.
const ID_NAMES: &[&str] = &["example_id", "id", "name"];

/// Sequences with their ids, in file order.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedSequences {
    /// Unique ids, one per sequence.
    pub ids: Vec<String>,
    /// Sequences.
    pub sequences: Vec<DnaSequence>,
    /// Letters read, and how many were changed by the letter policy.
    pub letters: LetterCounts,
}

/// Reads a CSV, TSV or FASTA file, plain or gzip. Ids are the FASTA names, or the column `example_id`, `id`
/// or `name`, or the 0-based row. `sequence_column` is found when `None`.
///
/// # Errors
/// [`DataError`] naming file and line for anything that is not DNA, for ids that occur twice, or when there
/// is no sequence column.
pub fn read_sequences(path: &Path, sequence_column: Option<&str>) -> Result<NamedSequences, DataError> {
    let names = column_names(path, Layout::GUESSED)?;
    let id_column = match &names {
        None => Some("header"),
        Some(names) => find_named(names, ID_NAMES),
    };
    let found = match (&names, sequence_column) {
        (Some(_), None) => find_sequence_column(path)?,
        (_, stated) => stated.map(str::to_owned),
    };
    let mut columns = vec![Column::Sequence(found.as_deref().unwrap_or("sequence"))];
    columns.extend(id_column.map(Column::Named));

    let mut read =
        NamedSequences { ids: Vec::new(), sequences: Vec::new(), letters: LetterCounts::default() };
    let mut lines: HashMap<String, u64> = HashMap::new();
    read_rows(path, None, Layout::GUESSED, &columns, &mut |row| {
        let (text, rest) = row.values.split_first().unwrap_or((&"", &[]));
        let (sequence, counts) = DnaSequence::parse(text.trim())
            .map_err(|cause| DataError::line(path, row.line, cause.to_string()))?;
        let id = rest.first().map_or_else(|| read.ids.len().to_string(), |id| id.trim().to_owned());
        if id.is_empty() {
            return Err(DataError::line(path, row.line, "the id is empty"));
        }
        if let Some(first) = lines.insert(id.clone(), row.line) {
            return Err(DataError::line(path, row.line, format!("id {id:?} stands already at line {first}")));
        }
        read.letters += counts;
        read.ids.push(id);
        read.sequences.push(sequence);
        Ok(ControlFlow::Continue(()))
    })?;
    if read.ids.is_empty() {
        return Err(DataError::file(path, "holds no row"));
    }
    Ok(read)
}
