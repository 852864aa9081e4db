//! The two layers that most families have: linear layers and layer normalisation.

use crate::error::ModelError;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use tch::Tensor;

/// `x · weightᵀ + bias`, computed and returned in the type of the weight.
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
        Self::for_matmul(parameters, &weight, Some(&bias))
    }

    /// Takes a layer without bias.
    pub(crate) fn take_without_bias(
        parameters: &mut Parameters,
        stem: &str,
        inputs: usize,
        outputs: usize,
        initialisation: Initialisation,
    ) -> Result<Self, ModelError> {
        let weight = parameters.take(&format!("{stem}.weight"), &[outputs, inputs], initialisation)?;
        Self::for_matmul(parameters, &weight, None)
    }

    /// Takes a layer of the model's outer class, whose names have no prefix.
    ///
    /// # Shapes
    /// `sizes`: inputs, outputs
    pub(crate) fn take_unprefixed(
        parameters: &mut Parameters,
        stem: &str,
        [inputs, outputs]: [usize; 2],
        initialisation: Initialisation,
        has_bias: bool,
    ) -> Result<Self, ModelError> {
        let weight =
            parameters.take_unprefixed(&format!("{stem}.weight"), &[outputs, inputs], initialisation)?;
        let mut bias = None;
        if has_bias {
            bias = Some(parameters.take_unprefixed(
                &format!("{stem}.bias"),
                &[outputs],
                Initialisation::Zeros,
            )?);
        }
        Ok(Self { weight, bias })
    }

    /// Makes a layer from tensors that were taken already.
    pub(crate) fn from_parts(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight, bias }
    }

    /// Makes a layer from tensors that were taken already, converted to the type of matrix products.
    pub(crate) fn for_matmul(
        parameters: &Parameters,
        weight: &Tensor,
        bias: Option<&Tensor>,
    ) -> Result<Self, ModelError> {
        let kind = parameters.matmul_kind();
        let bias = bias.map(|bias| bias.f_to_kind(kind)).transpose()?;
        Ok(Self { weight: weight.f_to_kind(kind)?, bias })
    }

    /// Takes several layers of equal shape as one layer with bias. Each is read into its own rows, so that their
    /// outputs follow one another.
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
        Self::for_matmul(parameters, &weight, Some(&bias))
    }

    /// # Shapes
    /// `[…, inputs]` to `[…, outputs]`
    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        Ok(input.f_to_kind(self.weight.kind())?.f_linear(&self.weight, self.bias.as_ref())?)
    }

    /// Returns the outputs added to `state`, in the type of `state`.
    ///
    /// # Shapes
    /// `[rows, inputs]` and `[rows, outputs]` to `[rows, outputs]`
    pub(crate) fn add_to(&self, state: &Tensor, input: &Tensor) -> Result<Tensor, ModelError> {
        if state.kind() != self.weight.kind() {
            return Ok(state.f_add(&self.forward(input)?)?);
        }
        // One call computes product and sum, which saves writing and reading the product.
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

    /// Takes a norm without bias.
    pub(crate) fn take_without_bias(
        parameters: &mut Parameters,
        stem: &str,
        width: usize,
        epsilon: f64,
    ) -> Result<Self, ModelError> {
        let weight = parameters.take(&format!("{stem}.weight"), &[width], Initialisation::Ones)?;
        Ok(Self { weight, bias: None, width: width as i64, epsilon })
    }

    /// Takes a norm of the model's outer class, whose names have no prefix.
    pub(crate) fn take_unprefixed(
        parameters: &mut Parameters,
        stem: &str,
        width: usize,
        epsilon: f64,
        has_bias: bool,
    ) -> Result<Self, ModelError> {
        let is_old = parameters.has_stored_unprefixed(&format!("{stem}.gamma"));
        let names = if is_old { ["gamma", "beta"] } else { ["weight", "bias"] };
        let [weight, bias] = names.map(|name| format!("{stem}.{name}"));
        let weight = parameters.take_unprefixed(&weight, &[width], Initialisation::Ones)?;
        let bias = match has_bias {
            true => Some(parameters.take_unprefixed(&bias, &[width], Initialisation::Zeros)?),
            false => None,
        };
        Ok(Self { weight, bias, width: width as i64, epsilon })
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        Ok(input.f_layer_norm(self.width, Some(&self.weight), self.bias.as_ref(), self.epsilon, true)?)
    }
}
