//! The Parquet form of [`CellPredictions`]. There is one row group per split. Identifiers, splits, targets, outputs and
//! true values are dictionary-encoded, so that repeating them for every seed takes almost no space.
//!
//! The file's metadata has the shape under [`LAYOUT_KEY`], for reading back; other readers need only the columns.

use crate::record::CellId;
use crate::run_folder::predictions::{CellPredictions, OutputName, SeedPredictions, SplitPredictions};
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};
use seqprobe_files::contained;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

/// The columns, in file order.
pub(crate) const COLUMNS: [&str; 8] =
    ["example_id", "split", "target", "output", "truth", "prediction", "seed", "cluster"];

/// Metadata key of the shape.
const LAYOUT_KEY: &str = "seqprobe.layout";

/// Rows that are encoded at a time.
const BATCH: usize = 8192;

#[derive(Serialize, Deserialize)]
struct Layout {
    cell: CellId,
    outputs: Vec<OutputName>,
    splits: Vec<SplitLayout>,
}

#[derive(Serialize, Deserialize)]
struct SplitLayout {
    split: String,
    examples: usize,
    seeds: Vec<u64>,
}

/// What is wrong with the shape or the values of predictions, if anything.
pub(crate) fn problem(predictions: &CellPredictions) -> Option<String> {
    let n_outputs = predictions.outputs.len();
    for split in &predictions.splits {
        let name = &split.split;
        let n_values = split.example_ids.len() * n_outputs;
        if split.truth.len() != n_values {
            let got = split.truth.len();
            return Some(format!("split {name:?} has {got} true values, expected {n_values}"));
        }
        if let Some(clusters) = &split.clusters
            && clusters.len() != split.example_ids.len()
        {
            let (got, expected) = (clusters.len(), split.example_ids.len());
            return Some(format!("split {name:?} has {got} clusters, expected {expected}"));
        }
        if split.truth.iter().flatten().any(|value| !value.is_finite()) {
            return Some(format!("split {name:?} has a true value that is not finite"));
        }
        for SeedPredictions { seed, values } in &split.seeds {
            if values.len() != n_values {
                let got = values.len();
                return Some(format!(
                    "split {name:?}, seed {seed} has {got} predictions, expected {n_values}"
                ));
            }
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                let example = split.example_ids.get(at / n_outputs.max(1)).map_or("?", String::as_str);
                return Some(format!(
                    "split {name:?}, seed {seed}, example {example:?} has a prediction that is not finite"
                ));
            }
        }
    }
    None
}

/// Writes predictions whose shape has been checked.
pub(crate) fn write<W: Write + Send>(writer: W, predictions: &CellPredictions) -> Result<W> {
    let mut file = SerializedFileWriter::new(writer, schema()?, Arc::new(properties(predictions)?))?;
    for split in &predictions.splits {
        write_split(file.next_row_group()?, &predictions.outputs, split)?;
    }
    file.into_inner()
}

/// Reads what [`write`] wrote.
pub(crate) fn read(file: File) -> Result<CellPredictions> {
    // The Parquet reader panics on some damaged files.
    contained(|| read_sound(file)).unwrap_or_else(|panic| Err(ParquetError::General(panic)))
}

fn read_sound(file: File) -> Result<CellPredictions> {
    let reader = SerializedFileReader::new(file)?;
    let layout = layout(&reader)?;
    if reader.num_row_groups() != layout.splits.len() {
        return Err(unexpected("the number of row groups is not the number of splits"));
    }
    let mut splits = Vec::with_capacity(layout.splits.len());
    for (index, split) in layout.splits.into_iter().enumerate() {
        splits.push(read_split(reader.get_row_group(index)?.as_ref(), layout.outputs.len(), split)?);
    }
    Ok(CellPredictions { cell: layout.cell, outputs: layout.outputs, splits })
}

