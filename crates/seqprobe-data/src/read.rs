//! Reading all files of a card into rows: sequences parsed, targets still texts.

use crate::card::{Card, FileEntry, SideTable, SplitMethod};
use crate::error::DataError;
use crate::folders::DataFolders;
use crate::kmers::join_kmers;
use crate::place::Place;
use crate::rows::{Column, Layout, read_rows};
use seqprobe_core::{DnaSequence, LetterCounts};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

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
    /// Sequence after the letter policy.
    pub(crate) sequence: DnaSequence,
    /// Texts of the target columns.
    pub(crate) targets: Vec<String>,
    /// Text of the group column.
    pub(crate) group: Option<String>,
    /// Place on a chromosome.
    pub(crate) place: Option<Place>,
    /// Text of the split column.
    pub(crate) split: Option<String>,
}

/// All rows of a card, in the order of file keys and lines.
pub(crate) struct ReadRows {
    /// Rows.
    pub(crate) rows: Vec<ReadRow>,
    /// Files the rows come from.
    pub(crate) files: Vec<PathBuf>,
    /// Letters of all rows.
    pub(crate) letters: LetterCounts,
}

impl ReadRows {
    /// An error about one row.
    pub(crate) fn error_at(&self, row: &ReadRow, message: impl Into<String>) -> DataError {
        DataError::line(&self.files[row.file], row.line, message)
    }

    /// `file:line` of a row.
    pub(crate) fn place_of(&self, row: &ReadRow) -> String {
        format!("{}:{}", self.files[row.file].display(), row.line)
    }
}

/// Reads all files of a card.
pub(crate) fn read_card(card: &Card, folders: &DataFolders) -> Result<ReadRows, DataError> {
    let mut read = ReadRows { rows: Vec::new(), files: Vec::new(), letters: LetterCounts::default() };
    for (key, entries) in &card.files {
        let mut n_rows_of_key = 0;
        for entry in entries.as_slice() {
            let path = folders.find(card, &entry.path, entry.url.as_deref())?;
            let wanted = Wanted::new(card, key);
            let table = match &entry.table {
                Some(table) => Some(JoinedTable::read(card, folders, table, &wanted)?),
                None => None,
            };
            n_rows_of_key = read_file(card, key, entry, path, &wanted, table, n_rows_of_key, &mut read)?;
        }
    }
    Ok(read)
}

/// The columns a card asks for, the optional ones only where it does.
struct Wanted<'a> {
    sequence: &'a str,
    targets: Vec<&'a str>,
    example_id: Option<&'a str>,
    group: Option<&'a str>,
    chromosome: Option<&'a str>,
    start: Option<&'a str>,
    split: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn new(card: &'a Card, key: &str) -> Self {
        let text = |column: &'a Option<crate::card::Text>| column.as_ref().map(|text| text.as_str());
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

    /// All columns but the sequence: targets, then the others that are asked for.
    fn named(&self) -> Vec<&'a str> {
        let optional = [self.example_id, self.group, self.chromosome, self.start, self.split];
        self.targets.iter().copied().chain(optional.into_iter().flatten()).collect()
    }
}

