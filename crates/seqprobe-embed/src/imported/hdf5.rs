//! HDF5 and h5ad: a dense data set of vectors by its path (`embeddings`, `/X`, `obsm/X_model`), the ids as a
//! data set of texts or whole numbers; in h5ad files the index of `obs`.

use super::numbers::{Float, floats};
use super::{DEFAULT_IDS, DEFAULT_VALUES, Found, ImportFormat, ImportedFile, ids_name, wants_ids};
use hdf5_pure::{AttrValue, DType, Dataset, Datatype, DatatypeByteOrder, File};

pub(super) const FORMAT: ImportFormat = ImportFormat {
    endings: &["h5", "hdf5", "h5ad"],
    title: "data set `embeddings` (or by path: X, obsm/X_model); `ids`, in h5ad the index of obs",
    read,
};

fn read(file: &ImportedFile) -> Result<Found, String> {
    let is_annotated = file.path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("h5ad"));
    let hdf5 = File::from_bytes(file.bytes.clone()).map_err(|error| format!("not an HDF5 file: {error}"))?;
    let stated = hdf5.superblock().eof_address;
    if stated > file.bytes.len() as u64 {
        let found = file.bytes.len();
        return Err(format!("the file is cut short: it states {stated} bytes and has {found}"));
    }
    let (name, values) = match &file.values {
        None if is_annotated => {
            return Err(format!(
                "an h5ad file holds several matrices\n  hint: say which with values = \"X\" or \"obsm/NAME\"; {}",
                contents(&hdf5)
            ));
        }
        asked => find(&hdf5, "values", asked.as_deref(), &DEFAULT_VALUES)?,
    };
    let shape = values.shape().map_err(told)?;
    let values = float_values(&name, &values)?;
    let ids = match (wants_ids(file), ids_name(file)) {
        (false, _) => None,
        (true, None) if is_annotated => Some(ids_of(&find(&hdf5, "ids", Some(&index_of_obs(&hdf5)?), &[])?)?),
        (true, asked) => Some(ids_of(&find(&hdf5, "ids", asked, &DEFAULT_IDS)?)?),
    };
    Ok(Found { name, shape, values, ids })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of a function for map_err")]
fn told(error: hdf5_pure::Error) -> String {
    format!("not readable: {error}")
}

/// A data set by the path asked for, or the first of the default names that is there.
fn find(
    hdf5: &File,
    what: &str,
    asked: Option<&str>,
    defaults: &[&str],
) -> Result<(String, Dataset), String> {
    let tried: Vec<&str> = asked.map_or_else(|| defaults.to_vec(), |name| vec![name]);
    for name in &tried {
        let path = name.trim_matches('/');
        if let Ok(dataset) = hdf5.dataset(path) {
            return Ok((path.to_owned(), dataset));
        }
        if let Ok(group) = hdf5.group(path) {
            let encoding = group.attrs().ok().and_then(|attributes| text(attributes.get("encoding-type")));
            return Err(match encoding {
                Some(encoding) if encoding.contains("matrix") => format!(
                    "{path:?} is sparse ({encoding}), expected a dense matrix\n  hint: store it dense: adata.X = adata.X.toarray()"
                ),
                _ => format!("{path:?} is a group, expected a data set\n  hint: {}", contents(hdf5)),
            });
        }
    }
    Err(format!("no {what} under {tried:?}\n  hint: {}", contents(hdf5)))
}

/// What stands at the top of the file and in `obsm`.
fn contents(hdf5: &File) -> String {
    let root = hdf5.root();
    let mut names = root.datasets().unwrap_or_default();
    names.extend(root.groups().unwrap_or_default().into_iter().map(|name| format!("{name}/")));
    if let Ok(group) = hdf5.group("obsm") {
        names.extend(group.datasets().unwrap_or_default().into_iter().map(|name| format!("obsm/{name}")));
    }
    format!("the file holds {}", names.join(", "))
}

fn float_values(name: &str, dataset: &Dataset) -> Result<Vec<f32>, String> {
    match dataset.datatype().map_err(told)? {
        Datatype::FloatingPoint { size: 2, byte_order, .. } => {
            let big = byte_order == DatatypeByteOrder::BigEndian;
            Ok(floats(&dataset.read_raw().map_err(told)?, Float::F16, big))
        }
        Datatype::FloatingPoint { size: 4 | 8, .. } => dataset.read_f32().map_err(told),
        other => Err(format!("data set {name:?} has type {other:?}, expected 16-, 32- or 64-bit floats")),
    }
}

fn ids_of((name, dataset): &(String, Dataset)) -> Result<Vec<String>, String> {
    let shape = dataset.shape().map_err(told)?;
    if shape.len() != 1 {
        return Err(format!("the ids {name:?} have shape {shape:?}, expected one dimension"));
    }
    match dataset.dtype().map_err(told)? {
        DType::String | DType::VariableLengthString => dataset.read_string().map_err(told),
        DType::U64 | DType::U32 | DType::U16 | DType::U8 => {
            Ok(dataset.read_u64().map_err(told)?.iter().map(u64::to_string).collect())
        }
        DType::I64 | DType::I32 | DType::I16 | DType::I8 => {
            Ok(dataset.read_i64().map_err(told)?.iter().map(i64::to_string).collect())
        }
        other => Err(format!("the ids {name:?} have type {other}, expected text or whole numbers")),
    }
}

/// The data set of an h5ad file's observation names.
fn index_of_obs(hdf5: &File) -> Result<String, String> {
    let attributes = hdf5.group("obs").and_then(|group| group.attrs()).map_err(told)?;
    let name = text(attributes.get("_index"))
        .ok_or("the group obs names no index\n  hint: give ids = \"obs/COLUMN\"")?;
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
