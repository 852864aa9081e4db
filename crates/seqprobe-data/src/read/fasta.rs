//! Records of a FASTA file.

use super::columns::{Column, Row, Visit, text_of};
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
    for column in columns {
        if let Column::Named(name) = column
            && *name != "header"
            && !name.starts_with("header:")
        {
            let message = format!(
                "no column {name:?}: this is FASTA\n  hint: use \"header\" for the record name, \"header:{name}\" for \
                {name}=VALUE in the definition line, or a side table"
            );
            return Err(DataError::file(path, message));
        }
    }
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
        let mut values = Vec::with_capacity(columns.len());
        for column in columns {
            values.push(match column {
                Column::Sequence(_) => bases,
                Column::Named("header") => name,
                Column::Named(column) => {
                    let key = column.strip_prefix("header:").unwrap_or(column);
                    value_of(name, description, key).ok_or_else(|| {
                        let message = format!("the definition line of {name:?} has no {key}=VALUE");
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

/// The value of the field `key=VALUE`; fields are separated by blanks or `|`.
fn value_of<'a>(name: &'a str, description: &'a str, key: &str) -> Option<&'a str> {
    name.split('|')
        .chain(description.split(|letter: char| letter == '|' || letter.is_whitespace()))
        .find_map(|field| field.strip_prefix(key)?.strip_prefix('='))
}
