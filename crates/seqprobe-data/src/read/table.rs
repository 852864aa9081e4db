//! Rows of a CSV or TSV file.

use super::columns::{Column, Row, Visit, no_column, text_of};
use super::limited_reader::{LimitedReader, check_row_count};
use super::records::{Record, Records};
use super::table_start::TableStart;
use super::text::{strip_quotes, trim};
use crate::error::DataError;
use std::path::Path;

/// A CSV or TSV file whose header has been read.
pub(crate) struct Table<'a> {
    path: &'a Path,
    records: Records<'a>,
    has_header: bool,
    /// Fields are separated by tabs: quotes are letters, except around a whole field.
    is_tsv: bool,
    /// The line of the header or of the first row.
    first_line: u64,
    /// Names of the columns, in file order.
    pub(crate) names: Vec<String>,
    /// The first line, when it is data.
    first: Option<Record>,
}

impl<'a> Table<'a> {
    /// Reads the first line.
    pub(crate) fn new(
        path: &'a Path,
        reader: LimitedReader,
        start: &TableStart,
        has_header: bool,
    ) -> Result<Self, DataError> {
        let mut table = Self {
            path,
            records: Records::new(path, reader, start.delimiter),
            has_header,
            is_tsv: start.delimiter == b'\t',
            first_line: 1,
            names: Vec::new(),
            first: None,
        };
        let mut record = Record::default();
        if !table.records.next(&mut record)? {
            return Err(DataError::file(path, "is empty"));
        }
        table.first_line = record.line;
        if has_header {
            table.names.extend(start.has_row_names.then(String::new));
            for index in 0..record.len() {
                let name = table.value(text_of(path, record.line, record.get(index))?);
                let name =
                    if index == 0 && start.has_hash { trim(name.trim_start_matches('#')) } else { name };
                table.names.push(name.to_owned());
            }
        } else {
            table.names = (0..record.len()).map(|index| index.to_string()).collect();
            table.first = Some(record);
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
                self.first_line,
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
        no_column(self.path, name, &self.names)
    }

    /// Gives the columns at some places of each row to `visit`.
    pub(crate) fn read(mut self, indices: &[usize], visit: Visit<'_>) -> Result<(), DataError> {
        let expected = self.names.len();
        let mut record = Record::default();
        for n_rows in 1.. {
            match self.first.take() {
                Some(first) => record = first,
                None if self.records.next(&mut record)? => {}
                None => return Ok(()),
            }
            let line = record.line;
            check_row_count(self.path, line, n_rows)?;
            if record.len() != expected {
                let message =
                    format!("expected {expected} fields, as in the first line, got {}", record.len());
                return Err(DataError::line(self.path, line, message));
            }
            let values = indices
                .iter()
                .map(|&index| text_of(self.path, line, record.get(index)).map(|text| self.value(text)))
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
}
