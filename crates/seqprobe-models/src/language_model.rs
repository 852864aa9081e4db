//! Language-model heads: hidden states to scores of the vocabulary. What a head is called in a checkpoint stands
//! with its family; which positions are masked, and what is made of the scores, is others' business.

use crate::config_file::ConfigFile;
use crate::error::ModelError;
use crate::layers::{LayerNorm, Linear};
use crate::parameters::Parameters;
use tch::Tensor;

/// What a family is trained to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// The token that a mask hides, from both sides.
    Masked,
    /// The next token, from those before it.
    Causal,
}

/// The head of a family.
pub struct HeadEntry {
    /// What its models are trained to tell.
    pub objective: Objective,
    /// Takes the head's tensors by the checkpoint's own names.
    pub take: fn(&ConfigFile, &mut Parameters) -> Result<Head, ModelError>,
    /// Words of `vocab.txt`, in the order of their ids, that a new model of the family gets; nothing where its code
    /// has a fixed vocabulary. `None` for families that this program does not train.
    pub new_vocabulary: Option<&'static [&'static str]>,
}

/// Letters as tokens of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetterIds {
    /// Ids of A, C, G and T.
    pub acgt: [i64; 4],
    /// Id of every other letter.
    pub unknown: i64,
    /// Id of the mask, where the vocabulary has one.
    pub mask: Option<i64>,
}

/// A head: perhaps a layer with GELU and a norm, then the scores.
pub struct Head {
    transform: Option<(Linear, LayerNorm)>,
    decoder: Linear,
}

impl Head {
    pub(crate) fn new(transform: Option<(Linear, LayerNorm)>, decoder: Linear) -> Self {
        Self { transform, decoder }
    }

    /// # Shapes
    /// `[…, hidden]` to `[…, vocabulary]`
    ///
    /// # Errors
    /// [`ModelError::Torch`] when the sizes do not fit.
    pub fn logits(&self, states: &Tensor) -> Result<Tensor, ModelError> {
        match &self.transform {
            None => self.decoder.forward(states),
            Some((layer, norm)) => {
                self.decoder.forward(&norm.forward(&layer.forward(states)?.f_gelu("none")?)?)
            }
        }
    }
}
