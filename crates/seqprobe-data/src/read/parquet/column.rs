//! One column of a row group as texts.

use super::{damaged, sound};
use crate::error::DataError;
use half::f16;
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescriptor;
use std::fmt::Write;
use std::path::Path;

/// What a value is, behind its physical type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The value itself.
    Plain,
    /// A whole number without sign.
    Unsigned,
    /// A whole number of units of 10^-scale.
    Decimal(usize),
    /// A 16-bit float.
    Half,
}

/// The texts of one column, a batch at a time.
pub(super) struct ColumnTexts<'a> {
    path: &'a Path,
    name: &'a str,
    values: ColumnReader,
    meaning: Meaning,
    classes: Option<Vec<String>>,
    /// 1 where the batch has a value; empty if every row has one.
    levels: Vec<i16>,
    is_optional: bool,
    /// The value of each row that has one: bytes of the file, or texts made from numbers.
    bytes: Vec<ByteArray>,
    texts: String,
    ends: Vec<usize>,
    /// The place of each row's value; `None` where it is missing.
    places: Vec<Option<usize>>,
}

impl<'a> ColumnTexts<'a> {
    pub(super) fn new(
        path: &'a Path,
        name: &'a str,
        leaf: &ColumnDescriptor,
        values: ColumnReader,
        classes: Option<Vec<String>>,
    ) -> Result<Self, DataError> {
        let Some(meaning) = meaning_of(leaf) else {
            let kind = leaf.logical_type_ref().map_or_else(
                || match leaf.converted_type() {
                    ConvertedType::NONE => leaf.physical_type().to_string(),
                    other => other.to_string(),
                },
                |kind| format!("{kind:?}"),
            );
            let message = format!(
                "column {name:?} has values of the type {kind}, which is not read\n  hint: convert it to text or \
                numbers"
            );
            return Err(DataError::file(path, message));
        };
        Ok(Self {
            path,
            name,
            values,
            meaning,
            classes,
            levels: Vec::new(),
            is_optional: leaf.max_def_level() > 0,
            bytes: Vec::new(),
            texts: String::new(),
            ends: Vec::new(),
            places: Vec::new(),
        })
    }

    /// Reads the next `n_rows` rows; `row` is the first of them, from 1.
    pub(super) fn read(&mut self, n_rows: usize, row: u64) -> Result<(), DataError> {
        self.levels.clear();
        self.bytes.clear();
        self.texts.clear();
        self.ends.clear();
        let n_read = sound(|| self.fill(n_rows)).map_err(|error| damaged(self.path, &error))?;
        let n_values = self.bytes.len().max(self.ends.len());
        self.places.clear();
        let mut next = 0;
        for at in 0..n_read {
            let is_there = !self.is_optional || self.levels.get(at).is_some_and(|&level| level > 0);
            self.places.push(is_there.then_some(next));
            next += usize::from(is_there);
        }
        if n_read != n_rows || next != n_values {
            let message = format!(
                "is damaged: column {:?} has {n_read} rows from row {row} on, expected {n_rows}",
                self.name
            );
            return Err(DataError::file(self.path, message));
        }
        Ok(())
    }

    /// The text of a row of the batch, empty where it is missing.
    pub(super) fn text(&self, at: usize, row: u64) -> Result<&str, DataError> {
        let Some(&Some(place)) = self.places.get(at) else { return Ok("") };
        let text = match self.bytes.get(place) {
            Some(bytes) => std::str::from_utf8(bytes.data()).map_err(|_| {
                DataError::line(self.path, row, format!("column {:?} is not UTF-8 text", self.name))
            })?,
            None => {
                let start = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
                let end = self.ends.get(place).copied().unwrap_or_default();
                self.texts.get(start.unwrap_or(0)..end).unwrap_or_default()
            }
        };
        let Some(classes) = &self.classes else { return Ok(text) };
        // The `datasets` library writes -1 where the label is not known.
        if text == "-1" {
            return Ok("");
        }
        let class = text.parse::<usize>().ok().and_then(|number| classes.get(number));
        class.map(String::as_str).ok_or_else(|| {
            let message =
                format!("column {:?} has no class {text}: it has {} names", self.name, classes.len());
            DataError::line(self.path, row, message)
        })
    }

    /// Checks that the column has no more rows than its row group.
    pub(super) fn check_end(&mut self) -> Result<(), DataError> {
        self.levels.clear();
        let n_more = sound(|| self.fill(1)).map_err(|error| damaged(self.path, &error))?;
        if n_more == 0 {
            return Ok(());
        }
        let message = format!("is damaged: column {:?} has more rows than its row group", self.name);
        Err(DataError::file(self.path, message))
    }

