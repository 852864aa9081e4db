//! Rows of a Parquet file, page by page: memory does not grow with the file.
//!
//! Strings, whole numbers, floats, decimals and truth values are read; nulls are missing. Lists, structs, maps, dates
//! and times are not. Class names that the Hugging Face `datasets` library writes into the metadata replace the
//! numbers of their column.

mod column;
mod features;

use super::columns::{Column, Row, Visit, no_column};
use super::data_file::DataFile;
use super::limited_reader::check_row_count;
use crate::error::DataError;
use bytes::Bytes;
use column::ColumnTexts;
use parquet::basic::{Compression, Repetition};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::schema::types::{SchemaDescriptor, Type};
use seqprobe_files::{InputFile, InputReader, contained};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Rows that are decoded at a time.
const BATCH: usize = 1024;

/// A Parquet file whose metadata has been read.
pub(crate) struct ParquetRows<'a> {
    path: &'a Path,
    reader: SerializedFileReader<Parts>,
}

impl<'a> ParquetRows<'a> {
    pub(crate) fn new(file: &'a DataFile) -> Result<Self, DataError> {
        let path = file.path();
        let reader = sound(|| SerializedFileReader::new(Parts(file.content().clone())))
            .map_err(|error| damaged(path, &error))?;
        Ok(Self { path, reader })
    }

    fn schema(&self) -> &SchemaDescriptor {
        self.reader.metadata().file_metadata().schema_descr()
    }

    /// The columns that can be read, in file order.
    pub(crate) fn names(&self) -> Vec<String> {
        let fields = self.schema().root_schema().get_fields();
        fields.iter().filter(|field| is_flat(field)).map(|field| field.name().to_owned()).collect()
    }

    /// The names of the classes of a column, by number, if the file has them.
    pub(crate) fn class_names(&self, column: &str) -> Option<Vec<String>> {
        let metadata = self.reader.metadata().file_metadata().key_value_metadata()?;
        let text = metadata.iter().find(|pair| pair.key == "huggingface")?.value.as_deref()?;
        features::class_names(text, column)
    }

    /// The leaf of a column.
    fn index_of(&self, column: Column<'_>) -> Result<usize, DataError> {
        let (Column::Sequence(name) | Column::Named(name)) = column;
        let fields = self.schema().root_schema().get_fields();
        let mut found = fields.iter().filter(|field| field.name() == name);
        let Some(field) = found.next() else {
            return Err(no_column(self.path, name, &self.names()));
        };
        if found.next().is_some() {
            return Err(DataError::file(self.path, format!("column {name:?} occurs more than once")));
        }
        if !is_flat(field) {
            let message = format!(
                "column {name:?} has lists, structs or maps; only columns with one value per row are read\n  hint: \
                write each element into a column of its own"
            );
            return Err(DataError::file(self.path, message));
        }
        let leaf = self.schema().columns().iter().position(|leaf| leaf.path().parts() == [name.to_owned()]);
        leaf.ok_or_else(|| no_column(self.path, name, &self.names()))
    }

    /// Gives the columns asked for of each row, in file order, to `visit`. The line is the row, from 1.
    pub(crate) fn read(self, columns: &[Column<'_>], visit: Visit<'_>) -> Result<(), DataError> {
        let leaves = columns.iter().map(|column| self.index_of(*column)).collect::<Result<Vec<_>, _>>()?;
        let mut row = 0;
        for group in 0..self.reader.num_row_groups() {
            let metadata = self.reader.metadata().row_group(group);
            self.check_chunks(metadata, &leaves)?;
            let error = |error: &ParquetError| damaged(self.path, error);
            let reader = sound(|| self.reader.get_row_group(group)).map_err(|problem| error(&problem))?;
            let mut texts = Vec::with_capacity(leaves.len());
            for (&leaf, column) in leaves.iter().zip(columns) {
                let (Column::Sequence(name) | Column::Named(name)) = column;
                let values = sound(|| reader.get_column_reader(leaf)).map_err(|problem| error(&problem))?;
                let leaf = self.schema().column(leaf);
                texts.push(ColumnTexts::new(self.path, name, &leaf, values, self.class_names(name))?);
            }
            let n_rows = usize::try_from(metadata.num_rows())
                .map_err(|_| DataError::file(self.path, "is damaged: a row group has a negative size"))?;
            let mut left = n_rows;
            while left > 0 {
                let batch = left.min(BATCH);
                for column in &mut texts {
                    column.read(batch, row + 1)?;
                }
                for at in 0..batch {
                    row += 1;
                    check_row_count(self.path, row, row)?;
                    let values =
                        texts.iter().map(|column| column.text(at, row)).collect::<Result<Vec<_>, _>>()?;
                    if visit(Row { line: row, values: &values })?.is_break() {
                        return Ok(());
                    }
                }
                left -= batch;
            }
            for column in &mut texts {
                column.check_end()?;
            }
        }
        let stated = self.reader.metadata().file_metadata().num_rows();
        if i64::try_from(row) != Ok(stated) {
            let message = format!("is damaged: its row groups have {row} rows, its footer says {stated}");
            return Err(DataError::file(self.path, message));
        }
        Ok(())
    }

    fn check_chunks(&self, group: &RowGroupMetaData, leaves: &[usize]) -> Result<(), DataError> {
        for &leaf in leaves {
            // The Parquet reader panics at negative places.
            let is_placed = group.columns().get(leaf).is_some_and(|column| {
                column.compressed_size() >= 0
                    && column.data_page_offset() >= 0
                    && column.dictionary_page_offset().is_none_or(|at| at >= 0)
            });
            if !is_placed {
                let message = "is damaged: a column has a negative place\n  hint: copy or download it again";
                return Err(DataError::file(self.path, message));
            }
            let codec = match group.columns().get(leaf).map(|column| column.compression()) {
                Some(Compression::BROTLI(_)) => "Brotli",
                Some(Compression::LZO) => "LZO",
                _ => continue,
            };
            let message = format!(
                "is compressed with {codec}, which is not read\n  hint: write it with Snappy, Zstandard, gzip or LZ4"
            );
            return Err(DataError::file(self.path, message));
        }
        Ok(())
    }
}

/// A call of the Parquet reader, which panics on some damaged files.
fn sound<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    contained(call).unwrap_or_else(|panic| Err(ParquetError::General(panic)))
}

/// True for a column with at most one value per row.
fn is_flat(field: &Type) -> bool {
    let info = field.get_basic_info();
    field.is_primitive() && (!info.has_repetition() || info.repetition() != Repetition::REPEATED)
}

fn damaged(path: &Path, error: &ParquetError) -> DataError {
    let message = format!(
        "cannot be read as Parquet: {error}\n  hint: it may be cut or damaged; copy or download it again"
    );
    DataError::file(path, message)
}

/// The file as the Parquet reader asks for it.
struct Parts(InputFile);

impl Length for Parts {
    fn len(&self) -> u64 {
        self.0.n_bytes()
    }
}

impl ChunkReader for Parts {
    type T = BufReader<InputReader>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut reader = self.0.reader();
        reader.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(reader))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.0.n_bytes()) {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at {start} are behind the end of the file"
            )));
        }
        let mut reader = self.0.reader();
        reader.seek(SeekFrom::Start(start))?;
        let mut bytes = vec![0; length];
        reader.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}
