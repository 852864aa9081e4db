//! A frozen model as the other rooms see it: encoder, tokenizer and the digests that name its values.

use crate::batch::Tokens;
use crate::encoder::Encoder;
use crate::error::ModelError;
use seqprobe_core::{Digest, DnaSequence, Seed};
use std::path::Path;

/// Floating-point type the encoder computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// 64-bit floats, for checks.
    F64,
}

/// Where the numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// The checkpoint's.
    Pretrained,
    /// The architecture's own initialisation, drawn from a seed: a control.
    Random(Seed),
}

/// How to load a model.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// Pretrained or random.
    pub weights: Weights,
    /// Type to compute in; the file's own type does not matter.
    pub precision: Precision,
    /// Device to compute on.
    pub device: tch::Device,
}

/// A loaded model.
pub struct FrozenModel {
    /// Digest of everything but the tokenizer that changes a value: config, weights (or seed), precision.
    pub weights_digest: Digest,
    /// Digest of the tokenizer's files and settings.
    pub tokenizer_digest: Digest,
    /// The encoder.
    pub encoder: Box<dyn Encoder>,
    /// Padding id of the tokenizer.
    pub pad_id: i64,
    pub(crate) tokenize: Box<dyn Fn(&DnaSequence) -> Result<Tokens, ModelError> + Send + Sync>,
}

impl FrozenModel {
    /// Loads a model from a folder in Hugging Face layout: `config.json`, `model.safetensors` (not needed
    /// for random weights), tokenizer files.
    ///
    /// # Errors
    /// [`ModelError`] naming the file or tensor.
    pub fn load(folder: &Path, options: LoadOptions) -> Result<Self, ModelError> {
        let _ = options;
        Err(ModelError::Io { path: folder.to_owned(), source: std::io::ErrorKind::Unsupported.into() })
    }

    /// Token ids of a sequence, special tokens added.
    ///
    /// # Errors
    /// [`ModelError`] when the sequence has no token (shorter than k).
    pub fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        (self.tokenize)(sequence)
    }
}
