//! All files of a card as rows: sequences are parsed, targets are still text.

use super::columns::{Column, Layout};
use super::data_file::DataFile;
use super::genomic_position::{GenomicPosition, PositionProblem};
use super::kmers::{KmerProblem, join_kmers, sequence_problem};
use super::labels::is_missing;
use super::rows::read_rows;
use crate::card::DataFolders;
use crate::card::{Card, FileEntry, Format, SideTable, SplitMethod, Text};
use crate::error::DataError;
use seqprobe_core::{BaseCounts, DnaSequence, SequenceError};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use thiserror::Error;

/// A row that does not fit its card.
#[derive(Debug, Error)]
enum RowProblem {
    #[error("{}", sequence_problem(.text, .problem))]
    Sequence { text: String, problem: SequenceError },
    #[error(transparent)]
    Kmers(#[from] KmerProblem),
    #[error(transparent)]
    Position(#[from] PositionProblem),
    #[error("the example id is empty")]
    NoId,
    #[error("the group is missing")]
    NoGroup,
    #[error("record {name:?} is not in the table {}", table.display())]
    NotInTable { name: String, table: PathBuf },
}

/// One row as it was read.
pub(crate) struct ReadRow {
    /// Index into the files read.
    pub(crate) file: usize,
    /// 1-based line at which it starts.
    pub(crate) line: u64,
    /// Key of the file in the card.
    pub(crate) key: String,
    /// Example id.
    pub(crate) id: String,
    /// Its sequence.
    pub(crate) sequence: DnaSequence,
    /// Texts of the target columns.
    pub(crate) targets: Vec<String>,
    /// Text of the group column.
    pub(crate) group: Option<String>,
    /// Position on a chromosome.
    pub(crate) position: Option<GenomicPosition>,
    /// Text of the split column.
    pub(crate) split: Option<String>,
}

/// All rows of a card, in the order of file keys and lines.
pub(crate) struct ReadRows {
    /// Rows.
    pub(crate) rows: Vec<ReadRow>,
    /// Files the rows come from.
    pub(crate) files: Vec<PathBuf>,
    /// Bases of all rows.
    pub(crate) letters: BaseCounts,
}

impl ReadRows {
    /// An error about one row.
    pub(crate) fn error_at(&self, row: &ReadRow, message: impl Into<String>) -> DataError {
        DataError::line(&self.files[row.file], row.line, message)
    }

    /// The file and line of a row, as `file:line`.
    pub(crate) fn file_and_line(&self, row: &ReadRow) -> String {
        format!("{}:{}", self.files[row.file].display(), row.line)
    }
}

/// Reads all files of a card.
pub(crate) fn read_card(card: &Card, folders: &DataFolders) -> Result<ReadRows, DataError> {
    let mut read = ReadRows { rows: Vec::new(), files: Vec::new(), letters: BaseCounts::default() };
    for (key, entries) in card.files_in_order() {
        let mut n_rows_of_key = 0;
        for entry in entries {
            let data = folders.open(card, &entry.path, &entry.sha256, entry.url.as_deref())?;
            let wanted = CardColumns::new(card, key);
            let table = match &entry.table {
                Some(table) => Some(JoinedTable::read(card, folders, table, &wanted)?),
                None => None,
            };
            let from_file =
                wanted.named().into_iter().filter(|name| table.is_none() || is_header(name)).collect();
            let file = OpenFile { card, key, entry, data, wanted, table, from_file };
            n_rows_of_key = file.read(n_rows_of_key, &mut read)?;
        }
    }
    Ok(read)
}

/// The columns that a card names.
struct CardColumns<'a> {
    sequence: &'a str,
    targets: Vec<&'a str>,
    example_id: Option<&'a str>,
    group: Option<&'a str>,
    chromosome: Option<&'a str>,
    start: Option<&'a str>,
    split: Option<&'a str>,
}

impl<'a> CardColumns<'a> {
    fn new(card: &'a Card, key: &str) -> Self {
        let text = |column: &'a Option<Text>| column.as_ref().map(|text| text.as_str());
        let rule = card.splits.iter().find(|rule| rule.of == key && rule.method == SplitMethod::Column);
        Self {
            sequence: card.sequence.as_str(),
            targets: card
                .target
                .iter()
                .flat_map(|target| target.as_slice())
                .map(|target| target.as_str())
                .collect(),
            example_id: text(&card.example_id),
            group: text(&card.group),
            chromosome: text(&card.chromosome),
            start: text(&card.start),
            split: rule.and_then(|rule| text(&rule.column)),
        }
    }

    /// All columns except the sequence: targets, then the others.
    fn named(&self) -> Vec<&'a str> {
        let optional = [self.example_id, self.group, self.chromosome, self.start, self.split];
        self.targets.iter().copied().chain(optional.into_iter().flatten()).collect()
    }
}

/// A side table in memory: columns of the card by record name.
struct JoinedTable {
    path: PathBuf,
    columns: Vec<String>,
    rows: HashMap<String, (u64, Vec<String>)>,
}

