//! Rows of a data file of any format, as the texts of the columns asked for, with their line.
//!
//! It knows columns, not what they mean.

use super::columns::{Column, Layout, Visit};
use super::data_file::DataFile;
use super::fasta::read_fasta;
use super::fastq::read_fastq;
use super::genbank::read_genbank;
use super::hdf5::Hdf5Rows;
use super::input::{Opened, open};
use super::json_lines::{self, read_json_lines};
use super::parquet::ParquetRows;
use super::table::Table;
use crate::card::Format;
use crate::error::DataError;
use seqprobe_files::FileKind;

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
        Opened::Fastq(reader) => read_fastq(file.path(), reader, columns, visit)?,
        Opened::Genbank(reader) => read_genbank(file.path(), reader, columns, visit)?,
        Opened::Jsonl(reader) => read_json_lines(file.path(), reader, columns, visit)?,
        Opened::Parquet => ParquetRows::new(file)?.read(columns, visit)?,
        Opened::Hdf5 => Hdf5Rows::new(file)?.read(columns, visit)?,
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

/// The columns of a file; `None` for formats of records with a name and a sequence, as FASTA.
pub(crate) fn column_names(file: &DataFile, layout: Layout) -> Result<Option<Vec<String>>, DataError> {
    Ok(match open(file, layout)? {
        Opened::Fasta(_) | Opened::Fastq(_) | Opened::Genbank(_) => None,
        Opened::Table(reader, start) => {
            Some(Table::new(file.path(), reader, &start, layout.has_header)?.names)
        }
        Opened::Jsonl(reader) => Some(json_lines::names(file.path(), reader)?),
        Opened::Parquet => Some(ParquetRows::new(file)?.names()),
        Opened::Hdf5 => Some(Hdf5Rows::new(file)?.names()?),
    })
}

/// The columns that may be sequences, for formats that say so.
pub(crate) fn sequence_names(file: &DataFile) -> Result<Option<Vec<String>>, DataError> {
    match file.kind() {
        FileKind::Hdf5 => Hdf5Rows::new(file)?.sequence_names().map(Some),
        _ => Ok(None),
    }
}

/// The classes of a column in the order of their numbers, for files that name them.
pub(crate) fn class_names(file: &DataFile, column: &str) -> Result<Option<Vec<String>>, DataError> {
    match file.kind() {
        FileKind::Parquet => Ok(ParquetRows::new(file)?.class_names(column)),
        _ => Ok(None),
    }
}
