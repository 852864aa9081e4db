//! A frozen model as other crates see it: encoder, tokenizer, and the digests that identify its values.

use crate::batch::Tokens;
use crate::encoder::Encoder;
use crate::error::ModelError;
use seqprobe_core::{Digest, DnaSequence, Seed};
use std::str::FromStr;
use thiserror::Error;

/// Floating-point type in which the encoder computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 64-bit floats, for checks.
    F64,
    /// Matrix products of linear layers and attention in bfloat16. Sums, norms, embeddings and the states have 32 bits.
    /// This is faster only if the hardware multiplies bfloat16 (AMX, most GPUs).
    Bf16,
}

/// A text that is not a precision.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("precision {text:?} does not exist\n  hint: use f32 or bf16")]
pub struct UnknownPrecision {
    /// What was written.
    pub text: String,
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(text: &str) -> Result<Self, UnknownPrecision> {
        match text {
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err(UnknownPrecision { text: text.to_owned() }),
        }
    }
}

impl Precision {
    /// Returns the type of states.
    pub fn kind(self) -> tch::Kind {
        match self {
            Self::F32 | Self::Bf16 => tch::Kind::Float,
            Self::F64 => tch::Kind::Double,
        }
    }

    /// Returns the type of the factors of matrix products, if it differs from that of states.
    pub(crate) fn matmul_kind(self) -> Option<tch::Kind> {
        (self == Self::Bf16).then_some(tch::Kind::BFloat16)
    }

    /// The text that digests cover. It must stay the same, or cached embeddings are lost.
    pub(crate) fn digest_text(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F64 => "F64",
            Self::Bf16 => "Bf16",
        }
    }
}

/// The source of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// The checkpoint's.
    Pretrained,
    /// Random weights, drawn from a seed as the authors' code initialises them: a control.
    Random(Seed),
}

/// How to load a model.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// Pretrained or random.
    pub weights: Weights,
    /// Type in which the model computes, whatever the type of the file is.
    pub precision: Precision,
    /// Device on which the model computes.
    pub device: tch::Device,
    /// Whether a model may run code of its own: a TorchScript file or a worker process.
    pub allow_code: bool,
}

/// A loaded model.
pub struct FrozenModel {
    /// Digest of everything except the tokenizer that changes a value: config, weights (or seed), precision.
    pub weights_digest: Digest,
    /// Digest of the tokenizer's files and settings.
    pub tokenizer_digest: Digest,
    /// The encoder.
    pub encoder: Box<dyn Encoder>,
    /// Padding id of the tokenizer.
    pub pad_id: i64,
    /// Device on which the encoder computes.
    pub device: tch::Device,
    /// Precision that the model was loaded with.
    pub precision: Precision,
    pub(crate) tokenize: Tokenize,
}

/// Converts a sequence to token ids, added tokens included.
pub type Tokenize = Box<dyn Fn(&DnaSequence) -> Result<Tokens, ModelError> + Send + Sync>;

impl FrozenModel {
    /// Makes a model from an encoder and a tokenizer, for encoders that do not come from a folder. The digests must
    /// change whenever a value changes, because they identify the model in every cache. The precision is
    /// [`Precision::F32`] unless the caller sets it.
    pub fn from_parts(
        encoder: Box<dyn Encoder>,
        tokenize: Tokenize,
        pad_id: i64,
        device: tch::Device,
        weights_digest: Digest,
        tokenizer_digest: Digest,
    ) -> Self {
        let precision = Precision::F32;
        Self { weights_digest, tokenizer_digest, encoder, pad_id, device, precision, tokenize }
    }

    /// Returns the token ids of a sequence, special tokens included.
    ///
    /// # Errors
    /// [`ModelError`] if the sequence has no token (it is shorter than k).
    pub fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        (self.tokenize)(sequence)
    }

    /// The function that [`Self::tokenize`] calls. Unlike the encoder, threads may share it.
    pub fn tokenizer(&self) -> &Tokenize {
        &self.tokenize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_texts_of_precisions_never_change() {
        let texts = [Precision::F32, Precision::F64, Precision::Bf16].map(Precision::digest_text);
        assert_eq!(texts, ["F32", "F64", "Bf16"]);
    }

    #[test]
    fn precisions_are_read_by_name() {
        assert_eq!("bf16".parse(), Ok(Precision::Bf16));
        let error = "f64".parse::<Precision>().unwrap_err().to_string();
        assert_eq!(error, "precision \"f64\" does not exist\n  hint: use f32 or bf16");
    }

    #[test]
    fn a_model_can_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<FrozenModel>();
    }
}