/// A side table in memory: the columns asked for, by record name.
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
        wanted: &Wanted<'_>,
    ) -> Result<Self, DataError> {
        let path = folders.find(card, &table.path, table.url.as_deref())?;
        let columns: Vec<String> =
            wanted.named().into_iter().filter(|name| !is_header(name)).map(str::to_owned).collect();
        let mut asked = vec![Column::Named(table.id.as_str())];
        asked.extend(columns.iter().map(|name| Column::Named(name)));
        let mut rows: HashMap<String, (u64, Vec<String>)> = HashMap::new();
        read_rows(&path, Some(&table.sha256), Layout::GUESSED, &asked, &mut |row| {
            let Some((id, values)) = row.values.split_first() else { return Ok(ControlFlow::Continue(())) };
            let values = values.iter().map(|&value| value.to_owned()).collect();
            if let Some((first, _)) = rows.insert((*id).to_owned(), (row.line, values)) {
                let message = format!("id {id:?} stands already at line {first}");
                return Err(DataError::line(&path, row.line, message));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(Self { path, columns, rows })
    }
}

/// True for what a FASTA definition line gives by itself.
fn is_header(column: &str) -> bool {
    column == "header" || column.starts_with("header:")
}

#[expect(clippy::too_many_arguments, reason = "one call; a struct would only rename them")]
fn read_file(
    card: &Card,
    key: &str,
    entry: &FileEntry,
    path: PathBuf,
    wanted: &Wanted<'_>,
    table: Option<JoinedTable>,
    first_row: usize,
    read: &mut ReadRows,
) -> Result<usize, DataError> {
    let mut n_rows_of_key = first_row;
    let file = read.files.len();
    read.files.push(path.clone());
    let from_file: Vec<&str> =
        wanted.named().into_iter().filter(|name| table.is_none() || is_header(name)).collect();
    let mut columns = vec![Column::Sequence(wanted.sequence), Column::Named("header")];
    if table.is_none() {
        columns.truncate(1);
    }
    let n_leading = columns.len();
    columns.extend(from_file.iter().map(|name| Column::Named(name)));
    let layout = Layout {
        format: card.format,
        delimiter: card.delimiter.and_then(|letter| u8::try_from(letter).ok()),
        has_header: card.header,
    };
    let (rows, letters) = (&mut read.rows, &mut read.letters);
    let visit = &mut |row: crate::rows::Row<'_>| {
        let error = |message: String| DataError::line(&path, row.line, message);
        let joined = match &table {
            Some(table) => {
                let name = row.values[1];
                let (_, values) = table.rows.get(name).ok_or_else(|| {
                    error(format!("record {name:?} is not in the table {}", table.path.display()))
                })?;
                Some((table, values))
            }
            None => None,
        };
        let text_of = |name: &str| -> &str {
            let in_file = from_file.iter().position(|one| *one == name).map(|index| row.values[n_leading + index]);
            let in_table = || {
                let (table, values) = joined.as_ref()?;
                let index = table.columns.iter().position(|one| one == name)?;
                values.get(index).map(String::as_str)
            };
            in_file.or_else(in_table).unwrap_or_default()
        };
        let letters_text = match card.kmers {
            Some(k) => join_kmers(row.values[0], k).map_err(error)?,
            None => row.values[0].trim().to_owned(),
        };
        let (sequence, counts) = DnaSequence::parse(&letters_text)
            .map_err(|cause| error(format!("column {:?}: {cause}", wanted.sequence)))?;
        *letters += counts;
        let id = match wanted.example_id {
            Some(column) => text_of(column).trim().to_owned(),
            None => format!("{key}:{n_rows_of_key}"),
        };
        if id.is_empty() {
            return Err(error("the example id is empty".to_owned()));
        }
        let group = wanted.group.map(|column| text_of(column).trim().to_owned());
        if group.as_deref().is_some_and(crate::labels::is_missing) {
            return Err(error("the group is missing".to_owned()));
        }
        let place = match wanted.chromosome {
            Some(column) => {
                let place = Place::parse(text_of(column)).map_err(error)?;
                Some(match wanted.start {
                    Some(start) => place.with_start(text_of(start)).map_err(error)?,
                    None => place,
                })
            }
            None => None,
        };
        let targets = match &entry.label {
            Some(label) => vec![label.0.clone()],
            None => wanted.targets.iter().map(|column| text_of(column).to_owned()).collect(),
        };
        let split = wanted.split.map(|column| text_of(column).trim().to_owned());
        rows.push(ReadRow { file, line: row.line, key: key.to_owned(), id, sequence, targets, group, place, split });
        n_rows_of_key += 1;
        Ok(ControlFlow::Continue(()))
    };
    let format = read_rows(&path, Some(&entry.sha256), layout, &columns, visit)?;
    if table.is_some() && format != crate::card::Format::Fasta {
        return Err(card.error(format!("file {key:?}: a side table goes with FASTA files only")));
    }
    if n_rows_of_key == first_row {
        return Err(DataError::file(&path, "holds no row"));
    }
    Ok(n_rows_of_key)
}
