//! What every encoder offers: its dimensions and the hidden states of the requested layers.

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
    /// The most tokens, added ones included; `None` if there is no limit.
    pub max_tokens: Option<usize>,
    /// True if the model has a norm (or other layers) after the last block, so that `final` differs from the last
    /// block.
    pub has_final_norm: bool,
    /// True if the tokenizer adds a CLS token at the start and its state sees the sequence. The first state of a causal
    /// model sees only itself.
    pub has_cls: bool,
    /// Tokens per hidden state: 1, or the bin size of an encoder that reads single bases and gives one state per
    /// bin. A sequence of `n` tokens has `n.div_ceil(state_stride)` states.
    pub state_stride: usize,
    /// Number of parameters of the encoder.
    pub n_parameters: u64,
    /// Raised whenever the same weights and tokens would give other values. It is part of every cache key.
    pub version: u32,
}

/// Hidden states of a batch, one tensor per requested layer, in the order of the request.
#[derive(Debug)]
pub struct HiddenStates {
    /// # Shapes
    /// Each `[batch, states, width]`, see [`Encoder::width`], where states are tokens for a state stride of 1; rows
    /// beyond a sequence's own states are undefined.
    pub layers: Vec<(LayerIndex, Tensor)>,
}

/// Hidden states of a batch whose sequences follow one another. There may be padding between them, which is not read.
#[derive(Debug)]
pub struct PackedStates {
    /// # Shapes
    /// Each `[rows, width]`, see [`Encoder::width`]; one tensor per requested layer, in the order of the request.
    pub layers: Vec<(LayerIndex, Tensor)>,
    /// The row of each sequence's first state; the others follow it.
    pub starts: Vec<usize>,
}

/// A frozen encoder. The states of a sequence do not depend on the other sequences of its batch.
pub trait Encoder: Send {
    /// Dimensions and limits.
    fn spec(&self) -> &EncoderSpec;

    /// Values per state of a layer: the spec's `hidden`, unless the layers after the last block change it.
    fn width(&self, _layer: LayerIndex) -> usize {
        self.spec().hidden
    }

    /// Runs the batch once and keeps the requested layers. It stops after the last of them.
    ///
    /// # Errors
    /// [`ModelError`] for a layer that does not exist, an input that is too long, or a libtorch failure.
    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError>;

    /// As [`Encoder::hidden_states`], but without padding if the encoder computes none.
    ///
    /// # Errors
    /// As [`Encoder::hidden_states`].
    fn packed_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<PackedStates, ModelError> {
        flatten_padded(self, batch, self.hidden_states(batch, layers)?)
    }

    /// As [`Encoder::hidden_states`], by the same code, but with gradients if they are on in the calling thread.
    ///
    /// # Errors
    /// As [`Encoder::hidden_states`]; [`ModelError::LanguageModel`] for an encoder that has no gradients.
    fn trainable_states(
        &self,
        _batch: &TokenBatch,
        _layers: &[LayerIndex],
    ) -> Result<HiddenStates, ModelError> {
        Err(ModelError::not_trainable(self.spec().family))
    }
}

/// Flattens a padded batch: each sequence has as many rows as the longest one.
///
/// # Errors
/// [`ModelError::Batch`] for states of another shape than the spec says.
pub(crate) fn flatten_padded<E: Encoder + ?Sized>(
    encoder: &E,
    batch: &TokenBatch,
    padded: HiddenStates,
) -> Result<PackedStates, ModelError> {
    let n_sequences = batch.lengths.len();
    let n_states = batch.ids.ncols().div_ceil(encoder.spec().state_stride.max(1));
    let mut layers = Vec::with_capacity(padded.layers.len());
    for (layer, states) in padded.layers {
        let expected = [n_sequences as i64, n_states as i64, encoder.width(layer) as i64];
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