fn schema() -> Result<Arc<Type>> {
    let mut fields = Vec::with_capacity(COLUMNS.len());
    for name in COLUMNS {
        let (physical, logical, repetition) = match name {
            "truth" => (PhysicalType::DOUBLE, None, Repetition::OPTIONAL),
            "cluster" => (PhysicalType::INT64, None, Repetition::OPTIONAL),
            "prediction" => (PhysicalType::DOUBLE, None, Repetition::REQUIRED),
            "seed" => (PhysicalType::INT64, Some(LogicalType::integer(64, false)), Repetition::REQUIRED),
            _ => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED),
        };
        let builder = Type::primitive_type_builder(name, physical);
        fields.push(Arc::new(builder.with_logical_type(logical).with_repetition(repetition).build()?));
    }
    Ok(Arc::new(Type::group_type_builder("predictions").with_fields(fields).build()?))
}

fn properties(predictions: &CellPredictions) -> Result<WriterProperties> {
    let layout = Layout {
        cell: predictions.cell.clone(),
        outputs: predictions.outputs.clone(),
        splits: predictions
            .splits
            .iter()
            .map(|split| SplitLayout {
                split: split.split.clone(),
                examples: split.example_ids.len(),
                seeds: split.seeds.iter().map(|seed| seed.seed).collect(),
            })
            .collect(),
    };
    let layout = serde_json::to_string(&layout).map_err(|error| ParquetError::External(Box::new(error)))?;
    Ok(WriterProperties::builder()
        .set_created_by(format!("seqprobe {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(true)
        .set_column_dictionary_enabled(ColumnPath::from("prediction"), false)
        .set_key_value_metadata(Some(vec![KeyValue::new(LAYOUT_KEY.to_owned(), layout)]))
        .build())
}

fn write_split<W: Write + Send>(
    mut group: SerializedRowGroupWriter<'_, W>,
    outputs: &[OutputName],
    split: &SplitPredictions,
) -> Result<()> {
    let text = |value: &str| ByteArray::from(value.as_bytes().to_vec());
    let ids: Vec<ByteArray> = split.example_ids.iter().map(|id| text(id)).collect();
    let targets: Vec<ByteArray> = outputs.iter().map(|name| text(&name.target)).collect();
    let names: Vec<ByteArray> = outputs.iter().map(|name| text(&name.output)).collect();
    let split_name = [text(&split.split)];
    for column in COLUMNS {
        let mut writer = group.next_column()?.ok_or_else(|| unexpected("a column is missing"))?;
        for SeedPredictions { seed, values } in &split.seeds {
            // A few thousand rows at a time, always whole examples.
            let n_examples = (BATCH / outputs.len().max(1)).max(1);
            let mut start = 0;
            for ids in ids.chunks(n_examples) {
                let end = start + ids.len() * outputs.len();
                match column {
                    "example_id" => {
                        let rows = ids.iter().flat_map(|id| std::iter::repeat_n(id.clone(), outputs.len()));
                        write_required::<ByteArrayType>(&mut writer, rows)?;
                    }
                    "split" => {
                        write_required::<ByteArrayType>(&mut writer, repeat(&split_name, end - start))?;
                    }
                    "target" => write_required::<ByteArrayType>(&mut writer, repeat(&targets, end - start))?,
                    "output" => write_required::<ByteArrayType>(&mut writer, repeat(&names, end - start))?,
                    "truth" => {
                        let truth = split.truth.get(start..end).unwrap_or_default();
                        let levels: Vec<i16> = truth.iter().map(|value| i16::from(value.is_some())).collect();
                        let known: Vec<f64> = truth.iter().flatten().copied().collect();
                        writer.typed::<DoubleType>().write_batch(&known, Some(&levels), None)?;
                    }
                    "prediction" => {
                        let values = values.get(start..end).unwrap_or_default();
                        writer.typed::<DoubleType>().write_batch(values, None, None)?;
                    }
                    "seed" => write_required::<Int64Type>(
                        &mut writer,
                        std::iter::repeat_n(seed.cast_signed(), end - start),
                    )?,
                    _ => {
                        let rows = start / outputs.len().max(1)..end / outputs.len().max(1);
                        let known = split.clusters.as_ref().and_then(|clusters| clusters.get(rows));
                        let known = known.unwrap_or_default().iter().map(|&cluster| i64::from(cluster));
                        let known: Vec<i64> =
                            known.flat_map(|cluster| std::iter::repeat_n(cluster, outputs.len())).collect();
                        let levels = vec![i16::from(split.clusters.is_some()); end - start];
                        writer.typed::<Int64Type>().write_batch(&known, Some(&levels), None)?;
                    }
                }
                start = end;
            }
        }
        writer.close()?;
    }
    group.close()?;
    Ok(())
}

fn write_required<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = T::T>,
) -> Result<()> {
    let values: Vec<T::T> = values.collect();
    writer.typed::<T>().write_batch(&values, None, None)?;
    Ok(())
}

fn repeat(values: &[ByteArray], n: usize) -> impl Iterator<Item = ByteArray> {
    values.iter().cloned().cycle().take(n)
}

fn layout(reader: &SerializedFileReader<File>) -> Result<Layout> {
    let metadata = reader.metadata().file_metadata();
    let columns: Vec<&str> = metadata.schema_descr().columns().iter().map(|column| column.name()).collect();
    if columns != COLUMNS {
        return Err(unexpected(&format!(
            "the columns are {}, expected {}",
            columns.join(","),
            COLUMNS.join(",")
        )));
    }
    metadata
        .key_value_metadata()
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == LAYOUT_KEY))
        .and_then(|pair| pair.value.as_deref())
        .ok_or_else(|| unexpected("no layout in the metadata: not written by seqprobe"))
        .and_then(|text| {
            serde_json::from_str(text)
                .map_err(|error| unexpected(&format!("the layout cannot be read: {error}")))
        })
}

