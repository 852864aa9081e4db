//! The key of a cache entry: everything that changes a stored value, and nothing else.
//!
//! It does not contain file order, splits and duplicates: an entry has one row per distinct sequence.

use crate::error::EmbedError;
use crate::spec::{ExtractionSpec, KeepEnd, ReverseComplement, Window, check_pooling};
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence, LayerIndex, Pooling};
use seqprobe_models::{FrozenModel, Precision};
use serde::{Deserialize, Serialize};

/// Version of the layout of entries, including which rows share a shard. The folder of the entries is named after it.
pub const FORMAT_VERSION: u32 = 1;

/// Version of pooling; raised whenever the same hidden states would be pooled to other values.
pub const POOLING_VERSION: u32 = 1;

/// What a pooling does with special tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpecialTokens {
    /// It leaves them out.
    Excluded,
    /// It treats them like other tokens.
    Included,
    /// It takes only the CLS token.
    ClsOnly,
}

/// Type of stored values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredType {
    /// 32-bit floats.
    F32,
}

/// The key of one entry. It is stored with the values, and the digest of all its fields is the entry's address.
///
/// Names, order and values of the serialised fields must stay as they are: another JSON text is another digest, and
/// stored embeddings would not be found any more.
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
    /// The layer in its canonical form.
    pub layer: LayerIndex,
    /// The pooling.
    pub pooling: Pooling,
    /// What the pooling did with special tokens.
    pub special_tokens: SpecialTokens,
    /// [`POOLING_VERSION`].
    pub pooling_version: u32,
    /// The part that was kept of inputs that are too long.
    #[serde(rename = "truncate")]
    pub keep_end: KeepEnd,
    /// Windows that long inputs were read in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Most tokens that the model takes.
    pub max_tokens: Option<usize>,
    /// Strands.
    pub reverse_complement: ReverseComplement,
    /// Type of the stored values.
    pub dtype: StoredType,
    /// Values per vector.
    pub dim: usize,
    /// Digest of the sorted distinct sequences.
    pub sequences: Digest,
}

impl EntryKey {
    /// The key of one layer and pooling of a model over distinct sequences.
    ///
    /// # Errors
    /// [`EmbedError::NotApplicable`] as in [`check_pooling`]; [`EmbedError::Precision`] when the model computes in
    /// another precision than the spec says.
    pub fn new(
        model: &FrozenModel,
        spec: &ExtractionSpec,
        layer: LayerIndex,
        pooling: Pooling,
        sequences: Digest,
    ) -> Result<Self, EmbedError> {
        let encoder = model.encoder.spec();
        check_pooling(encoder, spec, pooling)?;
        if spec.precision != model.precision {
            return Err(EmbedError::Precision { asked: spec.precision, loaded: model.precision });
        }
        Ok(Self {
            format: FORMAT_VERSION,
            weights: model.weights_digest,
            tokenizer: model.tokenizer_digest,
            family: encoder.family.to_owned(),
            encoder_version: encoder.version,
            precision: model.precision,
            layer: layer.canonical(encoder.n_blocks, encoder.has_final_norm),
            pooling,
            special_tokens: match pooling {
                Pooling::MeanAll => SpecialTokens::Included,
                Pooling::Cls => SpecialTokens::ClsOnly,
                _ => SpecialTokens::Excluded,
            },
            pooling_version: POOLING_VERSION,
            keep_end: spec.keep_end,
            window: spec.window,
            max_tokens: encoder.max_tokens,
            reverse_complement: spec.reverse_complement,
            dtype: StoredType::F32,
            dim: model.encoder.width(layer),
            sequences,
        })
    }

    /// True when two entries differ at most in their sequences, so that the rows of one can be used for the other.
    pub fn is_same_computation(&self, other: &Self) -> bool {
        Self { sequences: other.sequences, ..self.clone() } == *other
    }

    /// The digest of the key's JSON text.
    pub fn digest(&self) -> Digest {
        Digest::of_value(self).expect("numbers, texts and unit variants have a JSON form")
    }
}

/// The digest of sorted distinct sequences.
pub(crate) fn sequences_digest(sorted: &[&DnaSequence]) -> Digest {
    let mut builder = DigestBuilder::new("sequence set v1");
    for sequence in sorted {
        builder.part(sequence.as_bytes());
    }
    builder.finish()
}
