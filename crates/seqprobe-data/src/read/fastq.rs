//! Records of a FASTQ file: names and sequences. Qualities are checked for their length and left out.

use super::columns::{Column, Row, Visit, text_of};
use super::definition::{check_columns, column_of};
use super::limited_reader::{LimitedReader, check_row_count};
use super::text_lines::TextLines;
use crate::error::DataError;
use std::path::Path;

/// Gives the columns asked for of each record, in file order, to `visit`. Sequences may have several lines.
pub(crate) fn read_fastq(
    path: &Path,
    reader: LimitedReader,
    columns: &[Column<'_>],
    visit: Visit<'_>,
) -> Result<(), DataError> {
    check_columns(path, "FASTQ", columns)?;
    let mut lines = TextLines::new(path, reader);
    let (mut header, mut sequence) = (Vec::new(), Vec::new());
    for n_rows in 1.. {
        // Blank lines between records.
        while lines.peek()?.is_some_and(|line| line.trim_ascii().is_empty()) {
            lines.take()?;
        }
        let line = lines.number() + 1;
        let Some(start) = lines.take()? else { return Ok(()) };
        let Some(definition) = start.strip_prefix(b"@") else {
            return Err(DataError::line(path, line, "a FASTQ record starts with \"@\""));
        };
        header.clear();
        header.extend_from_slice(definition);
        lines.start_record();
        check_row_count(path, line, n_rows)?;
        sequence.clear();
        let is_whole = loop {
            match lines.take()? {
                None => break false,
                Some([b'+', repeated @ ..]) => {
                    if !repeated.is_empty() && *repeated != *header {
                        let at = lines.number();
                        return Err(DataError::line(
                            path,
                            at,
                            "the line \"+\" has another name than its record",
                        ));
                    }
                    break true;
                }
                Some(part) => sequence.extend_from_slice(part.trim_ascii()),
            }
        };
        let (name, description) = split_header(text_of(path, line, &header)?);
        if name.is_empty() {
            return Err(DataError::line(path, line, "a FASTQ record without a name"));
        }
        if !is_whole {
            let message =
                format!("FASTQ record {name:?} has no line \"+\": the file is cut, or it is not FASTQ");
            return Err(DataError::line(path, line, message));
        }
        if sequence.is_empty() {
            return Err(DataError::line(path, line, format!("FASTQ record {name:?} has no sequence")));
        }
        // A quality may begin with "@": only its length says where it ends.
        let mut n_qualities = 0;
        while n_qualities < sequence.len() {
            let Some(part) = lines.take()? else { break };
            n_qualities += part.len();
        }
        if n_qualities != sequence.len() {
            let message = format!(
                "FASTQ record {name:?} has {} bases and {n_qualities} qualities: the file is cut or damaged",
                sequence.len()
            );
            return Err(DataError::line(path, line, message));
        }
        let bases = text_of(path, line, &sequence)?;
        let values = columns
            .iter()
            .map(|column| column_of(path, line, *column, name, description, bases))
            .collect::<Result<Vec<_>, _>>()?;
        if visit(Row { line, values: &values })?.is_break() {
            break;
        }
    }
    Ok(())
}

/// The name up to the first blank, and the rest.
fn split_header(header: &str) -> (&str, &str) {
    header.split_once(char::is_whitespace).unwrap_or((header, ""))
}
