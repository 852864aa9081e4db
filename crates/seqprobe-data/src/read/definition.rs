//! Columns of formats whose records have a name, a description and a sequence.

use super::columns::Column;
use crate::error::DataError;
use std::path::Path;

/// Refuses columns that records do not have.
pub(crate) fn check_columns(path: &Path, format: &str, columns: &[Column<'_>]) -> Result<(), DataError> {
    for column in columns {
        if let Column::Named(name) = column
            && !is_of_header(name)
        {
            let message = format!(
                "no column {name:?}: this is {format}\n  hint: use \"header\" for the record name, \"header:{name}\" \
                for {name}=VALUE in the definition line, \"header|last\" for its last part between |, or a side table"
            );
            return Err(DataError::file(path, message));
        }
    }
    Ok(())
}

/// The text of a column of one record.
pub(crate) fn column_of<'a>(
    path: &Path,
    line: u64,
    column: Column<'_>,
    name: &'a str,
    description: &'a str,
    bases: &'a str,
) -> Result<&'a str, DataError> {
    match column {
        Column::Sequence(_) => Ok(bases),
        Column::Named("header") => Ok(name),
        Column::Named(column) if column.starts_with("header|") => part_of(name, description, column)
            .ok_or_else(|| {
                let message = format!("the definition line of {name:?} has no part {column:?}");
                DataError::line(path, line, message)
            }),
        Column::Named(column) => {
            let key = column.strip_prefix("header:").unwrap_or(column);
            value_of(name, description, key).ok_or_else(|| {
                let message = format!("the definition line of {name:?} has no {key}=VALUE");
                DataError::line(path, line, message)
            })
        }
    }
}

/// True for a column that comes from a definition line.
pub(crate) fn is_of_header(column: &str) -> bool {
    column == "header" || column.starts_with("header:") || column.starts_with("header|")
}

/// A part of the definition line, whose parts are separated by `|`: `header|N` counts from 0, `header|last` is the last of
/// at least two.
fn part_of<'a>(name: &'a str, description: &'a str, column: &str) -> Option<&'a str> {
    let mut parts = name.split('|').collect::<Vec<_>>();
    // The name ends at the first blank, where a part goes on.
    if !description.is_empty() {
        parts.extend(description.split('|').skip(1));
    }
    match column.strip_prefix("header|")? {
        "last" => parts.last().copied().filter(|_| parts.len() > 1),
        number => parts.get(number.parse::<usize>().ok()?).copied(),
    }
}

/// The value of the field `key=VALUE`; fields are separated by blanks or `|`.
fn value_of<'a>(name: &'a str, description: &'a str, key: &str) -> Option<&'a str> {
    name.split('|')
        .chain(description.split(|letter: char| letter == '|' || letter.is_whitespace()))
        .find_map(|field| field.strip_prefix(key)?.strip_prefix('='))
}
