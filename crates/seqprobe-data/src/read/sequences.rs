//! Ids and sequences from a file without labels, to embed or to predict. The whole file is checked before any row is
//! used; it can then be read in parts, so that memory does not grow with its size.

use super::columns::{Column, FileLayout};
use super::data_file::DataFile;
use super::genome_intervals::IntervalSequences;
use super::ids::{ID_NAMES, IdProblem, Repeats, SeenIds};
use super::interval_columns::{IntervalColumns, sequences_on_genome};
use super::kmers::sequence_problem;
use super::letters::LetterCounts;
use super::rows::{column_names, read_rows};
use super::sequence_column::{find_named, find_sequence_column};
use crate::error::DataError;
use seqprobe_core::{BaseCounts, DnaSequence};
use std::ops::ControlFlow;
use std::path::Path;

/// Sequences with their ids, in file order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamedSequences {
    /// Unique ids, one per sequence.
    pub ids: Vec<String>,
    /// Sequences.
    pub sequences: Vec<DnaSequence>,
    /// Bases read, and how many were changed by the rules of [`DnaSequence::parse`].
    pub letters: BaseCounts,
    /// What is to be said of the ids and the letters, one sentence each.
    pub remarks: Vec<String>,
}

/// Reads a CSV, TSV or FASTA file, plain or compressed, or a pipe; `-` is standard input. Ids are the FASTA names, or
/// the column that the layout names, or the column `example_id`, `id` or `name`, or the 0-based row. With a genome in
/// the layout, the rows are intervals on it.
///
/// # Errors
/// As [`SequenceFile::check`].
pub fn read_sequences(path: &Path, layout: &FileLayout) -> Result<NamedSequences, DataError> {
    let file = SequenceFile::check(path, layout)?;
    let mut all = NamedSequences { remarks: file.remarks.clone(), ..NamedSequences::default() };
    file.read(&mut |row| {
        all.push(row);
        Ok(ControlFlow::Continue(()))
    })?;
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
    /// The sequences of all rows, where the rows are intervals on a genome.
    on_genome: Option<IntervalSequences>,
    n_rows: usize,
    remarks: Vec<String>,
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
        file.check_rows()?;
        Ok(file)
    }

    /// A file whose rows have not been read yet.
    fn find_columns(file: DataFile, layout: &FileLayout) -> Result<Self, DataError> {
        if let Some(genome) = &layout.genome {
            let columns = IntervalColumns::find(&file, layout)?;
            let on_genome = Some(sequences_on_genome(&file, &columns, genome)?);
            let names = column_names(&file, columns.layout)?.unwrap_or_default();
            let id_column = layout.id.clone().or_else(|| find_named(&names, ID_NAMES).map(str::to_owned));
            let layout = FileLayout { has_header: columns.layout.has_header, ..layout.clone() };
            return Ok(Self {
                file,
                layout,
                sequence_column: None,
                id_column,
                on_genome,
                n_rows: 0,
                remarks: Vec::new(),
            });
        }
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
        Ok(Self {
            file,
            layout: layout.clone(),
            sequence_column,
            id_column,
            on_genome: None,
            n_rows: 0,
            remarks: Vec::new(),
        })
    }

    /// Reads and counts all rows. Ids of a column that the user did not name are used only if they are unique and none
    /// is empty; otherwise the rows are numbered.
    fn check_rows(&mut self) -> Result<(), DataError> {
        let mut seen = SeenIds::default();
        let mut letters = LetterCounts::default();
        self.read(&mut |row| {
            seen.add(row.id, row.line);
            letters.add(&row.sequence, row.letters);
            Ok(ControlFlow::Continue(()))
        })?;
        self.n_rows = seen.len();
        if self.n_rows == 0 {
            return Err(DataError::file(self.file.path(), "has no rows"));
        }
        match (self.id_problem(seen)?, &self.id_column) {
            (Some(problem), Some(_)) if self.layout.id.is_some() => {
                return Err(DataError::line(self.file.path(), problem.line(), problem.message()));
            }
            (Some(problem), Some(column)) => {
                self.remarks.push(problem.remark(column));
                self.id_column = None;
            }
            _ => {}
        }
        self.remarks.extend(letters.remarks());
        Ok(())
    }

    fn id_problem(&self, seen: SeenIds) -> Result<Option<IdProblem>, DataError> {
        if let Some(line) = seen.first_empty() {
            return Ok(Some(IdProblem::Empty { line }));
        }
        let hashes = seen.repeated();
        if hashes.is_empty() {
            return Ok(None);
        }
        let (mut repeats, mut problem) = (Repeats::new(hashes), None);
        self.read(&mut |row| {
            problem = repeats.add(row.id, row.line);
            Ok(if problem.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(problem)
    }

    /// What is to be said of the ids and the letters, one sentence each.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
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
        let mut columns = Vec::new();
        if self.on_genome.is_none() {
            columns.push(Column::Sequence(self.sequence_column.as_deref().unwrap_or("sequence")));
        }
        columns.extend(self.id_column.as_deref().map(Column::Named));
        let mut n_rows = 0_usize;
        read_rows(&self.file, self.layout.layout(), &columns, &mut |row| {
            let (text, rest) = match &self.on_genome {
                None => row.values.split_first().unwrap_or((&"", &[])),
                Some(_) => (&"", row.values),
            };
            let (sequence, letters) = match &self.on_genome {
                None => DnaSequence::parse(text).map_err(|problem| {
                    DataError::line(self.file.path(), row.line, sequence_problem(text, &problem))
                })?,
                Some(found) => found.sequences.get(n_rows).cloned().ok_or_else(|| {
                    DataError::line(self.file.path(), row.line, "the file changed while it was read")
                })?,
            };
            let number = n_rows.to_string();
            let id = rest.first().map_or(number.as_str(), |id| *id);
            n_rows += 1;
            visit(ReadRow { line: row.line, id, sequence, letters })
        })?;
        Ok(())
    }
}
