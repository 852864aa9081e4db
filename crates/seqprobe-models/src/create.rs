//! Writes small, randomly initialised models in Hugging Face layout: to try commands without a network, and for tests.
//! They are not trained.

use crate::error::ModelError;
use crate::families::{Family, bert_config_json, gpn_config_json, recognise};
use crate::folder::config_file::ConfigFile;
use crate::parameters::{DrawnTensor, Parameters};
use safetensors::{Dtype, tensor::TensorView};
use seqprobe_core::Seed;
use seqprobe_files::write_whole;
use std::collections::HashMap;
use std::path::Path;
use tch::{Device, Kind};

/// Writes a BERT over overlapping k-mers (DNABERT's vocabulary and file layout): `layers` blocks of `width`, a
/// feed-forward of 4 × `width`, 512 positions. A missing folder is created, and files of the same name are
/// replaced. Invalid sizes change nothing.
///
/// # Errors
/// [`ModelError::Config`] if sizes do not fit together, [`ModelError::Io`] if a file cannot be written.
pub fn bert(
    folder: &Path,
    k: usize,
    layers: usize,
    width: usize,
    heads: usize,
    seed: Seed,
) -> Result<(), ModelError> {
    if !(1..=8).contains(&k) {
        let message = format!("k is {k}, expected 1 to 8");
        return Err(ModelError::Tokenizer { path: folder.to_owned(), message });
    }
    let mut vocabulary: Vec<String> =
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].into_iter().map(str::to_owned).collect();
    for code in 0..4_usize.pow(k as u32) {
        vocabulary.push((0..k).rev().map(|place| ['A', 'T', 'C', 'G'][(code >> (2 * place)) & 3]).collect());
    }
    write_model(folder, &bert_config_json(vocabulary.len(), layers, width, heads), &vocabulary, seed)
}

/// Writes a GPN over single bases: `layers` blocks of `width`, kernel 9. See [`bert`] for the files.
///
/// # Errors
/// As [`bert`].
pub fn gpn(folder: &Path, layers: usize, width: usize, seed: Seed) -> Result<(), ModelError> {
    let vocabulary: Vec<String> =
        ["[PAD]", "[MASK]", "[UNK]", "a", "c", "g", "t"].into_iter().map(str::to_owned).collect();
    write_model(folder, &gpn_config_json(vocabulary.len(), layers, width), &vocabulary, seed)
}

fn write_model(
    folder: &Path,
    config: &serde_json::Value,
    vocabulary: &[String],
    seed: Seed,
) -> Result<(), ModelError> {
    let file = ConfigFile::from_value(folder.join("config.json"), config.clone())?;
    let family = recognise(&file)?;
    let mut parameters = Parameters::random(seed, Kind::Float, Device::Cpu);
    parameters.drawn = Some(Vec::new());
    (family.load)(&file, &mut parameters)?;
    let path = folder.join("model.safetensors");
    let weights = serialized(family, &parameters.drawn.unwrap_or_default(), &path)?;
    write_whole(&path, &weights)?;
    write_whole(&folder.join("vocab.txt"), format!("{}\n", vocabulary.join("\n")).as_bytes())?;
    Ok(write_whole(file.path(), format!("{config:#}\n").as_bytes())?)
}

/// Returns the bytes of a safetensors file with the family's usual prefix.
fn serialized(family: &Family, tensors: &[DrawnTensor], path: &Path) -> Result<Vec<u8>, ModelError> {
    let error = |error: safetensors::SafeTensorError| ModelError::Checkpoint {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let prefix = family.tensors.usual_prefix();
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|tensor| tensor.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let mut views = Vec::with_capacity(tensors.len());
    for (tensor, bytes) in tensors.iter().zip(&bytes) {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).map_err(error)?;
        let prefix = if tensor.is_unprefixed { "" } else { prefix };
        views.push((format!("{prefix}{}", tensor.name), view));
    }
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(error)
}
