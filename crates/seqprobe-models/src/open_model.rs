//! Opens a model by its path: a folder in Hugging Face layout, or the manifest of a model that brings its own code.

use crate::error::ModelError;
use crate::folder::model_folder::model_folder;
use crate::foreign::model_manifest;
use crate::layers::language_model_head::Head;
use crate::load_folder::{load_folder, load_masked_model};
use crate::model::{FrozenModel, LoadOptions, Weights};
use crate::tokenizer::NucleotideIds;
use std::path::Path;

/// Opens a model: a folder with `config.json`, weights (see [`Checkpoint::open`](crate::checkpoint::Checkpoint::open);
/// not needed for random ones) and tokenizer files, a file in such a folder, the entry of a Hugging Face cache, or a manifest, a `.toml` file. The model of a manifest runs code of
/// its own, so `allow_code` must be set.
///
/// # Errors
/// [`ModelError`] naming the file or tensor.
pub fn open_model(path: &Path, options: LoadOptions) -> Result<FrozenModel, ModelError> {
    match model_manifest::is_manifest(path) {
        true => model_manifest::load(path, options),
        false => load_folder(&model_folder(path, needs_weights(options))?, options),
    }
}

/// Opens a masked language model with its head, and returns the ids of the nucleotides too.
///
/// # Errors
/// [`ModelError::LanguageModel`] for a model whose head is not known, else as [`open_model()`].
pub(crate) fn open_masked_model(
    path: &Path,
    options: LoadOptions,
) -> Result<(FrozenModel, Head, NucleotideIds), ModelError> {
    if model_manifest::is_manifest(path) {
        let message = "models that bring their own code have no head that this program knows".to_owned();
        return Err(ModelError::LanguageModel { model: path.display().to_string(), message });
    }
    load_masked_model(&model_folder(path, needs_weights(options))?, options)
}

fn needs_weights(options: LoadOptions) -> bool {
    matches!(options.weights, Weights::Pretrained)
}
