//! Parquet: a column of ids, and the vectors as one column of lists or as several columns with a common prefix
//! (`values = "emb_*"`, in file order).

use super::{
    DEFAULT_IDS, DEFAULT_VALUES, ImportError, ImportFormat, ImportedArrays, ImportedFile, choose, ids_name,
    wants_ids,
};
use half::f16;
use parquet::basic::Type as Physical;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{
    ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use seqprobe_files::contained;
use std::fs::File;

/// The format as errors name it.
const FORMAT_NAME: &str = "Parquet";

pub(super) const FORMAT: ImportFormat = ImportFormat {
    endings: &["parquet"],
    title: "list column `embeddings`, or float columns by prefix; id column `ids` or `example_id`",
    read,
};

fn read(file: &ImportedFile) -> Result<ImportedArrays, ImportError> {
    // The Parquet reader panics on some damaged files.
    contained(|| read_sound(file)).unwrap_or_else(|panic| Err(unreadable(ParquetError::General(panic))))
}

fn read_sound(file: &ImportedFile) -> Result<ImportedArrays, ImportError> {
    let input = File::open(&file.path).map_err(|error| ImportError::unreadable(FORMAT_NAME, &error))?;
    let reader = SerializedFileReader::new(input).map_err(unreadable)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let leaves = schema.columns();
    let mut names: Vec<String> = leaves.iter().map(|leaf| root(leaf).to_owned()).collect();
    names.dedup();
    let (name, columns) = match file.values.as_deref().and_then(|values| values.strip_suffix('*')) {
        Some(prefix) => {
            let ids = ids_name(file).unwrap_or_default();
            let chosen: Vec<usize> = (0..leaves.len())
                .filter(|&index| {
                    leaves.get(index).is_some_and(|leaf| {
                        let name = root(leaf);
                        name.starts_with(prefix)
                            && name != ids
                            && leaf.max_rep_level() == 0
                            && matches!(leaf.physical_type(), Physical::FLOAT | Physical::DOUBLE)
                    })
                })
                .collect();
            if chosen.is_empty() {
                return Err(ImportError::NoColumn { prefix: prefix.to_owned(), held: names });
            }
            (format!("{prefix}*"), chosen)
        }
        None => {
            let name = choose("values", file.values.as_deref(), &DEFAULT_VALUES, &names)?;
            let chosen: Vec<usize> = (0..leaves.len())
                .filter(|&index| leaves.get(index).is_some_and(|leaf| root(leaf) == name))
                .collect();
            (name.to_owned(), chosen)
        }
    };
    let mut parts = Vec::with_capacity(columns.len());
    for &column in &columns {
        parts.push(vectors(&reader, column)?);
    }
    let rows = parts.first().map_or(0, |part| part.0);
    let dim: usize = parts.iter().map(|part| part.1).sum();
    let values = match parts.as_mut_slice() {
        [one] => std::mem::take(&mut one.2),
        // Columns of single values are interleaved to rows.
        many => {
            (0..rows).flat_map(|row| many.iter().filter_map(move |part| part.2.get(row).copied())).collect()
        }
    };
    let ids = if wants_ids(file) {
        let name = choose("ids", ids_name(file), &DEFAULT_IDS, &names)?;
        let column =
            names_index(leaves, name).ok_or_else(|| ImportError::NestedIds { column: name.to_owned() })?;
        Some(id_column(&reader, column)?)
    } else {
        None
    };
    Ok(ImportedArrays { name, shape: vec![rows as u64, dim as u64], values, ids })
}

fn root(leaf: &ColumnDescriptor) -> &str {
    leaf.path().parts().first().map_or("", String::as_str)
}

fn names_index(leaves: &[std::sync::Arc<ColumnDescriptor>], name: &str) -> Option<usize> {
    leaves.iter().position(|leaf| root(leaf) == name && leaf.max_rep_level() == 0)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of a function for map_err")]
fn unreadable(error: ParquetError) -> ImportError {
    let reason = error.to_string();
    let hint = if reason.contains("isabled feature") {
        "\n  hint: write the file with compression = \"zstd\", \"snappy\", \"gzip\", \"lz4\" or none"
    } else {
        ""
    };
    ImportError::Unreadable { format: FORMAT_NAME, reason, hint }
}

/// Rows, values per row, and the values of one column of floats or lists of floats.
fn vectors(
    reader: &SerializedFileReader<File>,
    column: usize,
) -> Result<(usize, usize, Vec<f32>), ImportError> {
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let leaf = schema.column(column);
    match (leaf.physical_type(), leaf.type_length()) {
        (Physical::FLOAT, _) => read_column::<FloatType>(reader, column, &leaf, |&value| value),
        (Physical::DOUBLE, _) => read_column::<DoubleType>(reader, column, &leaf, |&value| value as f32),
        (Physical::FIXED_LEN_BYTE_ARRAY, 2) => {
            read_column::<FixedLenByteArrayType>(reader, column, &leaf, |value| {
                value.data().first_chunk::<2>().map_or(f32::NAN, |&two| f16::from_le_bytes(two).to_f32())
            })
        }
        (other, _) => Err(ImportError::Type {
            what: format!("column {:?}", root(&leaf)),
            found: other.to_string(),
            expected: "floats or lists of floats",
        }),
    }
}

fn read_column<T: DataType>(
    reader: &SerializedFileReader<File>,
    column: usize,
    leaf: &ColumnDescriptor,
    convert: impl Fn(&T::T) -> f32,
) -> Result<(usize, usize, Vec<f32>), ImportError> {
    let name = root(leaf);
    if leaf.max_rep_level() > 1 {
        return Err(ImportError::ListsOfLists { column: name.to_owned() });
    }
    let mut rows = 0;
    let mut dim = None;
    let mut values = Vec::new();
    for group in 0..reader.num_row_groups() {
        let (found, definition, repetition) = read_group::<T>(reader, group, column)?;
        if let Some(entry) = definition.iter().position(|&level| level != leaf.max_def_level()) {
            return Err(ImportError::MissingValue { column: name.to_owned(), entry, group });
        }
        values.extend(found.iter().map(&convert));
        let starts: Vec<usize> = if leaf.max_rep_level() == 0 {
            (0..found.len()).collect()
        } else {
            (0..repetition.len()).filter(|&at| repetition.get(at) == Some(&0)).collect()
        };
        let ends = starts.iter().skip(1).copied().chain([found.len()]);
        for (start, end) in starts.iter().zip(ends) {
            let width = end - start;
            if *dim.get_or_insert(width) != width {
                return Err(ImportError::Ragged {
                    column: name.to_owned(),
                    row: rows,
                    found: width,
                    expected: dim.unwrap_or(0),
                });
            }
            rows += 1;
        }
    }
    Ok((rows, dim.unwrap_or(0), values))
}

/// Values of the types that ids are stored in.
fn id_column(reader: &SerializedFileReader<File>, column: usize) -> Result<Vec<String>, ImportError> {
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let leaf = schema.column(column);
    let mut ids = Vec::new();
    for group in 0..reader.num_row_groups() {
        let before = ids.len();
        match leaf.physical_type() {
            Physical::BYTE_ARRAY => {
                for value in read_group::<ByteArrayType>(reader, group, column)?.0 {
                    let failed = |_| ImportError::IdText { row: ids.len(), expected: "UTF-8" };
                    let text = value.as_utf8().map_err(failed)?;
                    ids.push(text.to_owned());
                }
            }
            Physical::INT64 => {
                ids.extend(read_group::<Int64Type>(reader, group, column)?.0.iter().map(i64::to_string));
            }
            Physical::INT32 => {
                ids.extend(read_group::<Int32Type>(reader, group, column)?.0.iter().map(i32::to_string));
            }
            other => {
                return Err(ImportError::Type {
                    what: format!("column {:?}", root(&leaf)),
                    found: other.to_string(),
                    expected: "text or integers",
                });
            }
        }
        let expected = reader.metadata().row_group(group).num_rows();
        if (ids.len() - before) as i64 != expected {
            return Err(ImportError::MissingIds { column: root(&leaf).to_owned() });
        }
    }
    Ok(ids)
}

type Levels = Vec<i16>;

/// Values, definition and repetition levels of a column in one row group.
fn read_group<T: DataType>(
    reader: &SerializedFileReader<File>,
    group: usize,
    column: usize,
) -> Result<(Vec<T::T>, Levels, Levels), ImportError> {
    let group = reader.get_row_group(group).map_err(unreadable)?;
    let mut column = get_typed_column_reader::<T>(group.get_column_reader(column).map_err(unreadable)?);
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    let rows = usize::try_from(group.metadata().num_rows())
        .map_err(|error| ImportError::unreadable(FORMAT_NAME, &error))?;
    column
        .read_records(rows, Some(&mut definition), Some(&mut repetition), &mut values)
        .map_err(unreadable)?;
    Ok((values, definition, repetition))
}
