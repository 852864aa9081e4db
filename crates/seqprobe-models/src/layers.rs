//! The layers that most families have, and the bookkeeping of which hidden states were asked for.

use crate::encoder::{EncoderSpec, HiddenStates, PackedStates};
use crate::error::ModelError;
use crate::initialise::Initialisation;
use crate::packing::Packing;
use crate::parameters::Parameters;
use seqprobe_core::LayerIndex;
use tch::Tensor;

/// `x · weightᵀ + bias`, computed and given in the type of the weight.
pub(crate) struct Linear {
    /// `[outputs, inputs]`
    weight: Tensor,
    /// `[outputs]`
    bias: Option<Tensor>,
}

impl Linear {
    pub(crate) fn take(
        parameters: &mut Parameters,
        stem: &str,
        inputs: usize,
        outputs: usize,
        initialisation: Initialisation,
    ) -> Result<Self, ModelError> {
        let weight = parameters.take(&format!("{stem}.weight"), &[outputs, inputs], initialisation)?;
        let bias = parameters.take(&format!("{stem}.bias"), &[outputs], Initialisation::Zeros)?;
        Self::for_products(parameters, &weight, Some(&bias))
    }

    /// A layer that has no bias.
    pub(crate) fn take_without_bias(
        parameters: &mut Parameters,
        stem: &str,
        inputs: usize,
        outputs: usize,
        initialisation: Initialisation,
    ) -> Result<Self, ModelError> {
        let weight = parameters.take(&format!("{stem}.weight"), &[outputs, inputs], initialisation)?;
        Self::for_products(parameters, &weight, None)
    }

    /// A layer of the model's outer class: no prefix is put before its names.
    ///
    /// # Shapes
    /// `sizes`: inputs, outputs
    pub(crate) fn take_outer(
        parameters: &mut Parameters,
        stem: &str,
        [inputs, outputs]: [usize; 2],
        initialisation: Initialisation,
        has_bias: bool,
    ) -> Result<Self, ModelError> {
        let weight = parameters.take_outer(&format!("{stem}.weight"), &[outputs, inputs], initialisation)?;
        let mut bias = None;
        if has_bias {
            bias = Some(parameters.take_outer(&format!("{stem}.bias"), &[outputs], Initialisation::Zeros)?);
        }
        Ok(Self { weight, bias })
    }

    /// From tensors that were taken already.
    pub(crate) fn from_parts(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias }
    }

    /// From tensors that were taken already, in the type that products have.
    pub(crate) fn for_products(
        parameters: &Parameters,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Self, ModelError> {
        let kind = parameters.product_kind();
        let bias = bias.map(|bias| bias.f_to_kind(kind)).transpose()?;
        Ok(Self { weight: weight.f_to_kind(kind)?, bias })
    }

    /// One layer with bias whose outputs are those of several of equal shape, one after another: each is read
    /// into its own rows.
    pub(crate) fn take_stacked(
        parameters: &mut Parameters,
        stems: &[String],
        [inputs, outputs]: [usize; 2],
        weights: Initialisation,
        biases: Initialisation,
    ) -> Result<Self, ModelError> {
        let options = (parameters.kind(), parameters.device());
        let rows = (stems.len() * outputs) as i64;
        let weight = Tensor::f_empty([rows, inputs as i64], options)?;
        let bias = Tensor::f_empty([rows], options)?;
        for (index, stem) in stems.iter().enumerate() {
            let own = |whole: &Tensor| whole.f_narrow(0, (index * outputs) as i64, outputs as i64);
            let (weight_name, bias_name) = (format!("{stem}.weight"), format!("{stem}.bias"));
            parameters.take_into(&weight_name, &[outputs, inputs], weights, &mut own(&weight)?)?;
            parameters.take_into(&bias_name, &[outputs], biases, &mut own(&bias)?)?;
        }
        Self::for_products(parameters, &weight, Some(&bias))
    }

    /// # Shapes
    /// `[…, inputs]` to `[…, outputs]`
    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        Ok(input.f_to_kind(self.weight.kind())?.f_linear(&self.weight, self.bias.as_ref())?)
    }

    /// The outputs added to `state`, in its type.
    ///
    /// # Shapes
    /// `[rows, inputs]` and `[rows, outputs]` to `[rows, outputs]`
    pub(crate) fn add_to(&self, state: &Tensor, input: &Tensor) -> Result<Tensor, ModelError> {
        if state.kind() != self.weight.kind() {
            return Ok(state.f_add(&self.forward(input)?)?);
        }
        // The product is added where it is made, instead of being written and read once more.
        let columns = self.weight.f_tr()?;
        match &self.bias {
            Some(bias) => Ok(state.f_add(bias)?.f_addmm_(input, &columns)?),
            None => Ok(state.f_addmm(input, &columns)?),
        }
    }
}

/// Layer normalisation over the last dimension.
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Option<Tensor>,
    width: i64,
    epsilon: f64,
}

