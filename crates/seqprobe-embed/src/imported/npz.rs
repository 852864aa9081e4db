//! NumPy's npz: a zip archive of named npy arrays, with the vectors and the ids.

use super::npy::{float_array, id_array};
use super::{
    DEFAULT_IDS, DEFAULT_VALUES, ImportError, ImportFormat, ImportedArrays, ImportedFile, choose, ids_name,
    wants_ids,
};
use std::io::{Cursor, Read};
use zip::ZipArchive;

pub(super) const FORMAT: ImportFormat = ImportFormat {
    endings: &["npz"],
    title: "NumPy arrays: `embeddings` [examples, values] and `ids` [examples]",
    read,
};

fn read(file: &ImportedFile) -> Result<ImportedArrays, ImportError> {
    let mut archive = ZipArchive::new(Cursor::new(file.bytes.as_slice()))
        .map_err(|error| ImportError::unreadable("a zip archive", &error))?;
    let names: Vec<String> =
        archive.file_names().filter_map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned())).collect();
    let name = choose("values", file.values.as_deref(), &DEFAULT_VALUES, &names)?;
    let (shape, values) = float_array(&member(&mut archive, name)?).map_err(ImportError::of_array(name))?;
    let ids = if wants_ids(file) {
        let name = choose("ids", ids_name(file), &DEFAULT_IDS, &names)?;
        Some(id_array(&member(&mut archive, name)?).map_err(ImportError::of_array(name))?)
    } else {
        None
    };
    Ok(ImportedArrays { name: name.to_owned(), shape, values, ids })
}

fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>, ImportError> {
    let failed = |error: &dyn std::fmt::Display| {
        ImportError::of_array(name)(ImportError::unreadable("a part of a zip archive", &error))
    };
    let mut entry = archive.by_name(&format!("{name}.npy")).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    Ok(bytes)
}
