//! The key of a cache entry: everything that changes a stored value, and nothing else.
//!
//! File order, split and duplicates are not in it: an entry holds one row per distinct sequence.

use crate::error::EmbedError;
use crate::extract::windows::Window;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence, LayerIndex, Pooling};
use seqprobe_models::{EncoderSpec, FrozenModel, Precision};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Layout of entries, shard membership included. The bucket of the cache is named after it.
pub const FORMAT_VERSION: u32 = 1;

/// Raised whenever the same hidden states would be pooled to other values.
pub const POOLING_VERSION: u32 = 1;

/// What is done with a sequence of more tokens than the model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truncate {
    /// It is an error, which counts such sequences.
    #[default]
    Error,
    /// The left part is kept.
    Left,
    /// The right part is kept.
    Right,
    /// The middle is kept.
    Center,
}

impl FromStr for Truncate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self::Error),
            "left" => Ok(Self::Left),
            "right" => Ok(Self::Right),
            "center" => Ok(Self::Center),
            _ => Err(format!(
                "truncate {text:?} does not exist\n  hint: use error, or the part to keep: left, right, center"
            )),
        }
    }
}

/// Which strands enter the features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReverseComplement {
    /// The sequence as given.
    #[default]
    Forward,
    /// The mean of the pooled features of the sequence and of its reverse complement.
    Average,
}

impl FromStr for ReverseComplement {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "forward" => Ok(Self::Forward),
            "average" => Ok(Self::Average),
            _ => Err(format!("reverse complement {text:?} does not exist\n  hint: use forward or average")),
        }
    }
}

/// What changes extracted values besides model, layer, pooling and sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtractionSpec {
    /// The precision the model was loaded with.
    pub precision: Precision,
    /// Strands.
    pub reverse_complement: ReverseComplement,
    /// Inputs that are too long.
    pub truncate: Truncate,
    /// Windows that long inputs are read in; with them nothing is cut.
    pub window: Option<Window>,
}

/// Special tokens that a pooling looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpecialTokens {
    /// Left out.
    Excluded,
    /// Counted like others.
    Included,
    /// Only the CLS token.
    ClsOnly,
}

/// The key of one entry: it is hashed whole and stored beside the values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryKey {
    /// Layout of the entry, [`FORMAT_VERSION`].
    pub format: u32,
    /// Digest of the model's weights and configuration.
    pub weights: Digest,
    /// Digest of the tokenizer.
    pub tokenizer: Digest,
    /// Family of the encoder.
    pub family: String,
    /// Version of the encoder's code.
    pub encoder_version: u32,
    /// Precision of the forward pass.
    pub precision: Precision,
    /// The layer by its one name.
    pub layer: LayerIndex,
    /// The pooling.
    pub pooling: Pooling,
    /// Special tokens the pooling looks at.
    pub special_tokens: SpecialTokens,
    /// [`POOLING_VERSION`].
    pub pooling_version: u32,
    /// What was done with inputs that are too long.
    pub truncate: Truncate,
    /// Windows that long inputs were read in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The most tokens the model takes.
    pub max_tokens: Option<usize>,
    /// Strands.
    pub reverse_complement: ReverseComplement,
    /// Type of the stored values.
    pub dtype: String,
    /// Values per vector.
    pub dim: usize,
    /// Digest of the sorted distinct sequences.
    pub sequences: Digest,
}

impl EntryKey {
    /// The key of one layer and pooling of a model over distinct sequences.
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] as in [`check_pooling`].
    pub fn new(
        model: &FrozenModel,
        spec: &ExtractionSpec,
        layer: LayerIndex,
        pooling: Pooling,
        sequences: Digest,
    ) -> Result<Self, EmbedError> {
        let encoder = model.encoder.spec();
        check_pooling(encoder, spec, pooling)?;
        Ok(Self {
            format: FORMAT_VERSION,
            weights: model.weights_digest,
            tokenizer: model.tokenizer_digest,
            family: encoder.family.to_owned(),
            encoder_version: encoder.version,
            precision: spec.precision,
            layer: layer.canonical(encoder.n_blocks, encoder.has_final_norm),
            pooling,
            special_tokens: match pooling {
                Pooling::MeanAll => SpecialTokens::Included,
                Pooling::Cls => SpecialTokens::ClsOnly,
                _ => SpecialTokens::Excluded,
            },
            pooling_version: POOLING_VERSION,
            truncate: spec.truncate,
            window: spec.window,
            max_tokens: encoder.max_tokens,
            reverse_complement: spec.reverse_complement,
            dtype: "f32".to_owned(),
            dim: model.encoder.width(layer),
            sequences,
        })
    }

    /// True when two entries differ in their sequences at most, so that rows of one are rows of the other.
    pub fn is_same_computation(&self, other: &Self) -> bool {
        Self { sequences: other.sequences, ..self.clone() } == *other
    }

    /// The digest of the whole key.
    pub fn digest(&self) -> Digest {
        // Every field is a number, text or a unit variant, so the JSON form always exists; debug text is
        // a second form of the same fields.
        Digest::of_value(self).unwrap_or_else(|_| Digest::of_bytes(format!("{self:?}").as_bytes()))
    }
}

/// Whether a pooling of hidden states exists for a model, and why not.
///
/// # Errors
/// [`EmbedError::NotApplicable`]: `cls` without a CLS token, `flatten` (made from stored tokens by
/// [`crate::Flattened`]), both strands or windows without pooling.
pub fn check_pooling(
    encoder: &EncoderSpec,
    spec: &ExtractionSpec,
    pooling: Pooling,
) -> Result<(), EmbedError> {
    let reason = match pooling {
        Pooling::Flatten => "flatten is made from stored tokens, not from hidden states".to_owned(),
        Pooling::Cls if !encoder.has_cls => {
            format!("this {} model has no CLS token that sees the sequence", encoder.family)
        }
        Pooling::Tokens if spec.reverse_complement == ReverseComplement::Average => {
            "tokens of the two strands do not stand side by side".to_owned()
        }
        Pooling::Tokens if spec.window.is_some() => {
            "tokens of overlapping windows do not stand side by side".to_owned()
        }
        _ => return Ok(()),
    };
    Err(EmbedError::NotApplicable { what: format!("{pooling} pooling"), reason })
}

/// The digest of sorted distinct sequences.
pub(crate) fn sequences_digest(sorted: &[&DnaSequence]) -> Digest {
    let mut builder = DigestBuilder::new("sequence set v1");
    for sequence in sorted {
        builder.part(sequence.as_bytes());
    }
    builder.finish()
}
