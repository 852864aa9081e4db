//! Guesses which column of a file has the sequences.

use super::columns::{Column, Layout};
use super::rows::{column_names, read_rows};
use crate::error::DataError;
use seqprobe_core::DnaSequence;
use std::ops::ControlFlow;
use std::path::Path;

/// Names, in lower case, that a sequence column may have.
const SEQUENCE_NAMES: &[&str] = &["sequence", "seq", "dna", "dna_sequence"];
/// Rows that are read to find a column of DNA.
const GUESS_ROWS: usize = 100;
/// Minimum length of the sequences of a column of DNA; shorter texts may be names such as "A" or "TATA".
const MIN_DNA: usize = 8;

/// The sequence column: by its name, else the only column of DNA. `None` for FASTA.
pub(crate) fn find_sequence_column(path: &Path) -> Result<Option<String>, DataError> {
    let Some(names) = column_names(path, Layout::GUESSED)? else { return Ok(None) };
    if let Some(found) = find_named(&names, SEQUENCE_NAMES) {
        return Ok(Some(found.to_owned()));
    }
    let unique: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| names.iter().filter(|other| other == name).count() == 1)
        .collect();
    let columns: Vec<Column<'_>> = unique.iter().map(|name| Column::Named(name)).collect();
    let mut is_dna = vec![true; unique.len()];
    let mut n_rows = 0;
    read_rows(path, None, Layout::GUESSED, &columns, &mut |row| {
        for (value, is_dna) in row.values.iter().zip(&mut is_dna) {
            *is_dna &= value.trim().len() >= MIN_DNA && DnaSequence::parse(value.trim()).is_ok();
        }
        n_rows += 1;
        Ok(if n_rows < GUESS_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    if n_rows == 0 {
        return Err(DataError::file(path, "has no rows"));
    }
    let found: Vec<&str> =
        unique.iter().zip(is_dna).filter(|(_, is_dna)| *is_dna).map(|(name, _)| *name).collect();
    match found.as_slice() {
        [one] => Ok(Some((*one).to_owned())),
        [] => Err(DataError::file(
            path,
            format!(
                "no column contains DNA\n  hint: name the sequence column; the columns are {}",
                names.join(", ")
            ),
        )),
        several => Err(DataError::file(
            path,
            format!("several columns contain DNA: {}\n  hint: name the sequence column", several.join(", ")),
        )),
    }
}

/// The first column, in the order of `wanted`, whose name in lower case is one of `wanted`.
pub(crate) fn find_named<'a>(names: &'a [String], wanted: &[&str]) -> Option<&'a str> {
    wanted
        .iter()
        .find_map(|wanted| names.iter().find(|name| name.to_lowercase() == *wanted))
        .map(String::as_str)
}
