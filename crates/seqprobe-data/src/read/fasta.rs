//! Records of a FASTA file.

use super::columns::{Column, Row, Visit, text_of};
use super::definition::{check_columns, column_of};
use super::limited_reader::{LimitedReader, MAX_FASTA_RECORD, MAX_RECORD, check_row_count, read_error};
use crate::error::DataError;
use noodles_fasta::record::Definition;
use std::path::Path;

/// Gives the columns asked for of each record, in file order, to `visit`.
pub(crate) fn read_fasta(
    path: &Path,
    reader: LimitedReader,
    columns: &[Column<'_>],
    visit: Visit<'_>,
) -> Result<(), DataError> {
    check_columns(path, "FASTA", columns)?;
    let mut reader = noodles_fasta::io::Reader::new(reader);
    let mut sequence = Vec::new();
    // A file whose format is guessed as FASTA starts with `>`; one whose format is stated is checked here.
    let first_line = reader.get_ref().lines_read() + 1;
    reader.read_sequence(&mut sequence).map_err(|source| read_error(path, first_line, source))?;
    if !sequence.is_empty() {
        return Err(DataError::line(path, first_line, "a FASTA file starts with \">\""));
    }
    for n_rows in 1.. {
        reader.get_mut().start_record();
        reader.get_mut().set_max_record(MAX_RECORD);
        let line = reader.get_ref().lines_read() + 1;
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
        reader.get_mut().set_max_record(MAX_FASTA_RECORD);
        reader.read_sequence(&mut sequence).map_err(|source| read_error(path, line, source))?;
        let name = text_of(path, line, definition.name().as_ref())?;
        if sequence.is_empty() {
            return Err(DataError::line(path, line, format!("FASTA record {name:?} has no sequence")));
        }
        let description = match definition.description() {
            Some(description) => text_of(path, line, description.as_ref())?,
            None => "",
        };
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

/// The reader's own complaints about a definition line; everything else is about the file.
fn is_definition_error(error: &std::io::Error) -> bool {
    matches!(error.to_string().as_str(), "missing name" | "missing prefix" | "invalid prefix" | "empty input")
}
