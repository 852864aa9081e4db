//! Writes features and their ids as files for other programs. Each format is one file of this folder and one line of
//! [`EXPORT_FORMATS`].

mod crc32c;
mod npy;
mod parquet;
mod safetensors;
mod zarr;

use crate::error::EmbedError;
use seqprobe_core::{FeatureSource, RowIds};
use std::path::Path;

/// Values that are read at a time.
const BLOCK_VALUES: usize = 1 << 20;

/// One format of exported features.
pub struct ExportFormat {
    /// Ending of file names.
    pub ending: &'static str,
    /// What the file contains.
    pub title: &'static str,
    write: fn(&dyn FeatureSource, &RowIds, &Path) -> Result<(), EmbedError>,
}

/// The formats that can be written.
pub static EXPORT_FORMATS: &[ExportFormat] =
    &[npy::FORMAT, safetensors::FORMAT, parquet::FORMAT, zarr::FORMAT];

/// Writes all rows of a source to `path`, whole or not at all, in the format of its ending. Missing folders of the
/// path are created.
///
/// # Shapes
/// - `X.npy`: `[n, dim]` of 32-bit floats, and `X.ids.txt` with one id per line.
/// - `X.safetensors`: `features [n, dim]`, or for tokens `tokens [Σ length, dim]` with `offsets [n + 1]`;
///   the ids are a JSON array under `ids` in the metadata.
/// - `X.parquet`: a row per vector: `ids`, for tokens the 0-based `token`, and the list `embeddings [dim]`.
/// - `X.zarr`: a Zarr version 3 group of the arrays of safetensors and `ids [n]`, every chunk with its CRC-32C.
///
/// # Errors
/// [`EmbedError::Export`] for an unknown ending, tokens in npy, a Zarr folder that exists already, or ids that do not
/// match; errors of the source and the file system.
pub fn export_features(source: &dyn FeatureSource, ids: &RowIds, path: &Path) -> Result<(), EmbedError> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let Some(format) = EXPORT_FORMATS.iter().find(|format| format.ending == ending) else {
        let known: Vec<String> = EXPORT_FORMATS.iter().map(|format| format!(".{}", format.ending)).collect();
        return refuse(path, format!("the ending {ending:?} is not known\n  hint: use {}", known.join(", ")));
    };
    if ids.len() != source.n_rows() {
        return refuse(path, format!("there are {} ids for {} rows", ids.len(), source.n_rows()));
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|source| EmbedError::io("create", folder, source))?;
    }
    (format.write)(source, ids, path)
}

fn refuse<T>(path: &Path, reason: String) -> Result<T, EmbedError> {
    Err(EmbedError::Export { path: path.to_owned(), reason })
}

/// Reads all rows in order, one block at a time.
fn for_each_block(
    source: &dyn FeatureSource,
    write: &mut dyn FnMut(&[f32]) -> Result<(), EmbedError>,
) -> Result<(), EmbedError> {
    let mut values = Vec::new();
    for row in 0..source.n_rows() {
        source.read_rows(&[row], &mut values)?;
        if values.len() >= BLOCK_VALUES {
            write(&values)?;
            values.clear();
        }
    }
    write(&values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_bases::kmer::KmerFrequencies;
    use crate::from_bases::onehot::OneHot;
    use ::safetensors::SafeTensors;
    use seqprobe_core::DnaSequence;

    fn sequences(texts: &[&str]) -> Vec<DnaSequence> {
        texts.iter().map(|text| DnaSequence::parse(text).unwrap().0).collect()
    }

    fn ids(names: &[&str]) -> RowIds {
        names.iter().collect()
    }

    fn names_in(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|item| item.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn npy_holds_the_values_and_a_second_file_the_ids() {
        let folder = tempfile::tempdir().unwrap();
        let sequences = sequences(&["ACGT", "AAC"]);
        let source = KmerFrequencies::new(&sequences, 2).unwrap();
        export_features(&source, &ids(&["one", "two"]), &folder.path().join("x.npy")).unwrap();
        let bytes = std::fs::read(folder.path().join("x.npy")).unwrap();
        let npy = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(npy.shape(), [2, 16]);
        let mut expected = Vec::new();
        source.read_rows(&[0, 1], &mut expected).unwrap();
        assert_eq!(npy.into_vec::<f32>().unwrap(), expected);
        assert_eq!(std::fs::read_to_string(folder.path().join("x.ids.txt")).unwrap(), "one\ntwo\n");
        assert_eq!(names_in(folder.path()), ["x.ids.txt", "x.npy"]);
    }

    #[test]
    fn safetensors_holds_ragged_tokens_and_ids() {
        let folder = tempfile::tempdir().unwrap();
        let sequences = sequences(&["AC", "N"]);
        let path = folder.path().join("x.safetensors");
        export_features(&OneHot::new(&sequences), &ids(&["a\"b", "c\n"]), &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let tokens = tensors.tensor("tokens").unwrap();
        assert_eq!(tokens.shape(), [3, 4]);
        let values: Vec<f32> =
            tokens.data().as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
        assert_eq!(values, [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let offsets: Vec<i64> = tensors
            .tensor("offsets")
            .unwrap()
            .data()
            .as_chunks::<8>()
            .0
            .iter()
            .map(|&value| i64::from_le_bytes(value))
            .collect();
        assert_eq!(offsets, [0, 2, 3]);
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(header.metadata().as_ref().unwrap()["ids"], r#"["a\"b","c\n"]"#);
    }

    #[test]
    fn missing_folders_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/x.npy");
        export_features(&KmerFrequencies::new(&sequences(&["AC"]), 1).unwrap(), &ids(&["a"]), &path).unwrap();
        assert_eq!(names_in(path.parent().unwrap()), ["x.ids.txt", "x.npy"]);
    }

    #[test]
    fn what_cannot_be_exported_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sequences = sequences(&["AC"]);
        let source = OneHot::new(&sequences);
        let kmers = KmerFrequencies::new(&sequences, 1).unwrap();
        let at = |name: &str| folder.path().join(name);
        let one = ids(&["a"]);
        std::fs::write(at("file"), "").unwrap();
        for (result, expected) in [
            (export_features(&source, &one, &at("x.npy")), "different numbers of tokens"),
            (export_features(&source, &one, &at("x.hdf5")), "\"hdf5\" is not known"),
            (export_features(&source, &RowIds::default(), &at("x.safetensors")), "0 ids for 1 rows"),
            (export_features(&kmers, &ids(&["a\nb"]), &at("x.npy")), "line break"),
            (export_features(&kmers, &one, &at("file/x.npy")), "create"),
        ] {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        std::fs::create_dir(at("folder.npy")).unwrap();
        let message = export_features(&kmers, &one, &at("folder.npy")).unwrap_err().to_string();
        assert!(message.contains("it is a folder"), "{message}");
        assert_eq!(names_in(folder.path()), ["file", "folder.npy"]);
    }
}
