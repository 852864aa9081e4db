//! The predictions of an accepted run in one small Parquet file: test split only, 32-bit floats, identifiers,
//! true values and clusters once per dataset instead of once per cell.
//!
//! A row group has either the examples of a dataset (`example_id`, `truth`, `cluster`) or the predictions of
//! a cell (`prediction`, all seeds one after another); the file's metadata says which.

use crate::record::CellId;
use crate::run_folder::prediction_file::{read_column, unexpected};
use crate::run_folder::predictions::{CellPredictions, OutputName, SeedPredictions, SplitPredictions};
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::sync::Arc;

const LAYOUT_KEY: &str = "seqprobe.baseline";

/// The content of a row group.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Group {
    Examples { outputs: Vec<OutputName>, examples: usize, clusters: bool },
    Cell { cell: CellId, seeds: Vec<u64>, examples_group: usize },
}

/// The bytes of the file.
pub(crate) fn write(cells: &[CellPredictions]) -> Result<Vec<u8>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut contents: Vec<(&CellPredictions, &SplitPredictions)> = Vec::new();
    let mut tables: Vec<(usize, &CellPredictions, &SplitPredictions)> = Vec::new();
    for cell in cells {
        let Some(test) = cell.splits.iter().find(|split| split.split == "test") else {
            return Err(unexpected(&format!("{} has no predictions on test", cell.cell)));
        };
        let same = |(_, other, split): &&(usize, &CellPredictions, &SplitPredictions)| {
            other.outputs == cell.outputs
                && split.example_ids == test.example_ids
                && split.truth == test.truth
                && split.clusters == test.clusters
        };
        let examples_group = match tables.iter().find(same) {
            Some((group, ..)) => *group,
            None => {
                let group = groups.len();
                tables.push((group, cell, test));
                groups.push(Group::Examples {
                    outputs: cell.outputs.clone(),
                    examples: test.example_ids.len(),
                    clusters: test.clusters.is_some(),
                });
                contents.push((cell, test));
                group
            }
        };
        let seeds = test.seeds.iter().map(|seed| seed.seed).collect();
        groups.push(Group::Cell { cell: cell.cell.clone(), seeds, examples_group });
        contents.push((cell, test));
    }
    let mut file = SerializedFileWriter::new(Vec::new(), schema()?, Arc::new(properties(&groups)?))?;
    for (group, (cell, test)) in groups.iter().zip(&contents) {
        match group {
            Group::Examples { .. } => write_examples(file.next_row_group()?, cell.outputs.len(), test)?,
            Group::Cell { .. } => write_values(file.next_row_group()?, &test.seeds)?,
        }
    }
    file.into_inner()
}

/// Reads what [`write`] wrote.
pub(crate) fn read(file: File) -> Result<Vec<CellPredictions>> {
    let reader = SerializedFileReader::new(file)?;
    let pairs = reader.metadata().file_metadata().key_value_metadata();
    let layout = pairs
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == LAYOUT_KEY))
        .and_then(|pair| pair.value.as_deref())
        .ok_or_else(|| unexpected("no layout in the metadata: not written by `seqprobe accept`"))?;
    let groups: Vec<Group> =
        serde_json::from_str(layout).map_err(|error| unexpected(&format!("layout: {error}")))?;
    if groups.len() != reader.num_row_groups() {
        return Err(unexpected("the number of row groups is not what the layout says"));
    }
    let mut examples: Vec<Option<(Vec<OutputName>, SplitPredictions)>> = Vec::new();
    let mut cells = Vec::new();
    for (index, group) in groups.into_iter().enumerate() {
        let rows = reader.get_row_group(index)?;
        match group {
            Group::Examples { outputs, examples: n, clusters } => {
                let split = read_examples(rows.as_ref(), outputs.len(), n, clusters)?;
                examples.push(Some((outputs, split)));
            }
            Group::Cell { cell, seeds, examples_group } => {
                examples.push(None);
                let Some(Some((outputs, shared))) = examples.get(examples_group) else {
                    return Err(unexpected(&format!("{cell} names examples that are not there")));
                };
                let mut split = shared.clone();
                split.seeds = read_values(rows.as_ref(), &seeds, split.truth.len())?;
                cells.push(CellPredictions { cell, outputs: outputs.clone(), splits: vec![split] });
            }
        }
    }
    Ok(cells)
}