fn read_split(group: &dyn RowGroupReader, n_outputs: usize, layout: SplitLayout) -> Result<SplitPredictions> {
    let n_values = layout.examples.checked_mul(n_outputs);
    let n_rows = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
    if n_values.and_then(|n_values| n_values.checked_mul(layout.seeds.len())) != Some(n_rows) {
        return Err(unexpected(&format!(
            "split {:?} has {n_rows} rows, its layout has another number",
            layout.split
        )));
    }
    // Identifiers and true values are the same for every seed: the first seed's are enough.
    let n_values = if layout.seeds.is_empty() { 0 } else { n_values.unwrap_or_default() };
    let (ids, _) = read_column::<ByteArrayType>(group, 0, n_values)?;
    let ids: Result<Vec<String>> =
        ids.iter().step_by(n_outputs.max(1)).map(|id| Ok(id.as_utf8()?.to_owned())).collect();
    let (known, levels) = read_column::<DoubleType>(group, 4, n_values)?;
    let mut known = known.into_iter();
    let truth: Arc<[Option<f64>]> =
        levels.iter().map(|level| if *level == 1 { known.next() } else { None }).collect();
    let (clusters, levels) = read_column::<Int64Type>(group, 7, n_values)?;
    let clusters = if levels.contains(&1) {
        let of_examples = clusters.iter().step_by(n_outputs.max(1));
        let numbers: Option<Vec<u32>> = of_examples.map(|cluster| u32::try_from(*cluster).ok()).collect();
        Some(numbers.ok_or_else(|| unexpected("a cluster is not a number from 0 to 2^32 - 1"))?.into())
    } else {
        None
    };
    let (values, _) = read_column::<DoubleType>(group, 5, n_rows)?;
    let mut values = values.into_iter();
    let seeds = layout
        .seeds
        .iter()
        .map(|seed| SeedPredictions { seed: *seed, values: values.by_ref().take(n_values).collect() })
        .collect();
    Ok(SplitPredictions { split: layout.split, example_ids: ids?.into(), truth, seeds, clusters })
}

/// Values and definition levels of the first rows of a column.
pub(crate) fn read_column<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    n_rows: usize,
) -> Result<(Vec<T::T>, Vec<i16>)> {
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(column)?);
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let mut n_read = 0;
    while n_read < n_rows {
        let (n, _, _) = reader.read_records(n_rows - n_read, Some(&mut levels), None, &mut values)?;
        if n == 0 {
            return Err(unexpected("the column ends early"));
        }
        n_read += n;
    }
    Ok((values, levels))
}

pub(crate) fn unexpected(message: &str) -> ParquetError {
    ParquetError::General(message.to_owned())
}
