//! NumPy's npy: one array, with the ids in a text file. Also reads the arrays of npz files.

use super::numbers::{Float, floats, to_row_major};
use super::{IdsFrom, ImportError, ImportFormat, ImportedArrays, ImportedFile};
use npyz::{DType, Endianness, NpyFile, Order, TypeChar, TypeStr};

pub(super) const FORMAT: ImportFormat = ImportFormat {
    endings: &["npy"],
    title: "NumPy array [examples, values]; ids one per line in X.ids.txt",
    read,
};

fn read(file: &ImportedFile) -> Result<ImportedArrays, ImportError> {
    if let Some(name) = &file.values {
        return Err(ImportError::NpyValuesName { name: name.clone() });
    }
    if let IdsFrom::Name(name) = &file.ids {
        return Err(ImportError::NpyIdsName { name: name.clone() });
    }
    let (shape, values) = float_array(&file.bytes)?;
    Ok(ImportedArrays { name: "npy".to_owned(), shape, values, ids: None })
}

/// Returns the shape and the row-major values of an array of floats.
pub(super) fn float_array(bytes: &[u8]) -> Result<(Vec<u64>, Vec<f32>), ImportError> {
    let array = Array::open(bytes)?;
    let kind = match (array.kind.type_char(), array.kind.size_field()) {
        (TypeChar::Float, 2) => Float::F16,
        (TypeChar::Float, 4) => Float::F32,
        (TypeChar::Float, 8) => Float::F64,
        (TypeChar::Object, _) => return Err(ImportError::PythonObjects),
        _ => {
            return Err(ImportError::Type {
                what: "the array".to_owned(),
                found: array.kind.to_string(),
                expected: "float16, float32 or float64",
            });
        }
    };
    let data = array.data(kind.width())?;
    let mut values = floats(data, kind, array.kind.endianness() == Endianness::Big);
    if let (Order::Fortran, &[rows, columns]) = (array.order, array.shape.as_slice()) {
        values = to_row_major(&values, rows as usize, columns as usize);
    }
    Ok((array.shape, values))
}

/// Returns the ids of a one-dimensional array of text, bytes or integers.
pub(super) fn id_array(bytes: &[u8]) -> Result<Vec<String>, ImportError> {
    let array = Array::open(bytes)?;
    if array.shape.len() != 1 {
        return Err(ImportError::IdShape { shape: array.shape });
    }
    let size = usize::try_from(array.kind.size_field()).unwrap_or(usize::MAX);
    let big = array.kind.endianness() == Endianness::Big;
    match array.kind.type_char() {
        TypeChar::UnicodeStr => {
            let data = array.data(size.saturating_mul(4))?;
            if size == 0 {
                return Err(ImportError::EmptyIds);
            }
            data.chunks_exact(size * 4).enumerate().map(|(row, chunk)| unicode(row, chunk, big)).collect()
        }
        TypeChar::ByteStr => {
            let data = array.data(size)?;
            if size == 0 {
                return Err(ImportError::EmptyIds);
            }
            data.chunks_exact(size)
                .enumerate()
                .map(|(row, chunk)| {
                    let end = chunk.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                    String::from_utf8(chunk.get(..end).unwrap_or_default().to_vec())
                        .map_err(|_| ImportError::IdText { row, expected: "UTF-8" })
                })
                .collect()
        }
        TypeChar::Int | TypeChar::Uint if [1, 2, 4, 8].contains(&size) => {
            let signed = array.kind.type_char() == TypeChar::Int;
            Ok(array.data(size)?.chunks_exact(size).map(|chunk| whole_number(chunk, big, signed)).collect())
        }
        TypeChar::Object => Err(ImportError::PythonObjects),
        _ => Err(ImportError::Type {
            what: "the ids".to_owned(),
            found: array.kind.to_string(),
            expected: "text or integers",
        }),
    }
}

struct Array<'a> {
    kind: TypeStr,
    order: Order,
    shape: Vec<u64>,
    rest: &'a [u8],
}

impl<'a> Array<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, ImportError> {
        let file = NpyFile::new(bytes).map_err(|error| ImportError::unreadable("a NumPy array", &error))?;
        let DType::Plain(kind) = file.dtype() else {
            return Err(ImportError::Structured);
        };
        let (order, shape) = (file.order(), file.shape().to_vec());
        Ok(Self { kind, order, shape, rest: file.into_inner() })
    }

    /// The bytes of all values.
    fn data(&self, width: usize) -> Result<&'a [u8], ImportError> {
        let count = self.shape.iter().try_fold(width as u64, |product, &size| product.checked_mul(size));
        let wanted = count.and_then(|count| usize::try_from(count).ok());
        match wanted {
            Some(wanted) if wanted == self.rest.len() => Ok(self.rest),
            _ => Err(ImportError::ByteCount {
                shape: self.shape.clone(),
                kind: self.kind.to_string(),
                bytes: self.rest.len(),
            }),
        }
    }
}

fn unicode(row: usize, chunk: &[u8], big: bool) -> Result<String, ImportError> {
    let mut characters: Vec<u32> = chunk
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&four| if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
        .collect();
    while characters.last() == Some(&0) {
        characters.pop();
    }
    let text: Option<String> = characters.into_iter().map(char::from_u32).collect();
    text.ok_or(ImportError::IdText { row, expected: "Unicode text" })
}

fn whole_number(chunk: &[u8], big: bool, signed: bool) -> String {
    let mut bytes: Vec<u8> = chunk.to_vec();
    if big {
        bytes.reverse();
    }
    let negative = signed && bytes.last().is_some_and(|top| top & 0x80 != 0);
    bytes.resize(16, if negative { 0xff } else { 0 });
    let mut sixteen = [0_u8; 16];
    sixteen.iter_mut().zip(&bytes).for_each(|(place, &byte)| *place = byte);
    i128::from_le_bytes(sixteen).to_string()
}
