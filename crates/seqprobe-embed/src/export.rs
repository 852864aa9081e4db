//! Features as files for other programs: npy with ids beside it, or safetensors with ids inside.

use crate::atomic_file::AtomicFile;
use crate::error::EmbedError;
use crate::shard_write::{FEATURES, OFFSETS, TOKENS};
use crate::tensor_file::{LARGEST_HEADER, TensorHead, file_head};
use npyz::WriterBuilder;
use seqprobe_core::{FeatureKind, FeatureSource};
use std::path::Path;

/// Values read at a time.
const BLOCK_VALUES: usize = 1 << 22;

/// Writes all rows of a source to `path`, whole or not at all.
///
/// - `X.npy`: `[n, dim]` of 32-bit floats, and `X.ids.txt` with one id per line.
/// - `X.safetensors`: `features [n, dim]`, or for tokens `tokens [Σ length, dim]` with `offsets [n + 1]`;
///   the ids are a JSON array under `ids` in the metadata.
///
/// # Errors
/// [`EmbedError::Export`] for another ending, tokens to npy, or ids that do not match; errors of the
/// source and the file system.
pub fn export_features(source: &dyn FeatureSource, ids: &[String], path: &Path) -> Result<(), EmbedError> {
    let refuse = |reason: String| Err(EmbedError::Export { path: path.to_owned(), reason });
    if ids.len() != source.n_rows() {
        return refuse(format!("there are {} ids for {} rows", ids.len(), source.n_rows()));
    }
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match (ending.as_str(), source.kind()) {
        ("npy", FeatureKind::Pooled) => export_npy(source, ids, path),
        ("npy", FeatureKind::Tokens) => refuse(
            "npy holds one shape, and rows have different numbers of tokens\n  hint: use .safetensors, or a pooling"
                .into(),
        ),
        ("safetensors", _) => export_safetensors(source, ids, path),
        _ => refuse(format!("the ending {ending:?} is not known\n  hint: use .npy or .safetensors")),
    }
}

fn export_npy(source: &dyn FeatureSource, ids: &[String], path: &Path) -> Result<(), EmbedError> {
    if let Some(id) = ids.iter().find(|id| id.contains(['\n', '\r'])) {
        let reason = format!("the id {id:?} has a line break, so ids cannot stand one per line");
        return Err(EmbedError::Export { path: path.to_owned(), reason });
    }
    // Both files are written before either gets its name.
    let mut id_file = AtomicFile::create(&path.with_extension("ids.txt"))?;
    for id in ids {
        id_file.write(id.as_bytes())?;
        id_file.write(b"\n")?;
    }
    let mut file = AtomicFile::create(path)?;
    let failed = |error| EmbedError::io("write", path, error);
    let mut writer = npyz::WriteOptions::<f32>::new()
        .default_dtype()
        .shape(&[source.n_rows() as u64, source.dim() as u64])
        .writer(&mut file)
        .begin_nd()
        .map_err(failed)?;
    for_each_block(source, &mut |values| writer.extend(values.iter().copied()).map_err(failed))?;
    writer.finish().map_err(failed)?;
    id_file.finish()?;
    file.finish()
}

fn export_safetensors(source: &dyn FeatureSource, ids: &[String], path: &Path) -> Result<(), EmbedError> {
    let (rows, dim) = (source.n_rows() as u64, source.dim() as u64);
    let mut tensors = Vec::new();
    let mut offsets = Vec::new();
    if source.kind() == FeatureKind::Tokens {
        let mut offset = 0_i64;
        offsets.extend_from_slice(&offset.to_le_bytes());
        for row in 0..source.n_rows() {
            offset += source.length(row) as i64;
            offsets.extend_from_slice(&offset.to_le_bytes());
        }
        tensors.push(TensorHead { name: OFFSETS, dtype: "I64", shape: vec![rows + 1], width: 8 });
        tensors.push(TensorHead { name: TOKENS, dtype: "F32", shape: vec![offset as u64, dim], width: 4 });
    } else {
        tensors.push(TensorHead { name: FEATURES, dtype: "F32", shape: vec![rows, dim], width: 4 });
    }
    let ids = serde_json::Value::from(ids).to_string();
    let head = file_head(&[("format", "seqprobe-features-1".to_owned()), ("ids", ids)], &tensors);
    if head.len() - 8 > LARGEST_HEADER {
        let reason = format!(
            "the ids take {} bytes, more than the {LARGEST_HEADER} a safetensors header may have\n  hint: use .npy",
            head.len()
        );
        return Err(EmbedError::Export { path: path.to_owned(), reason });
    }
    let mut file = AtomicFile::create(path)?;
    file.write(&head)?;
    file.write(&offsets)?;
    let mut bytes = Vec::new();
    for_each_block(source, &mut |values| {
        bytes.clear();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        file.write(&bytes)
    })?;
    file.finish()
}

/// Reads all rows in order, some at a time.
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
    use crate::kmer::KmerFrequencies;
    use crate::onehot::OneHot;
    use safetensors::SafeTensors;
    use seqprobe_core::DnaSequence;

    fn sequences(texts: &[&str]) -> Vec<DnaSequence> {
        texts.iter().map(|text| DnaSequence::parse(text).unwrap().0).collect()
    }

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
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
    fn npy_holds_the_values_and_the_ids_stand_beside_it() {
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
    fn what_cannot_be_exported_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let sequences = sequences(&["AC"]);
        let source = OneHot::new(&sequences);
        let kmers = KmerFrequencies::new(&sequences, 1).unwrap();
        let at = |name: &str| folder.path().join(name);
        let one = ids(&["a"]);
        for (result, expected) in [
            (export_features(&source, &one, &at("x.npy")), "different numbers of tokens"),
            (export_features(&source, &one, &at("x.hdf5")), "\"hdf5\" is not known"),
            (export_features(&source, &[], &at("x.safetensors")), "0 ids for 1 rows"),
            (export_features(&kmers, &ids(&["a\nb"]), &at("x.npy")), "line break"),
            (export_features(&kmers, &one, &at("absent/x.npy")), "cannot create"),
        ] {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        std::fs::create_dir(at("folder.npy")).unwrap();
        let message = export_features(&kmers, &one, &at("folder.npy")).unwrap_err().to_string();
        assert!(message.contains("it is a folder"), "{message}");
        assert_eq!(names_in(folder.path()), ["folder.npy"]);
    }
}
