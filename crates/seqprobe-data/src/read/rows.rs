//! Rows of a CSV, TSV or FASTA file, as the texts of the columns asked for, with their line.
//!
//! It knows columns, not what they mean.

use super::columns::{Column, Layout, Visit};
use super::fasta::read_fasta;
use super::input::open;
use super::table::Table;
use crate::card::Format;
use crate::error::DataError;
use std::path::Path;

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
