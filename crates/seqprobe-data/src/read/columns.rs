//! What is asked for of a data file, and what is given for each row.

use super::delimiter::Delimiter;
use crate::card::Format;
use crate::error::DataError;
use seqprobe_core::config::nearest;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// What a user states about a file of sequences; the rest is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLayout {
    /// The sequence column; `None` to find it by its name or its content.
    pub sequence: Option<String>,
    /// The column of the ids; `None` to find it by its name.
    pub id: Option<String>,
    /// What separates the fields; `None` to find it.
    pub delimiter: Option<Delimiter>,
    /// False when the first line is data; columns are then numbers from 0.
    pub has_header: bool,
    /// A genome (FASTA): the rows are intervals on it, 0-based and half-open, and have no sequence column.
    pub genome: Option<PathBuf>,
}

impl Default for FileLayout {
    /// A file with a header, in which everything is found.
    fn default() -> Self {
        Self { sequence: None, id: None, delimiter: None, has_header: true, genome: None }
    }
}

impl FileLayout {
    /// How the rows are read.
    pub(crate) fn layout(&self) -> Layout {
        Layout { format: None, delimiter: self.delimiter.map(Delimiter::byte), has_header: self.has_header }
    }
}

/// How a file is read.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    /// The format; `None` to guess it.
    pub(crate) format: Option<Format>,
    /// The delimiter; `None` to guess it.
    pub(crate) delimiter: Option<u8>,
    /// False when columns are numbers from 0 and the first line is data.
    pub(crate) has_header: bool,
}

impl Layout {
    /// Everything guessed, with a header.
    pub(crate) const GUESSED: Self = Self { format: None, delimiter: None, has_header: true };
}

/// A column that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column<'a> {
    /// The sequence: a column, or the bases of a FASTA record.
    Sequence(&'a str),
    /// Any other: a column, or `header` or `header:KEY` of a FASTA record.
    Named(&'a str),
}

/// One row.
pub(crate) struct Row<'a> {
    /// 1-based line at which it starts; in binary files the 1-based row.
    pub(crate) line: u64,
    /// The texts of the columns asked for, in that order.
    pub(crate) values: &'a [&'a str],
}

/// Called with each row; it can stop the reading.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(Row<'_>) -> Result<ControlFlow<()>, DataError>;

/// A field as text.
pub(crate) fn text_of<'a>(path: &Path, line: u64, bytes: &'a [u8]) -> Result<&'a str, DataError> {
    std::str::from_utf8(bytes).map_err(|_| DataError::line(path, line, "is not UTF-8 text"))
}

/// A column that a file does not have.
pub(crate) fn no_column(path: &Path, name: &str, names: &[String]) -> DataError {
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near:?}?"),
        None => {
            let shown: Vec<_> = names.iter().take(20).map(|name| format!("{name:?}")).collect();
            format!("the columns are {}", shown.join(", "))
        }
    };
    DataError::file(path, format!("no column {name:?}\n  hint: {hint}"))
}