    fn fill(&mut self, n_rows: usize) -> Result<usize, ParquetError> {
        let levels = &mut self.levels;
        let (texts, ends, meaning) = (&mut self.texts, &mut self.ends, self.meaning);
        let mut write = |text: &dyn std::fmt::Display| {
            let _ = write!(texts, "{text}");
            ends.push(texts.len());
        };
        match &mut self.values {
            ColumnReader::BoolColumnReader(reader) => each(reader, n_rows, levels, |value| write(value)),
            ColumnReader::Int32ColumnReader(reader) => each(reader, n_rows, levels, |&value| match meaning {
                Meaning::Unsigned => write(&value.cast_unsigned()),
                Meaning::Decimal(scale) => write(&decimal(i128::from(value), scale)),
                _ => write(&value),
            }),
            ColumnReader::Int64ColumnReader(reader) => each(reader, n_rows, levels, |&value| match meaning {
                Meaning::Unsigned => write(&value.cast_unsigned()),
                Meaning::Decimal(scale) => write(&decimal(i128::from(value), scale)),
                _ => write(&value),
            }),
            // As a 64-bit float, so that reading the text gives the same number.
            ColumnReader::FloatColumnReader(reader) => {
                each(reader, n_rows, levels, |&value| write(&f64::from(value)))
            }
            ColumnReader::DoubleColumnReader(reader) => each(reader, n_rows, levels, |value| write(value)),
            ColumnReader::ByteArrayColumnReader(reader) if meaning == Meaning::Plain => {
                Ok(reader.read_records(n_rows, Some(levels), None, &mut self.bytes)?.0)
            }
            ColumnReader::ByteArrayColumnReader(reader) => each(reader, n_rows, levels, |value| {
                write(&bytes_text(value.as_bytes(), meaning));
            }),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => each(reader, n_rows, levels, |value| {
                write(&bytes_text(value.as_bytes(), meaning));
            }),
            ColumnReader::Int96ColumnReader(_) => Err(ParquetError::NYI("96-bit times".to_owned())),
        }
    }
}

fn each<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    n_rows: usize,
    levels: &mut Vec<i16>,
    write: impl FnMut(&T::T),
) -> Result<usize, ParquetError> {
    let mut values = Vec::with_capacity(n_rows);
    let (n_read, _, _) = reader.read_records(n_rows, Some(levels), None, &mut values)?;
    values.iter().for_each(write);
    Ok(n_read)
}

/// `None` for what is not read.
fn meaning_of(leaf: &ColumnDescriptor) -> Option<Meaning> {
    let physical = leaf.physical_type();
    let is_bytes = matches!(physical, PhysicalType::BYTE_ARRAY);
    let is_fixed = matches!(physical, PhysicalType::FIXED_LEN_BYTE_ARRAY);
    let scale = || usize::try_from(leaf.type_scale()).ok().filter(|&scale| scale <= 38).map(Meaning::Decimal);
    if physical == PhysicalType::INT96 || (is_fixed && leaf.type_length() > 16 && is_decimal(leaf)) {
        return None;
    }
    match leaf.logical_type_ref() {
        Some(LogicalType::String | LogicalType::Enum | LogicalType::Json) if is_bytes => Some(Meaning::Plain),
        Some(LogicalType::Decimal(_)) => scale(),
        Some(LogicalType::Integer(integer)) if integer.is_signed => Some(Meaning::Plain),
        Some(LogicalType::Integer(_)) => Some(Meaning::Unsigned),
        Some(LogicalType::Float16) if is_fixed && leaf.type_length() == 2 => Some(Meaning::Half),
        // A column of nulls only.
        Some(LogicalType::Unknown) => Some(Meaning::Plain),
        Some(_) => None,
        None => match leaf.converted_type() {
            ConvertedType::NONE if is_fixed => None,
            ConvertedType::NONE
            | ConvertedType::UTF8
            | ConvertedType::ENUM
            | ConvertedType::JSON
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64 => Some(Meaning::Plain),
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Some(Meaning::Unsigned),
            ConvertedType::DECIMAL => scale(),
            _ => None,
        },
    }
}

fn is_decimal(leaf: &ColumnDescriptor) -> bool {
    leaf.converted_type() == ConvertedType::DECIMAL
        || matches!(leaf.logical_type_ref(), Some(LogicalType::Decimal(_)))
}

/// A number that is stored as bytes.
fn bytes_text(bytes: &[u8], meaning: Meaning) -> String {
    match (meaning, bytes) {
        (Meaning::Half, &[low, high]) => f64::from(f16::from_le_bytes([low, high])).to_string(),
        (Meaning::Decimal(scale), bytes) if bytes.len() <= 16 => {
            // Big-endian, with sign.
            let start = if bytes.first().is_some_and(|first| *first >= 0x80) { -1_i128 } else { 0 };
            decimal(bytes.iter().fold(start, |number, &byte| (number << 8) | i128::from(byte)), scale)
        }
        // Too long a decimal is not a number: reading it as one is an error of its row.
        _ => "?".to_owned(),
    }
}

/// `number` · 10^-`scale` as text.
fn decimal(number: i128, scale: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = scale + 1);
    let (whole, rest) = digits.split_at(digits.len() - scale);
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_their_sign_and_their_zeros() {
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(12345, 2), "123.45");
        assert_eq!(decimal(7, 0), "7");
        assert_eq!(bytes_text(&[0xff, 0xfb], Meaning::Decimal(2)), "-0.05");
        assert_eq!(bytes_text(&[0, 0, 5], Meaning::Decimal(1)), "0.5");
    }
}
