//! All files of a card as rows: sequences are parsed, targets are still text.

use super::columns::{Column, Layout};
use super::data_file::DataFile;
use super::definition::is_of_header;
use super::genome_intervals::{IntervalError, read_intervals};
use super::genomic_position::{GenomicPosition, PositionProblem};
use super::interval::{Interval, IntervalProblem};
use super::kmers::{KmerProblem, join_kmers, sequence_problem};
use super::missing::is_missing;
use super::rows::{class_names, read_rows};
use crate::card::DataFolders;
use crate::card::{Card, FileEntry, GenomeFile, SideTable, SplitMethod, Text};
use crate::error::DataError;
use seqprobe_core::{BaseCounts, DnaSequence, SequenceError};
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
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
    #[error(transparent)]
    Interval(#[from] IntervalProblem),
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
    /// Key of the file in the card, shared by its rows.
    pub(crate) key: Arc<str>,
    /// Example id.
    pub(crate) id: String,
    /// Its sequence; `None` until that of its interval has been read.
    pub(crate) sequence: Option<DnaSequence>,
    /// Where its sequence is on the card's genome.
    pub(crate) interval: Option<Interval>,
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
    /// The genome of each file, where its rows are intervals.
    pub(crate) genomes: Vec<Option<GenomeFile>>,
    /// Names of classes that the files state.
    pub(crate) class_names: BTreeSet<String>,
    /// What the user should know, one sentence each.
    pub(crate) notes: Vec<String>,
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
    let mut read = ReadRows {
        rows: Vec::new(),
        files: Vec::new(),
        genomes: Vec::new(),
        letters: BaseCounts::default(),
        class_names: BTreeSet::new(),
        notes: Vec::new(),
    };
    for (key, entries) in card.files_in_order() {
        let mut n_rows_of_key = 0;
        for entry in entries {
            let data = folders.open(card, entry.into())?;
            let wanted = CardColumns::new(card, key, entry);
            let table = match &entry.table {
                Some(table) => Some(JoinedTable::read(card, folders, table, &wanted)?),
                None => None,
            };
            let from_file =
                wanted.named().into_iter().filter(|name| table.is_none() || is_of_header(name)).collect();
            if let ([target], None) = (wanted.targets.as_slice(), &table) {
                read.class_names.extend(class_names(&data, target)?.into_iter().flatten());
            }
            let shared_key = Arc::from(key);
            let file = OpenFile { card, key, shared_key, entry, data, wanted, table, from_file };
            n_rows_of_key = file.read(n_rows_of_key, &mut read)?;
        }
    }
    read_sequences(card, folders, &mut read)?;
    Ok(read)
}

/// Reads the sequences of intervals, from each genome in turn.
fn read_sequences(card: &Card, folders: &DataFolders, read: &mut ReadRows) -> Result<(), DataError> {
    let mut genomes: Vec<GenomeFile> = Vec::new();
    for genome in read.genomes.iter().flatten() {
        if !genomes.contains(genome) {
            genomes.push(genome.clone());
        }
    }
    for genome in genomes {
        let is_on = |row: &ReadRow| read.genomes.get(row.file).is_some_and(|of| of.as_ref() == Some(&genome));
        let members: Vec<usize> = (0..read.rows.len()).filter(|&row| is_on(&read.rows[row])).collect();
        let intervals: Vec<Interval> =
            members.iter().filter_map(|&row| read.rows[row].interval.clone()).collect();
        let file = folders.open(card, (&genome).into())?;
        let found = match read_intervals(&file, &intervals) {
            Ok(found) => found,
            Err(IntervalError::Genome(error)) => return Err(error),
            Err(IntervalError::Interval(index, message)) => {
                return Err(read.error_at(&read.rows[members[index]], message));
            }
        };
        for (row, (sequence, letters)) in members.into_iter().zip(found.sequences) {
            read.rows[row].sequence = Some(sequence);
            read.letters += letters;
        }
        read.notes.extend(found.notes);
    }
    Ok(())
}

/// The columns that a card names.
struct CardColumns<'a> {
    /// `None` where the rows are intervals.
    sequence: Option<&'a str>,
    targets: Vec<&'a str>,
    example_id: Option<&'a str>,
    group: Option<&'a str>,
    chromosome: Option<&'a str>,
    start: Option<&'a str>,
    end: Option<&'a str>,
    strand: Option<&'a str>,
    split: Option<&'a str>,
}

