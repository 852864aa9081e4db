//! HDF5 and h5ad: the vectors are a dense data set with a path (`embeddings`, `/X`, `obsm/X_model`). The ids are a
//! data set of texts or integers; in h5ad files they are the index of `obs`. A file with one data set for each example, as
//! bio_embeddings and ProtT5 scripts write them, is read too: the id is the attribute `original_id`, else the path.

use super::numbers::{Float, floats};
use super::{
    DEFAULT_IDS, DEFAULT_VALUES, ImportError, ImportFormat, ImportedArrays, ImportedFile, ids_name, wants_ids,
};
use hdf5_pure::{AttrValue, DType, Dataset, Datatype, DatatypeByteOrder, File, Group};

/// Groups within groups that are looked into: a `/` in an id makes one. A file may link a group into itself.
const MAX_DEPTH: usize = 16;

pub(super) const FORMAT: ImportFormat = ImportFormat {
    endings: &["h5", "hdf5", "h5ad"],
    title: "data set `embeddings` (or by path: X, obsm/X_model) and `ids`, in h5ad the index of obs; or one data set per id",
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
        None if is_one_per_id(&hdf5, file) => return read_one_per_id(&hdf5),
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

/// More data sets than this are one for each example.
const MANY: usize = 20;
/// Attribute in which bio_embeddings keeps the id, where the name of the data set is a number.
const ORIGINAL_ID: &str = "original_id";

/// Whether a file without a stated place of the ids holds no matrix of a default name, but data sets of floats only:
/// mostly vectors, or so many that they can only be those of examples.
fn is_one_per_id(hdf5: &File, file: &ImportedFile) -> bool {
    if ids_name(file).is_some() || !wants_ids(file) {
        return false;
    }
    if DEFAULT_VALUES.iter().any(|name| hdf5.dataset(name).is_ok() || hdf5.group(name).is_ok()) {
        return false;
    }
    let (mut n_sets, mut n_vectors, mut are_floats) = (0_usize, 0_usize, true);
    let walked = walk(&hdf5.root(), "", &mut |_, dataset| {
        n_sets += 1;
        are_floats &= matches!(dataset.datatype().map_err(unreadable)?, Datatype::FloatingPoint { .. });
        n_vectors += usize::from(matches!(dataset.shape().map_err(unreadable)?.as_slice(), [_] | [1, _]));
        Ok(())
    });
    walked.is_ok() && are_floats && (2 * n_vectors > n_sets || n_sets > MANY)
}

/// Reads every data set as the vector of one example.
fn read_one_per_id(hdf5: &File) -> Result<ImportedArrays, ImportError> {
    let (mut ids, mut values, mut dim) = (Vec::new(), Vec::new(), None);
    walk(&hdf5.root(), "", &mut |path, dataset| {
        let shape = dataset.shape().map_err(unreadable)?;
        let width = match shape.as_slice() {
            [width] | [1, width] => usize::try_from(*width).ok(),
            _ => None,
        };
        match width {
            Some(width) if width > 0 && *dim.get_or_insert(width) == width => {}
            _ => return Err(ImportError::OnePerId { path: path.to_owned(), shape, dim }),
        }
        values.extend(float_values(path, dataset)?);
        let attributes = dataset.attrs().map_err(unreadable)?;
        ids.push(text(attributes.get(ORIGINAL_ID)).unwrap_or_else(|| path.to_owned()));
        Ok(())
    })?;
    let shape = vec![ids.len() as u64, dim.unwrap_or(0) as u64];
    Ok(ImportedArrays { name: "one data set per id".to_owned(), shape, values, ids: Some(ids) })
}

/// Calls `each` with the path of every data set of a group and of the groups in it.
fn walk(
    group: &Group,
    path: &str,
    each: &mut dyn FnMut(&str, &Dataset) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    for (name, dataset) in group.iter_datasets().map_err(unreadable)? {
        each(&format!("{path}{name}"), &dataset)?;
    }
    if path.matches('/').count() > MAX_DEPTH {
        return Ok(());
    }
    for (name, inner) in group.iter_groups().map_err(unreadable)? {
        walk(&inner, &format!("{path}{name}/"), each)?;
    }
    Ok(())
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
