//! Language-model heads: from hidden states to scores of the vocabulary. Each family knows the tensor names of its
//! head.

use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use crate::layers::linear::{LayerNorm, Linear};
use crate::parameters::Parameters;
use tch::Tensor;

/// What a family is trained to predict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// A masked token, from the tokens on both sides.
    Masked,
    /// The next token, from the tokens before it.
    Causal,
}

/// The head of a family.
pub struct HeadEntry {
    /// What its models are trained to predict.
    pub objective: Objective,
    /// Takes the head's tensors by the checkpoint's own names.
    pub take: fn(&ConfigFile, &mut Parameters) -> Result<Head, ModelError>,
    /// The tokens of `vocab.txt` for a new model of the family, in the order of their ids; empty if its code has a
    /// fixed vocabulary. `None` for families that this program does not train.
    pub new_vocabulary: Option<&'static [&'static str]>,
}

/// A head: an optional layer with GELU and a norm, then the scores.
pub struct Head {
    transform: Option<(Linear, LayerNorm)>,
    decoder: Linear,
}

impl Head {
    pub(crate) fn new(transform: Option<(Linear, LayerNorm)>, decoder: Linear) -> Self {
        Self { transform, decoder }
    }

    /// Computes the scores of the vocabulary.
    ///
    /// # Shapes
    /// `[…, hidden]` to `[…, vocabulary]`
    ///
    /// # Errors
    /// [`ModelError::Torch`] if the sizes do not fit.
    pub fn logits(&self, states: &Tensor) -> Result<Tensor, ModelError> {
        match &self.transform {
            None => self.decoder.forward(states),
            Some((layer, norm)) => {
                self.decoder.forward(&norm.forward(&layer.forward(states)?.f_gelu("none")?)?)
            }
        }
    }
}
