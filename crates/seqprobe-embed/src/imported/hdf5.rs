//! HDF5 and h5ad: the vectors are a dense data set with a path (`embeddings`, `/X`, `obsm/X_model`). The ids are a
//! data set of texts or integers; in h5ad files they are the index of `obs`.

use super::numbers::{Float, floats};
use super::{
    DEFAULT_IDS, DEFAULT_VALUES, ImportError, ImportFormat, ImportedArrays, ImportedFile, ids_name, wants_ids,
};
use hdf5_pure::{AttrValue, DType, Dataset, Datatype, DatatypeByteOrder, File};

pub(super) const FORMAT: ImportFormat = ImportFormat {
    endings: &["h5", "hdf5", "h5ad"],
    title: "data set `embeddings` (or by path: X, obsm/X_model); `ids`, in h5ad the index of obs",
    read,
};

fn read(file: &ImportedFile) -> Result<ImportedArrays, ImportError> {
    let is_annotated = file.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("h5ad"));
    let hdf5 = File::from_bytes(file.bytes.clone()).map_err(unreadable)?;
    let stated = hdf5.superblock().eof_address;
    if stated > file.bytes.len() as u64 {
        return Err(ImportError::CutShort { stated, found: file.bytes.len() });
    }
    let (name, values) = match &file.values {
        None if is_annotated => return Err(ImportError::SeveralMatrices { held: contents(&hdf5) }),
        asked => find(&hdf5, "values", asked.as_deref(), &DEFAULT_VALUES)?,
    };
    let shape = values.shape().map_err(unreadable)?;
    let values = float_values(&name, &values)?;
    let ids = match (wants_ids(file), ids_name(file)) {
        (false, _) => None,
        (true, None) if is_annotated => Some(ids_of(&find(&hdf5, "ids", Some(&index_of_obs(&hdf5)?), &[])?)?),
        (true, asked) => Some(ids_of(&find(&hdf5, "ids", asked, &DEFAULT_IDS)?)?),
    };
    Ok(ImportedArrays { name, shape, values, ids })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of a function for map_err")]
fn unreadable(error: hdf5_pure::Error) -> ImportError {
    ImportError::unreadable("HDF5", &error)
}

/// Returns the data set asked for, or the first one with a default name.
fn find(
    hdf5: &File,
    what: &'static str,
    asked: Option<&str>,
    defaults: &[&str],
) -> Result<(String, Dataset), ImportError> {
    let tried: Vec<&str> = asked.map_or_else(|| defaults.to_vec(), |name| vec![name]);
    for name in &tried {
        let path = name.trim_matches('/');
        if let Ok(dataset) = hdf5.dataset(path) {
            return Ok((path.to_owned(), dataset));
        }
        if let Ok(group) = hdf5.group(path) {
            let encoding = group.attrs().ok().and_then(|attributes| text(attributes.get("encoding-type")));
            return Err(match encoding {
                Some(encoding) if encoding.contains("matrix") => {
                    ImportError::Sparse { path: path.to_owned(), encoding }
                }
                _ => ImportError::Group { path: path.to_owned(), held: contents(hdf5) },
            });
        }
    }
    Err(ImportError::NoName {
        what,
        tried: tried.iter().map(|&name| name.to_owned()).collect(),
        held: contents(hdf5),
        hint: format!("name it with the key {what:?}"),
    })
}

/// Names at the top of the file and in `obsm`.
fn contents(hdf5: &File) -> Vec<String> {
    let root = hdf5.root();
    let mut names = root.datasets().unwrap_or_default();
    names.extend(root.groups().unwrap_or_default().into_iter().map(|name| format!("{name}/")));
    if let Ok(group) = hdf5.group("obsm") {
        names.extend(group.datasets().unwrap_or_default().into_iter().map(|name| format!("obsm/{name}")));
    }
    names
}

fn float_values(name: &str, dataset: &Dataset) -> Result<Vec<f32>, ImportError> {
    match dataset.datatype().map_err(unreadable)? {
        Datatype::FloatingPoint { size: 2, byte_order, .. } => {
            let big = byte_order == DatatypeByteOrder::BigEndian;
            Ok(floats(&dataset.read_raw().map_err(unreadable)?, Float::F16, big))
        }
        Datatype::FloatingPoint { size: 4 | 8, .. } => dataset.read_f32().map_err(unreadable),
        other => Err(ImportError::Type {
            what: format!("data set {name:?}"),
            found: format!("{other:?}"),
            expected: "16-, 32- or 64-bit floats",
        }),
    }
}

fn ids_of((name, dataset): &(String, Dataset)) -> Result<Vec<String>, ImportError> {
    let shape = dataset.shape().map_err(unreadable)?;
    if shape.len() != 1 {
        return Err(ImportError::of_array(name)(ImportError::IdShape { shape }));
    }
    match dataset.dtype().map_err(unreadable)? {
        DType::String | DType::VariableLengthString => dataset.read_string().map_err(unreadable),
        DType::U64 | DType::U32 | DType::U16 | DType::U8 => {
            Ok(dataset.read_u64().map_err(unreadable)?.iter().map(u64::to_string).collect())
        }
        DType::I64 | DType::I32 | DType::I16 | DType::I8 => {
            Ok(dataset.read_i64().map_err(unreadable)?.iter().map(i64::to_string).collect())
        }
        other => Err(ImportError::Type {
            what: format!("ids {name:?}"),
            found: other.to_string(),
            expected: "text or integers",
        }),
    }
}

/// Path of the observation names of an h5ad file.
fn index_of_obs(hdf5: &File) -> Result<String, ImportError> {
    let attributes = hdf5.group("obs").and_then(|group| group.attrs()).map_err(unreadable)?;
    let name = text(attributes.get("_index")).ok_or(ImportError::NoObservationNames)?;
    Ok(format!("obs/{name}"))
}

fn text(value: Option<&AttrValue>) -> Option<String> {
    match value? {
        AttrValue::String(text) | AttrValue::VarLenString(text) | AttrValue::AsciiString(text) => {
            Some(text.clone())
        }
        AttrValue::StringSized { value, .. } | AttrValue::AsciiStringSized { value, .. } => {
            Some(value.clone())
        }
        _ => None,
    }
}
