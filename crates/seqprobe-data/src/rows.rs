//! Rows of a CSV, TSV or FASTA file, as the texts of the columns asked for, with their line.
//!
//! Knows columns, not what they mean.

use crate::card::Format;
use crate::error::DataError;
use crate::input::{LimitedReader, MOST_COLUMNS, check_row_count, open, read_error};
use noodles_fasta::record::Definition;
use seqprobe_core::config::nearest;
use std::ops::ControlFlow;
use std::path::Path;

/// How a file is to be read.
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

/// A column asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column<'a> {
    /// The sequence: a column, or the letters of a FASTA record.
    Sequence(&'a str),
    /// Any other: a column, or `header` or `header:KEY` of a FASTA record.
    Named(&'a str),
}

/// One row.
pub(crate) struct Row<'a> {
    /// 1-based line at which it starts.
    pub(crate) line: u64,
    /// The texts of the columns asked for, in that order.
    pub(crate) values: &'a [&'a str],
}

/// What is done with each row; it may stop the reading.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(Row<'_>) -> Result<ControlFlow<()>, DataError>;

/// Gives the columns asked for of each row, in file order, to `visit`.
pub(crate) fn read_rows(
    path: &Path,
    sha256: Option<&str>,
    layout: Layout,
    columns: &[Column<'_>],
    visit: Visit<'_>,
) -> Result<Format, DataError> {
    let opened = open(path, sha256, layout.format, layout.delimiter)?;
    match opened.format {
        Format::Fasta => read_fasta(path, opened.reader, columns, visit)?,
        Format::Csv | Format::Tsv => {
            let table = Table::new(path, opened.reader, opened.delimiter, layout.has_header)?;
            let indices =
                columns.iter().map(|column| table.index_of(*column)).collect::<Result<Vec<_>, _>>()?;
            table.read(&indices, visit)?;
        }
    }
    Ok(opened.format)
}

/// The columns of a CSV or TSV file, `None` for FASTA.
pub(crate) fn column_names(path: &Path, layout: Layout) -> Result<Option<Vec<String>>, DataError> {
    let opened = open(path, None, layout.format, layout.delimiter)?;
    if opened.format == Format::Fasta {
        return Ok(None);
    }
    Ok(Some(Table::new(path, opened.reader, opened.delimiter, layout.has_header)?.names))
}

/// A CSV or TSV file whose header has been read.
struct Table<'a> {
    path: &'a Path,
    reader: csv::Reader<LimitedReader>,
    has_header: bool,
    names: Vec<String>,
    /// The first line, when it is data.
    first: Option<(u64, csv::ByteRecord)>,
}

impl<'a> Table<'a> {
    fn new(
        path: &'a Path,
        reader: LimitedReader,
        delimiter: u8,
        has_header: bool,
    ) -> Result<Self, DataError> {
        // A line feed alone ends a record and the carriage return before it is cut off here: with the
        // reader's own handling of both, the line numbers of CRLF files would be wrong.
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(1 << 16)
            .from_reader(reader);
        let mut table = Self { path, reader, has_header, names: Vec::new(), first: None };
        let mut record = csv::ByteRecord::new();
        let Some(line) = table.next(&mut record)? else {
            return Err(DataError::file(path, "is empty"));
        };
        if record.len() > MOST_COLUMNS {
            return Err(DataError::line(
                path,
                line,
                format!("the first line has more than {MOST_COLUMNS} fields"),
            ));
        }
        if has_header {
            for field in &record {
                table.names.push(text_of(path, line, field)?.trim().to_owned());
            }
        } else {
            table.names = (0..record.len()).map(|index| index.to_string()).collect();
            table.first = Some((line, record));
        }
        Ok(table)
    }

