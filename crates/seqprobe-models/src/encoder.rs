//! What every encoder offers: its dimensions and the hidden states of the layers asked for.

use crate::batch::TokenBatch;
use crate::error::ModelError;
use seqprobe_core::LayerIndex;
use tch::Tensor;

/// Dimensions and limits of an encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderSpec {
    /// Family, an identifier of the registry: `bert`, `gpn`, ….
    pub family: &'static str,
    /// Blocks; layers run from 0 (embedding output) to this number.
    pub n_blocks: u32,
    /// Values per state; for the states after the last block see [`Encoder::width`].
    pub hidden: usize,
    /// The most tokens, added ones included; `None` when there is no limit.
    pub max_tokens: Option<usize>,
    /// True when the model has a norm (or other layers of its own) after the last block, so that `final`
    /// differs from the last block.
    pub has_final_norm: bool,
    /// True when the tokenizer puts a CLS token first and its state sees the sequence; a causal model's first
    /// state sees nothing but itself.
    pub has_cls: bool,
    /// Tokens that one hidden state stands for: 1, or the bin of an encoder that reads letters and gives
    /// one state per bin. A sequence of `n` tokens has `n.div_ceil(state_stride)` states.
    pub state_stride: usize,
    /// Numbers in the encoder's parameters.
    pub n_parameters: u64,
    /// Raised whenever the same weights and tokens would give other values; part of every cache key.
    pub version: u32,
}

/// Hidden states of a batch, one tensor per layer asked for, in the order asked.
#[derive(Debug)]
pub struct HiddenStates {
    /// # Shapes
    /// Each `[batch, states, width]`, see [`Encoder::width`], where states are tokens for a state stride of 1; rows beyond a
    /// sequence's own states are undefined.
    pub layers: Vec<(LayerIndex, Tensor)>,
}

/// Hidden states of a batch in which nothing stands between the sequences, or padding that nobody reads.
#[derive(Debug)]
pub struct PackedStates {
    /// # Shapes
    /// Each `[rows, width]`, see [`Encoder::width`]; one tensor per layer asked for, in the order asked.
    pub layers: Vec<(LayerIndex, Tensor)>,
    /// The row of each sequence's first state; the others follow it.
    pub starts: Vec<usize>,
}

/// A frozen encoder. The states of a sequence do not depend on what else is in its batch.
pub trait Encoder: Send {
    /// Dimensions and limits.
    fn spec(&self) -> &EncoderSpec;

    /// Values per state of a layer: the spec's `hidden`, unless the layers after the last block change it.
    fn width(&self, _layer: LayerIndex) -> usize {
        self.spec().hidden
    }

    /// Runs the batch once and keeps the layers asked for; stops after the last of them.
    ///
    /// # Errors
    /// [`ModelError`] for a layer that does not exist, an input that is too long, or a libtorch failure.
    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError>;

    /// As [`Encoder::hidden_states`], without making room for padding where the encoder computes none.
    ///
    /// # Errors
    /// As [`Encoder::hidden_states`].
    fn packed_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<PackedStates, ModelError> {
        let padded = self.hidden_states(batch, layers)?;
        let n_sequences = batch.lengths.len();
        let n_states = batch.ids.ncols().div_ceil(self.spec().state_stride.max(1));
        let mut layers = Vec::with_capacity(padded.layers.len());
        for (layer, states) in padded.layers {
            let expected = [n_sequences as i64, n_states as i64, self.width(layer) as i64];
            if states.size() != expected {
                return Err(ModelError::Batch(format!(
                    "states of layer {layer} have shape {:?}, expected {expected:?}",
                    states.size()
                )));
            }
            layers.push((layer, states.f_flatten(0, 1)?));
        }
        Ok(PackedStates { layers, starts: (0..n_sequences).map(|row| row * n_states).collect() })
    }

    /// As [`Encoder::hidden_states`], by the same code, and with gradients where the caller's thread computes them.
    ///
    /// # Errors
    /// As [`Encoder::hidden_states`]; [`ModelError::LanguageModel`] for an encoder that has no gradients.
    fn trainable_states(
        &self,
        _batch: &TokenBatch,
        _layers: &[LayerIndex],
    ) -> Result<HiddenStates, ModelError> {
        Err(ModelError::LanguageModel {
            model: self.spec().family.to_owned(),
            message: "models of this family cannot be trained".to_owned(),
        })
    }
}

/// The same encoder behind a tokenizer that puts no CLS first.
pub(crate) fn without_cls(encoder: Box<dyn Encoder>) -> Box<dyn Encoder> {
    let spec = EncoderSpec { has_cls: false, ..encoder.spec().clone() };
    Box::new(WithoutCls { encoder, spec })
}

struct WithoutCls {
    encoder: Box<dyn Encoder>,
    spec: EncoderSpec,
}

impl Encoder for WithoutCls {
    fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    fn width(&self, layer: LayerIndex) -> usize {
        self.encoder.width(layer)
    }

    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError> {
        self.encoder.hidden_states(batch, layers)
    }

    fn packed_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<PackedStates, ModelError> {
        self.encoder.packed_states(batch, layers)
    }

    fn trainable_states(
        &self,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<HiddenStates, ModelError> {
        self.encoder.trainable_states(batch, layers)
    }
}