impl<'a> CardColumns<'a> {
    fn new(card: &'a Card, key: &str, entry: &'a FileEntry) -> Self {
        let text = |column: &'a Option<Text>| column.as_ref().map(|text| text.as_str());
        let rule = card.splits.iter().find(|rule| rule.of == key && rule.method == SplitMethod::Column);
        Self {
            sequence: card
                .genome_of(entry)
                .is_none()
                .then_some(entry.sequence.as_ref().unwrap_or(&card.sequence).as_str()),
            targets: entry
                .target
                .as_ref()
                .or(card.target.as_ref())
                .iter()
                .flat_map(|target| target.as_slice())
                .map(|target| target.as_str())
                .collect(),
            example_id: text(&card.example_id),
            group: text(&card.group),
            chromosome: text(&card.chromosome),
            start: text(&card.start),
            end: text(&card.end),
            strand: text(&card.strand),
            split: rule.and_then(|rule| text(&rule.column)),
        }
    }

    /// All columns except the sequence: targets, then the others.
    fn named(&self) -> Vec<&'a str> {
        let optional =
            [self.example_id, self.group, self.chromosome, self.start, self.end, self.strand, self.split];
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
        let file = folders.open(card, table.into())?;
        let path = file.path();
        let columns: Vec<String> =
            wanted.named().into_iter().filter(|name| !is_of_header(name)).map(str::to_owned).collect();
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

/// The position that a column gives. The field `range` of UCSC's FASTA files is 1-based with its end.
fn position_of(column: &str, text: &str) -> Result<GenomicPosition, PositionProblem> {
    match column {
        "header:range" => GenomicPosition::parse_one_based(text),
        _ => GenomicPosition::parse(text),
    }
}

/// One file of a card, ready to be read.
struct OpenFile<'a> {
    card: &'a Card,
    key: &'a str,
    shared_key: Arc<str>,
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
        read.genomes.push(self.card.genome_of(self.entry).cloned());
        let mut columns: Vec<Column<'_>> = self.wanted.sequence.map(Column::Sequence).into_iter().collect();
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
        if self.table.is_some() && !format.has_records() {
            let message = format!(
                "file {:?}: a side table can be used with FASTA, FASTQ and GenBank files only",
                self.key
            );
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
        let (bases, values) = match self.wanted.sequence {
            Some(_) => values.split_first().unwrap_or((&"", &[])),
            None => (&"", values),
        };
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
        let interval = self.wanted.sequence.is_none().then(|| self.interval(&texts)).transpose()?;
        let joined_kmers = self.card.kmers.map(|k| join_kmers(bases, k)).transpose()?;
        let bases = joined_kmers.as_deref().unwrap_or(bases.trim());
        let (sequence, counts) = match interval {
            Some(_) => (None, BaseCounts::default()),
            None => {
                let parsed = DnaSequence::parse(bases);
                let problem = |problem| RowProblem::Sequence { text: bases.to_owned(), problem };
                parsed.map(|(sequence, counts)| (Some(sequence), counts)).map_err(problem)?
            }
        };
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
        let position = match (&interval, self.wanted.chromosome) {
            (Some(interval), _) => Some(interval.position()),
            (None, column) => column.map(|column| position_of(column, texts.of(column))).transpose()?,
        };
        let position = match (position, self.wanted.start) {
            (Some(position), Some(start)) if interval.is_none() => {
                Some(position.with_start(texts.of(start))?)
            }
            (position, _) => position,
        };
        let targets = match &self.entry.label {
            Some(label) => vec![label.0.clone()],
            None => self.wanted.targets.iter().map(|column| texts.of(column).to_owned()).collect(),
        };
        let split = self.wanted.split.map(|column| texts.of(column).to_owned());
        let key = Arc::clone(&self.shared_key);
        Ok((ReadRow { file, line, key, id, sequence, interval, targets, group, position, split }, counts))
    }

    fn interval(&self, texts: &Texts<'_>) -> Result<Interval, IntervalProblem> {
        let text = |column: Option<&str>| column.map(|column| texts.of(column));
        let start_and_end = text(self.wanted.start).zip(text(self.wanted.end));
        let chromosome = text(self.wanted.chromosome).unwrap_or_default();
        Interval::parse(chromosome, start_and_end, text(self.wanted.strand), self.card.length)
    }
}
