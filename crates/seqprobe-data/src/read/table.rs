//! Rows of a CSV or TSV file.

use super::columns::{Column, Row, Visit, text_of};
use super::delimiter::TableStart;
use super::limited_reader::{LimitedReader, MAX_COLUMNS, check_row_count, read_error};
use super::text::{strip_quotes, trim};
use crate::error::DataError;
use seqprobe_core::config::nearest;
use std::path::Path;

/// A CSV or TSV file whose header has been read.
pub(crate) struct Table<'a> {
    path: &'a Path,
    reader: csv::Reader<LimitedReader>,
    has_header: bool,
    /// Fields are separated by tabs: quotes are letters, except around a whole field.
    is_tsv: bool,
    /// Lines before the first one that the reader sees.
    n_skipped: u64,
    /// Names of the columns, in file order.
    pub(crate) names: Vec<String>,
    /// The first line, when it is data.
    first: Option<(u64, csv::ByteRecord)>,
}

impl<'a> Table<'a> {
    /// Reads the first line.
    pub(crate) fn new(
        path: &'a Path,
        reader: LimitedReader,
        start: &TableStart,
        has_header: bool,
    ) -> Result<Self, DataError> {
        // A line feed alone ends a record and the carriage return before it is cut off here: with the
        // reader's own handling of both, the line numbers of CRLF files would be wrong.
        let reader = csv::ReaderBuilder::new()
            .delimiter(start.delimiter)
            .quoting(start.delimiter != b'\t')
            .has_headers(false)
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(1 << 16)
            .from_reader(reader);
        let mut table = Self {
            path,
            reader,
            has_header,
            is_tsv: start.delimiter == b'\t',
            n_skipped: start.n_skipped,
            names: Vec::new(),
            first: None,
        };
        let mut record = csv::ByteRecord::new();
        let Some(line) = table.next(&mut record)? else {
            return Err(DataError::file(path, "is empty"));
        };
        if record.len() > MAX_COLUMNS {
            return Err(DataError::line(
                path,
                line,
                format!("the first line has more than {MAX_COLUMNS} fields"),
            ));
        }
        if has_header {
            table.names.extend(start.has_row_names.then(String::new));
            for (index, field) in record.iter().enumerate() {
                let name = table.value(text_of(path, line, field)?);
                let name =
                    if index == 0 && start.has_hash { trim(name.trim_start_matches('#')) } else { name };
                table.names.push(name.to_owned());
            }
        } else {
            table.names = (0..record.len()).map(|index| index.to_string()).collect();
            table.first = Some((line, record));
        }
        Ok(table)
    }

    /// The place of a column in a row.
    pub(crate) fn index_of(&self, column: Column<'_>) -> Result<usize, DataError> {
        let (Column::Sequence(name) | Column::Named(name)) = column;
        let mut found = self.names.iter().enumerate().filter(|(_, known)| *known == name);
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(index),
            (Some(_), Some(_)) => Err(DataError::line(
                self.path,
                self.n_skipped + 1,
                format!("column {name:?} occurs more than once in the header"),
            )),
            (None, _) => Err(self.no_column(name)),
        }
    }

    fn no_column(&self, name: &str) -> DataError {
        if !self.has_header {
            let message = format!(
                "no column {name:?}\n  hint: without a header, columns are the numbers 0 to {}",
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

    /// Gives the columns at some places of each row to `visit`.
    pub(crate) fn read(mut self, indices: &[usize], visit: Visit<'_>) -> Result<(), DataError> {
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
            self.check_quotes(line, &record)?;
            if record.len() != expected {
                let hint = if self.is_tsv || !record.as_slice().contains(&b'\n') {
                    ""
                } else {
                    "\n  hint: the record goes over several lines; perhaps a double quote is not closed"
                };
                let message =
                    format!("expected {expected} fields, as in the first line, got {}{hint}", record.len());
                return Err(DataError::line(self.path, line, message));
            }
            let values = indices
                .iter()
                .map(|&index| {
                    text_of(self.path, line, record.get(index).unwrap_or_default())
                        .map(|text| self.value(text))
                })
                .collect::<Result<Vec<_>, _>>()?;
            if visit(Row { line, values: &values })?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// A field without blanks around it and, in TSV, without the quotes that some programs write there too.
    fn value<'b>(&self, text: &'b str) -> &'b str {
        let text = trim(text);
        if self.is_tsv { trim(strip_quotes(text)) } else { text }
    }

    /// At the end of the file, an odd number of quotes means that the last record has an unclosed one.
    fn check_quotes(&self, line: u64, record: &csv::ByteRecord) -> Result<(), DataError> {
        let spans_lines = record.as_slice().contains(&b'\n');
        if !self.is_tsv && spans_lines && self.reader.is_done() && self.reader.get_ref().quotes() % 2 == 1 {
            let message = "a double quote that opens in the record of this line is not closed\n  hint: close it, or \
                           write a quote inside a quoted field twice";
            return Err(DataError::line(self.path, line, message));
        }
        Ok(())
    }

    /// Reads the next record that is not a blank line; gives the line at which it starts.
    fn next(&mut self, record: &mut csv::ByteRecord) -> Result<Option<u64>, DataError> {
        loop {
            self.reader.get_mut().start_record();
            let first_line = self.n_skipped + self.reader.position().line();
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
            let next_line = self.n_skipped + self.reader.position().line();
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