    fn index_of(&self, column: Column<'_>) -> Result<usize, DataError> {
        let (Column::Sequence(name) | Column::Named(name)) = column;
        let mut found = self.names.iter().enumerate().filter(|(_, known)| *known == name);
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(index),
            (Some(_), Some(_)) => Err(DataError::line(
                self.path,
                1,
                format!("column {name:?} occurs more than once in the header"),
            )),
            (None, _) => Err(self.no_column(name)),
        }
    }

    fn no_column(&self, name: &str) -> DataError {
        if !self.has_header {
            let message = format!(
                "no column {name:?}\n  hint: with header = false columns are the numbers 0 to {}",
                self.names.len() - 1
            );
            return DataError::file(self.path, message);
        }
        let near = nearest(name, self.names.iter().map(String::as_str));
        let hint = match near {
            Some(near) => format!("did you mean {near:?}?"),
            None => {
                let shown: Vec<_> = self.names.iter().take(20).map(|name| format!("{name:?}")).collect();
                format!("the columns are {}", shown.join(", "))
            }
        };
        DataError::file(self.path, format!("no column {name:?}\n  hint: {hint}"))
    }

    fn read(mut self, indices: &[usize], visit: Visit<'_>) -> Result<(), DataError> {
        let expected = self.names.len();
        let mut record = csv::ByteRecord::new();
        for n_rows in 1.. {
            let line = match self.first.take() {
                Some((line, first)) => {
                    record = first;
                    line
                }
                None => match self.next(&mut record)? {
                    Some(line) => line,
                    None => return Ok(()),
                },
            };
            check_row_count(self.path, line, n_rows)?;
            if record.len() != expected {
                let message =
                    format!("expected {expected} fields, as in the first line, got {}", record.len());
                return Err(DataError::line(self.path, line, message));
            }
            let values = indices
                .iter()
                .map(|&index| text_of(self.path, line, record.get(index).unwrap_or_default()))
                .collect::<Result<Vec<_>, _>>()?;
            if visit(Row { line, values: &values })?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads the next record that is not a blank line; gives the line at which it starts.
    fn next(&mut self, record: &mut csv::ByteRecord) -> Result<Option<u64>, DataError> {
        loop {
            self.reader.get_mut().start_record();
            let first_line = self.reader.position().line();
            let is_there = self
                .reader
                .read_byte_record(record)
                .map_err(|error| csv_error(self.path, first_line, error))?;
            if !is_there {
                return Ok(None);
            }
            if let Some(last) = record.len().checked_sub(1)
                && let Some(shorter) = record.get(last).and_then(|field| field.strip_suffix(b"\r"))
            {
                let shorter = shorter.to_vec();
                record.truncate(last);
                record.push_field(&shorter);
            }
            if record.len() == 1 && record.get(0).is_some_and(<[u8]>::is_empty) {
                continue;
            }
            let breaks = record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
            let next_line = self.reader.position().line();
            return Ok(Some(next_line.saturating_sub(breaks + 1).max(1)));
        }
    }
}

fn csv_error(path: &Path, line: u64, error: csv::Error) -> DataError {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => read_error(path, line, source),
        _ => DataError::line(path, line, "cannot be read as CSV"),
    }
}

pub(crate) fn read_fasta(
    path: &Path,
    reader: LimitedReader,
    columns: &[Column<'_>],
    visit: Visit<'_>,
) -> Result<(), DataError> {
    for column in columns {
        if let Column::Named(name) = column
            && *name != "header"
            && !name.starts_with("header:")
        {
            let message = format!(
                "no column {name:?}: this is FASTA\n  hint: use \"header\", \"header:{name}\" for a word {name}=VALUE of the definition line, or a side table"
            );
            return Err(DataError::file(path, message));
        }
    }
    let mut reader = noodles_fasta::io::Reader::new(reader);
    let mut sequence = Vec::new();
    // Letters before the first `>` cannot occur: the format was guessed from it, or is checked here.
    reader.read_sequence(&mut sequence).map_err(|source| read_error(path, 1, source))?;
    if !sequence.is_empty() {
        return Err(DataError::line(path, 1, "a FASTA file starts with \">\""));
    }
    for n_rows in 1.. {
        reader.get_mut().start_record();
        let line = reader.get_ref().lines() + 1;
        let mut definition = Definition::default();
        match reader.read_definition(&mut definition) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if is_definition_error(&error) => {
                return Err(DataError::line(path, line, "a FASTA record without a name"));
            }
            Err(source) => return Err(read_error(path, line, source)),
        }
        check_row_count(path, line, n_rows)?;
        sequence.clear();
        reader.read_sequence(&mut sequence).map_err(|source| read_error(path, line, source))?;
        let name = text_of(path, line, definition.name().as_ref())?;
        if sequence.is_empty() {
            return Err(DataError::line(path, line, format!("FASTA record {name:?} has no sequence")));
        }
        let description = match definition.description() {
            Some(description) => text_of(path, line, description.as_ref())?,
            None => "",
        };
        let letters = text_of(path, line, &sequence)?;
        let mut values = Vec::with_capacity(columns.len());
        for column in columns {
            values.push(match column {
                Column::Sequence(_) => letters,
                Column::Named("header") => name,
                Column::Named(column) => {
                    let key = column.strip_prefix("header:").unwrap_or(column);
                    word_of(name, description, key).ok_or_else(|| {
                        let message = format!("no word {key}=VALUE in the definition line of {name:?}");
                        DataError::line(path, line, message)
                    })?
                }
            });
        }
        if visit(Row { line, values: &values })?.is_break() {
            break;
        }
    }
    Ok(())
}

/// The reader's own complaints about a definition line; everything else is about the file.
fn is_definition_error(error: &std::io::Error) -> bool {
    matches!(error.to_string().as_str(), "missing name" | "missing prefix" | "invalid prefix" | "empty input")
}

/// The value of the word `key=VALUE`, words being separated by blanks or `|`.
fn word_of<'a>(name: &'a str, description: &'a str, key: &str) -> Option<&'a str> {
    name.split('|')
        .chain(description.split(|letter: char| letter == '|' || letter.is_whitespace()))
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

fn text_of<'a>(path: &Path, line: u64, bytes: &'a [u8]) -> Result<&'a str, DataError> {
    std::str::from_utf8(bytes).map_err(|_| DataError::line(path, line, "is not UTF-8 text"))
}
