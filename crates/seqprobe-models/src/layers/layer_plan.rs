//! Which hidden states were requested from one forward pass, and what has been kept of them.

use crate::encoder::{EncoderSpec, HiddenStates, PackedStates};
use crate::error::ModelError;
use crate::layers::packing::Packing;
use seqprobe_core::LayerIndex;
use tch::Tensor;

/// The requested layers and the states that have been kept so far.
pub(crate) struct LayerPlan<'a> {
    requested: &'a [LayerIndex],
    /// The number of each layer, counted from the embedding output.
    numbers: Vec<usize>,
    kept: Vec<Option<Tensor>>,
    last: usize,
}

impl<'a> LayerPlan<'a> {
    /// Plans one forward pass. The state after a norm that follows the last block has the number `n_blocks + 1`.
    pub(crate) fn new(spec: &EncoderSpec, requested: &'a [LayerIndex]) -> Result<Self, ModelError> {
        let mut numbers = Vec::with_capacity(requested.len());
        for layer in requested {
            match layer.canonical(spec.n_blocks, spec.has_final_norm) {
                LayerIndex::Block(number) if number <= spec.n_blocks => numbers.push(number as usize),
                LayerIndex::Final => numbers.push(spec.n_blocks as usize + 1),
                _ => {
                    return Err(ModelError::Layer {
                        asked: layer.to_string(),
                        model: spec.family.to_owned(),
                        n_blocks: spec.n_blocks,
                    });
                }
            }
        }
        let last = numbers.iter().copied().max().unwrap_or(0);
        Ok(Self { requested, kept: requested.iter().map(|_| None).collect(), numbers, last })
    }

    /// Whether no layer beyond this number was requested.
    pub(crate) fn is_done(&self, number: usize) -> bool {
        number >= self.last
    }

    /// Keeps the state of a layer if it was requested.
    pub(crate) fn keep(
        &mut self,
        number: usize,
        state: impl Fn() -> Result<Tensor, ModelError>,
    ) -> Result<(), ModelError> {
        let mut computed: Option<Tensor> = None;
        for (slot, _) in self.kept.iter_mut().zip(&self.numbers).filter(|(_, other)| **other == number) {
            let tensor = match &computed {
                Some(tensor) => tensor.shallow_clone(),
                None => state()?,
            };
            computed = Some(tensor.shallow_clone());
            *slot = Some(tensor);
        }
        Ok(())
    }

    /// Returns the kept states of a network that computes padded batches.
    pub(crate) fn finish(self) -> Kept {
        Kept::Padded(self.into_layers())
    }

    /// Returns the kept states of a network that computes packed tokens.
    pub(crate) fn finish_packed(self, packing: Packing) -> Kept {
        Kept::Packed { layers: self.into_layers(), packing, columns: None }
    }

    /// Returns the kept states as they were computed.
    pub(crate) fn into_layers(self) -> Vec<(LayerIndex, Tensor)> {
        let layers = self.requested.iter().copied().zip(self.kept);
        layers.filter_map(|(layer, kept)| Some((layer, kept?))).collect()
    }
}

/// The states of the requested layers, as the network computes them.
pub(crate) enum Kept {
    /// `[batch, states, width]` each.
    Padded(Vec<(LayerIndex, Tensor)>),
    /// `[packed tokens, width]` each, and the way back to sequences.
    Packed {
        layers: Vec<(LayerIndex, Tensor)>,
        packing: Packing,
        /// Tokens of the padded form, where they are fewer than the packed batch has.
        columns: Option<i64>,
    },
}

impl Kept {
    /// The same states, of which the padded form has only the first `n_tokens` of each sequence.
    pub(crate) fn with_columns(self, n_tokens: i64) -> Self {
        match self {
            Self::Packed { layers, packing, .. } => Self::Packed { layers, packing, columns: Some(n_tokens) },
            padded @ Self::Padded(_) => padded,
        }
    }

    /// Returns the states as a padded batch.
    pub(crate) fn into_padded(self) -> Result<HiddenStates, ModelError> {
        let (layers, packing, columns) = match self {
            Self::Padded(layers) => return Ok(HiddenStates { layers }),
            Self::Packed { layers, packing, columns } => (layers, packing, columns),
        };
        let unpack = |(layer, state): (LayerIndex, Tensor)| {
            let state = packing.unpack(&state)?; // [batch, tokens, width]
            match columns {
                Some(n_tokens) => Ok((layer, state.f_narrow(1, 0, n_tokens)?)),
                None => Ok((layer, state)),
            }
        };
        Ok(HiddenStates { layers: layers.into_iter().map(unpack).collect::<Result<_, ModelError>>()? })
    }

    /// Returns packed states as they are, and padded ones flattened by `flatten`.
    pub(crate) fn into_packed(
        self,
        flatten: impl FnOnce(HiddenStates) -> Result<PackedStates, ModelError>,
    ) -> Result<PackedStates, ModelError> {
        match self {
            Self::Padded(layers) => flatten(HiddenStates { layers }),
            Self::Packed { layers, packing, .. } => Ok(PackedStates { starts: packing.starts(), layers }),
        }
    }
}