fn schema() -> Result<Arc<Type>> {
    let column = |name: &str, physical: PhysicalType, logical: Option<LogicalType>| {
        let builder = Type::primitive_type_builder(name, physical).with_logical_type(logical);
        Ok(Arc::new(builder.with_repetition(Repetition::OPTIONAL).build()?))
    };
    let fields: Result<Vec<_>> = [
        column("example_id", PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        column("truth", PhysicalType::DOUBLE, None),
        column("cluster", PhysicalType::INT64, None),
        column("prediction", PhysicalType::FLOAT, None),
    ]
    .into_iter()
    .collect();
    Ok(Arc::new(Type::group_type_builder("baseline").with_fields(fields?).build()?))
}

fn properties(groups: &[Group]) -> Result<WriterProperties> {
    let layout = serde_json::to_string(groups).map_err(|error| ParquetError::External(Box::new(error)))?;
    Ok(WriterProperties::builder()
        .set_created_by(format!("seqprobe {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::SNAPPY)
        .set_column_dictionary_enabled(ColumnPath::from("prediction"), false)
        .set_column_encoding(ColumnPath::from("prediction"), Encoding::BYTE_STREAM_SPLIT)
        .set_key_value_metadata(Some(vec![KeyValue::new(LAYOUT_KEY.to_owned(), layout)]))
        .build())
}

/// One row per example and output: identifiers and clusters repeat, a dictionary makes that cheap.
fn write_examples<W: std::io::Write + Send>(
    group: SerializedRowGroupWriter<'_, W>,
    n_outputs: usize,
    split: &SplitPredictions,
) -> Result<()> {
    let n_rows = split.truth.len();
    let repeated = |row: usize| std::iter::repeat_n(row, n_outputs);
    let rows: Vec<usize> = (0..split.example_ids.len()).flat_map(repeated).collect();
    let ids: Vec<ByteArray> =
        rows.iter().map(|&row| ByteArray::from(split.example_ids[row].as_bytes().to_vec())).collect();
    let truth: Vec<f64> = split.truth.iter().flatten().copied().collect();
    let truth_levels: Vec<i16> = split.truth.iter().map(|value| i16::from(value.is_some())).collect();
    let clusters: Vec<i64> = match &split.clusters {
        Some(clusters) => rows.iter().map(|&row| i64::from(clusters[row])).collect(),
        None => Vec::new(),
    };
    let cluster_levels = vec![i16::from(split.clusters.is_some()); n_rows];
    write_group(
        group,
        (&ids, &vec![1; n_rows]),
        (&truth, &truth_levels),
        (&clusters, &cluster_levels),
        (&[], &vec![0; n_rows]),
    )
}

fn write_values<W: std::io::Write + Send>(
    group: SerializedRowGroupWriter<'_, W>,
    seeds: &[SeedPredictions],
) -> Result<()> {
    let values: Vec<f32> = seeds.iter().flat_map(|seed| &seed.values).map(|&value| value as f32).collect();
    let absent = vec![0; values.len()];
    write_group(group, (&[], &absent), (&[], &absent), (&[], &absent), (&values, &vec![1; values.len()]))
}

type Column<'a, T> = (&'a [T], &'a [i16]);

fn write_group<W: std::io::Write + Send>(
    mut group: SerializedRowGroupWriter<'_, W>,
    ids: Column<'_, ByteArray>,
    truth: Column<'_, f64>,
    clusters: Column<'_, i64>,
    values: Column<'_, f32>,
) -> Result<()> {
    write_column::<ByteArrayType, W>(&mut group, ids)?;
    write_column::<DoubleType, W>(&mut group, truth)?;
    write_column::<Int64Type, W>(&mut group, clusters)?;
    write_column::<FloatType, W>(&mut group, values)?;
    group.close()?;
    Ok(())
}

fn write_column<T: DataType, W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    (values, levels): Column<'_, T::T>,
) -> Result<()> {
    let mut writer = group.next_column()?.ok_or_else(|| unexpected("a column is missing"))?;
    writer.typed::<T>().write_batch(values, Some(levels), None)?;
    writer.close()
}

fn read_examples(
    group: &dyn RowGroupReader,
    n_outputs: usize,
    n_examples: usize,
    has_clusters: bool,
) -> Result<SplitPredictions> {
    let n_rows = rows_of(group);
    if n_examples.checked_mul(n_outputs) != Some(n_rows) || n_outputs == 0 {
        return Err(unexpected("the examples are not as many as the layout says"));
    }
    let (ids, _) = read_column::<ByteArrayType>(group, 0, n_rows)?;
    let ids: Result<Vec<String>> =
        ids.iter().step_by(n_outputs).map(|id| Ok(id.as_utf8()?.to_owned())).collect();
    let ids = ids?;
    let (known, levels) = read_column::<DoubleType>(group, 1, n_rows)?;
    let mut known = known.into_iter();
    let truth: Arc<[Option<f64>]> =
        levels.iter().map(|level| if *level == 1 { known.next() } else { None }).collect();
    let (clusters, _) = read_column::<Int64Type>(group, 2, n_rows)?;
    let clusters: Vec<u32> =
        clusters.iter().step_by(n_outputs).filter_map(|cluster| u32::try_from(*cluster).ok()).collect();
    if ids.len() != n_examples || (has_clusters && clusters.len() != n_examples) {
        return Err(unexpected("identifiers or clusters are missing"));
    }
    Ok(SplitPredictions {
        split: "test".to_owned(),
        example_ids: ids.into(),
        truth,
        seeds: Vec::new(),
        clusters: has_clusters.then(|| clusters.into()),
    })
}

fn read_values(group: &dyn RowGroupReader, seeds: &[u64], n_values: usize) -> Result<Vec<SeedPredictions>> {
    let n_rows = rows_of(group);
    if n_values.checked_mul(seeds.len()) != Some(n_rows) {
        return Err(unexpected("the predictions are not as many as the layout says"));
    }
    let (values, _) = read_column::<FloatType>(group, 3, n_rows)?;
    if values.len() != n_rows || values.iter().any(|value| !value.is_finite()) {
        return Err(unexpected("a prediction is missing or not finite"));
    }
    let of_seed = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect();
    let chunks = values.chunks(n_values.max(1));
    Ok(seeds
        .iter()
        .zip(chunks)
        .map(|(&seed, chunk)| SeedPredictions { seed, values: of_seed(chunk) })
        .collect())
}

fn rows_of(group: &dyn RowGroupReader) -> usize {
    usize::try_from(group.metadata().num_rows()).unwrap_or_default()
}
