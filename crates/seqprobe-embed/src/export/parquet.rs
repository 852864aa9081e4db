//! Parquet: one row per vector, its values as a list.

use super::{ExportFormat, for_each_block};
use crate::error::EmbedError;
use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int32Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use seqprobe_core::{FeatureKind, FeatureSource, RowIds};
use seqprobe_files::AtomicFile;
use std::path::Path;
use std::sync::Arc;

pub(super) const FORMAT: ExportFormat = ExportFormat {
    ending: "parquet",
    title: "a row per vector: ids, for tokens the position, the list embeddings",
    write,
};

fn write(source: &dyn FeatureSource, ids: &RowIds, path: &Path) -> Result<(), EmbedError> {
    let of_tokens = source.kind() == FeatureKind::Tokens;
    let failed = |error: ParquetError| EmbedError::io("write", path, std::io::Error::other(error));
    let mut file = AtomicFile::create(path)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_column_dictionary_enabled(
            ColumnPath::from(vec!["embeddings".into(), "list".into(), "element".into()]),
            false,
        )
        .build();
    let schema = schema(of_tokens).map_err(failed)?;
    let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::new(properties)).map_err(failed)?;
    // The row of each vector and the token in this row, in the order of the values.
    let mut vectors =
        (0..source.n_rows()).flat_map(|row| (0..source.length(row)).map(move |token| (row, token)));
    for_each_block(source, &mut |values| {
        let places: Vec<(usize, usize)> = vectors.by_ref().take(values.len() / source.dim().max(1)).collect();
        if places.is_empty() {
            return Ok(());
        }
        let mut group = writer.next_row_group().map_err(failed)?;
        let name = |&(row, _): &(usize, usize)| ByteArray::from(ids.get(row).unwrap_or_default());
        let names: Vec<ByteArray> = places.iter().map(name).collect();
        write_group(&mut group, &names, of_tokens.then_some(&places), values).map_err(failed)?;
        group.close().map(drop).map_err(failed)
    })?;
    writer.close().map_err(failed)?;
    Ok(file.finish()?)
}

/// # Shapes
/// `names [vectors]`, `places [vectors]`, `values [vectors, dim]`
fn write_group<W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    names: &[ByteArray],
    places: Option<&Vec<(usize, usize)>>,
    values: &[f32],
) -> ParquetResult<()> {
    let missing = || ParquetError::General("the schema has too few columns".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<ByteArrayType>().write_batch(names, None, None)?;
    column.close()?;
    if let Some(places) = places {
        let tokens: Vec<i32> =
            places.iter().map(|&(_, token)| i32::try_from(token).unwrap_or(i32::MAX)).collect();
        let mut column = group.next_column()?.ok_or_else(missing)?;
        column.typed::<Int32Type>().write_batch(&tokens, None, None)?;
        column.close()?;
    }
    let dim = values.len() / names.len();
    let there = vec![1_i16; values.len()];
    let continued: Vec<i16> = (0..values.len()).map(|index| i16::from(index % dim > 0)).collect();
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<FloatType>().write_batch(values, Some(&there), Some(&continued))?;
    column.close()
}

fn schema(of_tokens: bool) -> ParquetResult<TypePtr> {
    let required = Repetition::REQUIRED;
    let text = Type::primitive_type_builder("ids", PhysicalType::BYTE_ARRAY)
        .with_repetition(required)
        .with_logical_type(Some(LogicalType::String));
    let mut fields = vec![Arc::new(text.build()?)];
    if of_tokens {
        let token = Type::primitive_type_builder("token", PhysicalType::INT32).with_repetition(required);
        fields.push(Arc::new(token.build()?));
    }
    let element = Type::primitive_type_builder("element", PhysicalType::FLOAT).with_repetition(required);
    let element = Arc::new(element.build()?);
    let list =
        Type::group_type_builder("list").with_repetition(Repetition::REPEATED).with_fields(vec![element]);
    let embeddings = Type::group_type_builder("embeddings")
        .with_repetition(required)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(list.build()?)]);
    fields.push(Arc::new(embeddings.build()?));
    Ok(Arc::new(Type::group_type_builder("features").with_fields(fields).build()?))
}