impl LayerNorm {
    pub(crate) fn take(
        parameters: &mut Parameters,
        stem: &str,
        width: usize,
        epsilon: f64,
    ) -> Result<Self, ModelError> {
        let weight = parameters.present(&[".weight", ".gamma"], stem);
        let bias = parameters.present(&[".bias", ".beta"], stem);
        Ok(Self {
            weight: parameters.take(&format!("{stem}{weight}"), &[width], Initialisation::Ones)?,
            bias: Some(parameters.take(&format!("{stem}{bias}"), &[width], Initialisation::Zeros)?),
            width: width as i64,
            epsilon,
        })
    }

    /// A norm that has no bias.
    pub(crate) fn take_without_bias(
        parameters: &mut Parameters,
        stem: &str,
        width: usize,
        epsilon: f64,
    ) -> Result<Self, ModelError> {
        let weight = parameters.take(&format!("{stem}.weight"), &[width], Initialisation::Ones)?;
        Ok(Self { weight, bias: None, width: width as i64, epsilon })
    }

    /// A norm of the model's outer class: no prefix is put before its names.
    pub(crate) fn take_outer(
        parameters: &mut Parameters,
        stem: &str,
        width: usize,
        epsilon: f64,
        has_bias: bool,
    ) -> Result<Self, ModelError> {
        let is_old = parameters.has_stored_outer(&format!("{stem}.gamma"));
        let names = if is_old { ["gamma", "beta"] } else { ["weight", "bias"] };
        let [weight, bias] = names.map(|name| format!("{stem}.{name}"));
        let weight = parameters.take_outer(&weight, &[width], Initialisation::Ones)?;
        let bias = match has_bias {
            true => Some(parameters.take_outer(&bias, &[width], Initialisation::Zeros)?),
            false => None,
        };
        Ok(Self { weight, bias, width: width as i64, epsilon })
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        Ok(input.f_layer_norm(self.width, Some(&self.weight), self.bias.as_ref(), self.epsilon, true)?)
    }
}

/// Which layers were asked for and what has been kept of them.
pub(crate) struct LayerPlan<'a> {
    asked: &'a [LayerIndex],
    /// The layer number of each, counted from the embedding output.
    numbers: Vec<usize>,
    kept: Vec<Option<Tensor>>,
    last: usize,
}

impl<'a> LayerPlan<'a> {
    /// The state after a norm that follows the last block has the number `n_blocks + 1`.
    pub(crate) fn new(spec: &EncoderSpec, asked: &'a [LayerIndex]) -> Result<Self, ModelError> {
        let mut numbers = Vec::with_capacity(asked.len());
        for layer in asked {
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
        Ok(Self { asked, kept: asked.iter().map(|_| None).collect(), numbers, last })
    }

    /// Whether no layer beyond this number was asked for.
    pub(crate) fn is_done(&self, number: usize) -> bool {
        number >= self.last
    }

    /// Keeps the state of a layer where it was asked for.
    pub(crate) fn keep(
        &mut self,
        number: usize,
        state: impl Fn() -> Result<Tensor, ModelError>,
    ) -> Result<(), ModelError> {
        let mut made: Option<Tensor> = None;
        for (slot, _) in self.kept.iter_mut().zip(&self.numbers).filter(|(_, asked)| **asked == number) {
            let tensor = match &made {
                Some(tensor) => tensor.shallow_clone(),
                None => state()?,
            };
            made = Some(tensor.shallow_clone());
            *slot = Some(tensor);
        }
        Ok(())
    }

    /// What was kept, of an encoder that computes padded batches.
    pub(crate) fn finish(self) -> Result<HiddenStates, ModelError> {
        Ok(HiddenStates { layers: self.into_kept() })
    }

    /// What was kept, of an encoder that computes packed tokens.
    pub(crate) fn finish_packed(self, packing: Packing) -> Kept {
        Kept { layers: self.into_kept(), packing }
    }

    fn into_kept(self) -> Vec<(LayerIndex, Tensor)> {
        let layers = self.asked.iter().copied().zip(self.kept);
        layers.filter_map(|(layer, kept)| Some((layer, kept?))).collect()
    }
}

/// The states of packed tokens and the way back to sequences.
pub(crate) struct Kept {
    /// `[packed tokens, width]` each
    layers: Vec<(LayerIndex, Tensor)>,
    packing: Packing,
}

impl Kept {
    pub(crate) fn packed(self) -> PackedStates {
        PackedStates { starts: self.packing.starts(), layers: self.layers }
    }

    pub(crate) fn padded(self) -> Result<HiddenStates, ModelError> {
        let unpack = |(layer, state): (LayerIndex, Tensor)| Ok((layer, self.packing.unpack(&state)?));
        Ok(HiddenStates { layers: self.layers.into_iter().map(unpack).collect::<Result<_, ModelError>>()? })
    }
}
