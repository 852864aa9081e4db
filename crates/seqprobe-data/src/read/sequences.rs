//! Ids and sequences from a file without labels, to embed or to predict. The whole file is checked before any row is
//! used; it can then be read in parts, so that memory does not grow with its size.

use super::columns::{Column, FileLayout};
use super::data_file::DataFile;
use super::kmers::sequence_problem;
use super::rows::{column_names, read_rows};
use super::sequence_column::{find_named, find_sequence_column};
use crate::error::DataError;
use seqprobe_core::{BaseCounts, DnaSequence};
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;
use std::path::Path;

/// Names, in lower case, that an id column may have.
const ID_NAMES: &[&str] = &["example_id", "id", "name"];

/// Sequences with their ids, in file order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedSequences {
    /// Unique ids, one per sequence.
    pub ids: Vec<String>,
    /// Sequences.
    pub sequences: Vec<DnaSequence>,
    /// Bases read, and how many were changed by the rules of [`DnaSequence::parse`].
    pub letters: BaseCounts,
}

/// Reads a CSV, TSV or FASTA file, plain or compressed, or a pipe; `-` is standard input. Ids are the FASTA names, or
/// the column that the layout names, or the column `example_id`, `id` or `name`, or the 0-based row.
///
/// # Errors
/// As [`SequenceFile::check`].
pub fn read_sequences(path: &Path, layout: &FileLayout) -> Result<NamedSequences, DataError> {
    let mut all = NamedSequences::default();
    SequenceFile::find_columns(DataFile::open(path)?, layout)?.read_checked(&mut |row| all.push(row))?;
    Ok(all)
}

/// One row of a file.
struct ReadRow<'a> {
    line: u64,
    id: &'a str,
    sequence: DnaSequence,
    letters: BaseCounts,
}

impl NamedSequences {
    fn push(&mut self, row: ReadRow<'_>) {
        self.ids.push(row.id.to_owned());
        self.sequences.push(row.sequence);
        self.letters += row.letters;
    }
}

/// A file of sequences that has been checked.
pub struct SequenceFile {
    file: DataFile,
    layout: FileLayout,
    sequence_column: Option<String>,
    id_column: Option<String>,
    n_rows: usize,
}

/// Called with each row; it can stop the reading.
type Visit<'a> = &'a mut dyn FnMut(ReadRow<'_>) -> Result<ControlFlow<()>, DataError>;

impl SequenceFile {
    /// Reads a whole file as [`read_sequences`] does, and keeps none of its rows.
    ///
    /// # Errors
    /// [`DataError`] with file and line for anything that is not DNA and for duplicate ids, or when there is no
    /// sequence column.
    pub fn check(path: &Path, layout: &FileLayout) -> Result<Self, DataError> {
        let mut file = Self::find_columns(DataFile::open(path)?, layout)?;
        file.read_checked(&mut |_| {})?;
        Ok(file)
    }

    /// A file whose rows have not been read yet.
    fn find_columns(file: DataFile, layout: &FileLayout) -> Result<Self, DataError> {
        let names = column_names(&file, layout.layout())?;
        let id_column = match (&layout.id, &names) {
            (Some(stated), _) => Some(stated.clone()),
            (None, None) => Some("header".to_owned()),
            (None, Some(names)) => find_named(names, ID_NAMES).map(str::to_owned),
        };
        let sequence_column = match (&names, &layout.sequence) {
            (Some(_), None) => find_sequence_column(&file, layout.layout())?,
            (_, stated) => stated.clone(),
        };
        Ok(Self { file, layout: layout.clone(), sequence_column, id_column, n_rows: 0 })
    }

    /// Reads and counts all rows and gives them to `take`. Duplicate ids are found at the end.
    fn read_checked(&mut self, take: &mut dyn FnMut(ReadRow<'_>)) -> Result<(), DataError> {
        let mut hashes = Vec::new();
        self.read(&mut |row| {
            if row.id.is_empty() {
                return Err(DataError::line(self.file.path(), row.line, "the id is empty"));
            }
            hashes.push(hash(row.id));
            take(row);
            Ok(ControlFlow::Continue(()))
        })?;
        if hashes.is_empty() {
            return Err(DataError::file(self.file.path(), "has no rows"));
        }
        self.n_rows = hashes.len();
        hashes.sort_unstable();
        let twice: HashSet<u64> =
            hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        if twice.is_empty() { Ok(()) } else { self.refuse_repeated_ids(&twice) }
    }

    /// Number of rows, at least 1.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Gives the rows in file order to `take`, at most `max_rows` (at least 1) at a time, until it breaks.
    ///
    /// # Errors
    /// [`DataError`] when the file has changed since it was checked.
    pub fn read_parts(
        &self,
        max_rows: usize,
        take: &mut dyn FnMut(NamedSequences) -> ControlFlow<()>,
    ) -> Result<(), DataError> {
        let mut part = NamedSequences::default();
        let mut n_read = 0;
        let mut is_whole = true;
        self.read(&mut |row| {
            part.push(row);
            n_read += 1;
            if part.ids.len() < max_rows || n_read == self.n_rows {
                return Ok(ControlFlow::Continue(()));
            }
            let flow = take(std::mem::take(&mut part));
            is_whole = flow.is_continue();
            Ok(flow)
        })?;
        if !is_whole {
            return Ok(());
        }
        if n_read != self.n_rows {
            let message = format!("changed while it was read: {n_read} rows, {} before", self.n_rows);
            return Err(DataError::file(self.file.path(), message));
        }
        // This was the last part: its answer changes nothing.
        let _ = take(part);
        Ok(())
    }

    fn read(&self, visit: Visit<'_>) -> Result<(), DataError> {
        let mut columns = vec![Column::Sequence(self.sequence_column.as_deref().unwrap_or("sequence"))];
        columns.extend(self.id_column.as_deref().map(Column::Named));
        let mut n_rows = 0_usize;
        read_rows(&self.file, self.layout.layout(), &columns, &mut |row| {
            let (text, rest) = row.values.split_first().unwrap_or((&"", &[]));
            let (sequence, letters) = DnaSequence::parse(text).map_err(|problem| {
                DataError::line(self.file.path(), row.line, sequence_problem(text, &problem))
            })?;
            let number = n_rows.to_string();
            let id = rest.first().map_or(number.as_str(), |id| *id);
            n_rows += 1;
            visit(ReadRow { line: row.line, id, sequence, letters })
        })?;
        Ok(())
    }

    /// Reads the file again for ids whose hashes occur twice; different ids can have the same hash.
    fn refuse_repeated_ids(&self, hashes: &HashSet<u64>) -> Result<(), DataError> {
        let mut lines: HashMap<String, u64> = HashMap::new();
        self.read(&mut |ReadRow { line, id, .. }| {
            if !hashes.contains(&hash(id)) {
                return Ok(ControlFlow::Continue(()));
            }
            match lines.insert(id.to_owned(), line) {
                None => Ok(ControlFlow::Continue(())),
                Some(first) => {
                    let message = format!("duplicate id {id:?}, first seen at line {first}");
                    Err(DataError::line(self.file.path(), line, message))
                }
            }
        })
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
