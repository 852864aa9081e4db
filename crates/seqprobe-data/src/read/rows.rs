//! Rows of a CSV, TSV or FASTA file, as the texts of the columns asked for, with their line.
//!
//! It knows columns, not what they mean.

use super::columns::{Column, Layout, Visit};
use super::data_file::DataFile;
use super::fasta::read_fasta;
use super::input::{Opened, open};
use super::table::Table;
use crate::card::Format;
use crate::error::DataError;

/// Gives the columns asked for of each row, in file order, to `visit`.
pub(crate) fn read_rows(
    file: &DataFile,
    layout: Layout,
    columns: &[Column<'_>],
    visit: Visit<'_>,
) -> Result<Format, DataError> {
    let opened = open(file, layout)?;
    let format = opened.format();
    match opened {
        Opened::Fasta(reader) => read_fasta(file.path(), reader, columns, visit)?,
        Opened::Table(reader, start) => {
            let table = Table::new(file.path(), reader, &start, layout.has_header)?;
            let indices =
                columns.iter().map(|column| table.index_of(*column)).collect::<Result<Vec<_>, _>>()?;
            table.read(&indices, visit)?;
        }
    }
    file.check_unchanged()?;
    Ok(format)
}

/// The columns of a CSV or TSV file, `None` for FASTA.
pub(crate) fn column_names(file: &DataFile, layout: Layout) -> Result<Option<Vec<String>>, DataError> {
    match open(file, layout)? {
        Opened::Fasta(_) => Ok(None),
        Opened::Table(reader, start) => {
            Ok(Some(Table::new(file.path(), reader, &start, layout.has_header)?.names))
        }
    }
}
