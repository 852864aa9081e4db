//! Guesses which column of a file has the sequences.

use super::columns::{Column, Layout};
use super::data_file::DataFile;
use super::kmers::sequence_problem;
use super::rows::{column_names, read_rows, sequence_names};
use crate::error::DataError;
use seqprobe_core::DnaSequence;
use std::ops::ControlFlow;

/// Names, in lower case, that a sequence column may have.
const SEQUENCE_NAMES: &[&str] = &["sequence", "seq", "dna", "dna_sequence"];
/// Rows that are read to find a column of DNA.
const GUESS_ROWS: usize = 100;
/// Minimum length of the sequences of a column of DNA; shorter texts may be names such as "A" or "TATA".
const MIN_DNA: usize = 8;

/// The sequence column: by its name, else the only column of DNA. `None` for FASTA.
pub(crate) fn find_sequence_column(file: &DataFile, layout: Layout) -> Result<Option<String>, DataError> {
    let path = file.path();
    let Some(names) = column_names(file, layout)? else { return Ok(None) };
    if let Some(found) = find_named(&names, SEQUENCE_NAMES) {
        return Ok(Some(found.to_owned()));
    }
    if let Some(found) = sequence_names(file)? {
        return match found.as_slice() {
            [one] => Ok(Some(one.clone())),
            [] => Err(DataError::file(
                path,
                format!("no data set has sequences\n  hint: the columns are {}", shown(&names)),
            )),
            several => Err(DataError::file(
                path,
                format!(
                    "several data sets may be sequences: {}\n  hint: name one of them with --sequence",
                    shown(several)
                ),
            )),
        };
    }
    let unique: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| names.iter().filter(|other| other == name).count() == 1)
        .collect();
    let columns: Vec<Column<'_>> = unique.iter().map(|name| Column::Named(name)).collect();
    let mut n_dna = vec![0; unique.len()];
    let mut first_other: Vec<Option<DataError>> = unique.iter().map(|_| None).collect();
    let mut n_rows = 0;
    read_rows(file, layout, &columns, &mut |row| {
        for ((value, n_dna), other) in row.values.iter().zip(&mut n_dna).zip(&mut first_other) {
            match DnaSequence::parse(value) {
                Ok(_) if value.len() >= MIN_DNA => *n_dna += 1,
                Err(problem) if other.is_none() => {
                    *other = Some(DataError::line(path, row.line, sequence_problem(value, &problem)));
                }
                _ => {}
            }
        }
        n_rows += 1;
        Ok(if n_rows < GUESS_ROWS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    if n_rows == 0 {
        return Err(DataError::file(path, "has no rows"));
    }
    let with = |is_wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
        (0..unique.len()).filter(|&column| is_wanted(n_dna[column])).collect()
    };
    let all = with(&|n| n == n_rows);
    let name = |column: &usize| unique[*column];
    match all.as_slice() {
        [one] => Ok(Some(unique[*one].to_owned())),
        [] => match with(&|n| n * 10 >= n_rows * 9).as_slice() {
            // Nearly all rows are DNA: the row that is not is what has to be corrected.
            [one] if first_other[*one].is_some() => {
                let problem =
                    first_other.swap_remove(*one).map(|problem| problem.to_string()).unwrap_or_default();
                Err(DataError::file(
                    path,
                    format!("column {:?} contains DNA, except for a row\n  {problem}", unique[*one]),
                ))
            }
            _ => Err(DataError::file(
                path,
                format!(
                    "no column contains DNA\n  hint: name the sequence column with --sequence; the columns are {}",
                    shown(&names)
                ),
            )),
        },
        several => Err(DataError::file(
            path,
            format!(
                "several columns contain DNA: {}\n  hint: name the sequence column with --sequence",
                several.iter().map(name).collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}

/// Names of columns for a message, at most twenty.
fn shown(names: &[String]) -> String {
    let mut texts: Vec<&str> = names.iter().take(20).map(String::as_str).collect();
    if names.len() > texts.len() {
        texts.push("…");
    }
    texts.join(", ")
}

/// The first column, in the order of `wanted`, whose name in lower case is one of `wanted`.
pub(crate) fn find_named<'a>(names: &'a [String], wanted: &[&str]) -> Option<&'a str> {
    wanted
        .iter()
        .find_map(|wanted| names.iter().find(|name| name.to_lowercase() == *wanted))
        .map(String::as_str)
}
