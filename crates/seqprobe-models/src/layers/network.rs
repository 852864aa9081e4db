//! From a network, which is all that a family writes, to an [`Encoder`].

use crate::batch::TokenBatch;
use crate::encoder::{Encoder, EncoderSpec, HiddenStates, PackedStates, flatten_padded};
use crate::error::ModelError;
use crate::layers::layer_plan::Kept;
use seqprobe_core::LayerIndex;

/// The forward pass of a family.
pub(crate) trait Network: Send {
    /// Runs a batch once and keeps the requested layers.
    ///
    /// # Errors
    /// [`ModelError`] for a layer that does not exist, an input that is too long, or a libtorch failure.
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError>;

    /// Values per state of a layer: the spec's `hidden`, unless the layers after the last block change it.
    fn width(&self, spec: &EncoderSpec, _layer: LayerIndex) -> usize {
        spec.hidden
    }

    /// Whether every step of the forward pass has a gradient.
    fn is_trainable(&self) -> bool {
        false
    }
}

/// A network and its description as an encoder.
pub(crate) struct NetworkEncoder {
    pub(crate) spec: EncoderSpec,
    pub(crate) network: Box<dyn Network>,
}

impl Encoder for NetworkEncoder {
    fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    fn width(&self, layer: LayerIndex) -> usize {
        self.network.width(&self.spec, layer)
    }

    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError> {
        tch::no_grad(|| self.network.forward(&self.spec, batch, layers)?.into_padded())
    }

    fn packed_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<PackedStates, ModelError> {
        let kept = tch::no_grad(|| self.network.forward(&self.spec, batch, layers))?;
        kept.into_packed(|states| flatten_padded(self, batch, states))
    }

    fn trainable_states(
        &self,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<HiddenStates, ModelError> {
        if !self.network.is_trainable() {
            return Err(ModelError::not_trainable(self.spec.family));
        }
        self.network.forward(&self.spec, batch, layers)?.into_padded()
    }
}