impl JoinedTable {
    fn read(
        card: &Card,
        folders: &DataFolders,
        table: &SideTable,
        wanted: &CardColumns<'_>,
    ) -> Result<Self, DataError> {
        let file = folders.open(card, &table.path, &table.sha256, table.url.as_deref())?;
        let path = file.path();
        let columns: Vec<String> =
            wanted.named().into_iter().filter(|name| !is_header(name)).map(str::to_owned).collect();
        let mut asked = vec![Column::Named(table.id.as_str())];
        asked.extend(columns.iter().map(|name| Column::Named(name)));
        let mut rows: HashMap<String, (u64, Vec<String>)> = HashMap::new();
        read_rows(&file, Layout::GUESSED, &asked, &mut |row| {
            let Some((id, values)) = row.values.split_first() else { return Ok(ControlFlow::Continue(())) };
            let values = values.iter().map(|&value| value.to_owned()).collect();
            if let Some((first, _)) = rows.insert((*id).to_owned(), (row.line, values)) {
                let message = format!("duplicate id {id:?}, first seen at line {first}");
                return Err(DataError::line(path, row.line, message));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self { path: path.to_owned(), columns, rows })
    }
}

/// True for a column that comes from a FASTA definition line.
fn is_header(column: &str) -> bool {
    column == "header" || column.starts_with("header:")
}

/// One file of a card, ready to be read.
struct OpenFile<'a> {
    card: &'a Card,
    key: &'a str,
    entry: &'a FileEntry,
    data: DataFile,
    wanted: CardColumns<'a>,
    table: Option<JoinedTable>,
    /// The columns of the file itself, without the sequence.
    from_file: Vec<&'a str>,
}

/// The texts of one row by column name, from the file or its side table.
struct Texts<'a> {
    file: &'a OpenFile<'a>,
    values: &'a [&'a str],
    joined: Option<&'a [String]>,
}

impl Texts<'_> {
    fn of(&self, column: &str) -> &str {
        if let Some(index) = self.file.from_file.iter().position(|one| *one == column) {
            return self.values.get(index).copied().unwrap_or_default().trim();
        }
        let columns = self.file.table.iter().flat_map(|table| &table.columns);
        let index = columns.into_iter().position(|one| one == column);
        index.and_then(|index| self.joined?.get(index)).map_or("", |text| text.trim())
    }
}

impl OpenFile<'_> {
    /// Adds the file's rows; returns the number of rows of its key so far.
    fn read(&self, first_row: usize, read: &mut ReadRows) -> Result<usize, DataError> {
        let file = read.files.len();
        read.files.push(self.data.path().to_owned());
        let mut columns = vec![Column::Sequence(self.wanted.sequence)];
        columns.extend(self.table.is_some().then_some(Column::Named("header")));
        columns.extend(self.from_file.iter().map(|name| Column::Named(name)));
        let layout = Layout {
            format: self.card.format,
            delimiter: self.card.delimiter.and_then(|letter| u8::try_from(letter).ok()),
            has_header: self.card.header,
        };
        let mut n_rows_of_key = first_row;
        let format = read_rows(&self.data, layout, &columns, &mut |row| {
            let (read_row, counts) = self
                .row(file, row.line, row.values, n_rows_of_key)
                .map_err(|problem| DataError::line(self.data.path(), row.line, problem.to_string()))?;
            read.letters += counts;
            read.rows.push(read_row);
            n_rows_of_key += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        if self.table.is_some() && format != Format::Fasta {
            let message = format!("file {:?}: a side table can be used with FASTA files only", self.key);
            return Err(self.card.error(message));
        }
        if n_rows_of_key == first_row {
            return Err(DataError::file(self.data.path(), "has no rows"));
        }
        Ok(n_rows_of_key)
    }

    fn row(
        &self,
        file: usize,
        line: u64,
        values: &[&str],
        row_of_key: usize,
    ) -> Result<(ReadRow, BaseCounts), RowProblem> {
        let (bases, values) = values.split_first().unwrap_or((&"", &[]));
        let (values, joined) = match &self.table {
            None => (values, None),
            Some(table) => {
                let (name, values) = values.split_first().unwrap_or((&"", &[]));
                let (_, joined) = table.rows.get(*name).ok_or_else(|| RowProblem::NotInTable {
                    name: (*name).to_owned(),
                    table: table.path.clone(),
                })?;
                (values, Some(joined.as_slice()))
            }
        };
        let texts = Texts { file: self, values, joined };
        let joined_kmers = self.card.kmers.map(|k| join_kmers(bases, k)).transpose()?;
        let bases = joined_kmers.as_deref().unwrap_or(bases.trim());
        let (sequence, counts) = DnaSequence::parse(bases)
            .map_err(|problem| RowProblem::Sequence { text: bases.to_owned(), problem })?;
        let id = match self.wanted.example_id {
            Some(column) => texts.of(column).to_owned(),
            None => format!("{}:{row_of_key}", self.key),
        };
        if id.is_empty() {
            return Err(RowProblem::NoId);
        }
        let group = self.wanted.group.map(|column| texts.of(column).to_owned());
        if group.as_deref().is_some_and(is_missing) {
            return Err(RowProblem::NoGroup);
        }
        let position =
            self.wanted.chromosome.map(|column| GenomicPosition::parse(texts.of(column))).transpose()?;
        let position = match (position, self.wanted.start) {
            (Some(position), Some(start)) => Some(position.with_start(texts.of(start))?),
            (position, _) => position,
        };
        let targets = match &self.entry.label {
            Some(label) => vec![label.0.clone()],
            None => self.wanted.targets.iter().map(|column| texts.of(column).to_owned()).collect(),
        };
        let split = self.wanted.split.map(|column| texts.of(column).to_owned());
        let key = self.key.to_owned();
        Ok((ReadRow { file, line, key, id, sequence, targets, group, position, split }, counts))
    }
}
