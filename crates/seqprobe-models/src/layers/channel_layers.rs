//! Layers over states with channels first, `[batch, channels, tokens]`, as in supervised encoders: convolution and
//! batch normalisation. The caller decides what a sequence sees beyond its ends; padding of batches is not treated
//! here.

use crate::error::ModelError;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use tch::Tensor;

/// Torch's default initialisation of a convolution or linear layer: weights and bias uniform within 1 / √inputs,
/// where a convolution has `channels × kernel` inputs.
pub(crate) fn library_start(inputs: usize) -> Initialisation {
    Initialisation::Uniform { bound: 1.0 / (inputs as f64).sqrt() }
}

/// A convolution with bias.
pub(crate) struct ChannelConvolution {
    /// `[outputs, inputs, kernel]`
    weight: Tensor,
    /// `[outputs]`
    bias: Tensor,
    /// Zeros that are added on each side of the tokens.
    padding: i64,
    dilation: i64,
}

impl ChannelConvolution {
    /// Takes a convolution that keeps the number of tokens. The kernel is odd, and there are zeros beyond the ends.
    ///
    /// # Shapes
    /// `shape`: outputs, inputs, kernel
    pub(crate) fn take_same(
        parameters: &mut Parameters,
        stem: &str,
        shape: [usize; 3],
    ) -> Result<Self, ModelError> {
        let [_, _, kernel] = shape;
        Self::take(parameters, stem, shape, kernel / 2, 1)
    }

    /// Takes a convolution at the places where the whole kernel covers tokens. It returns `dilation × (kernel − 1)`
    /// tokens fewer.
    pub(crate) fn take_inside(
        parameters: &mut Parameters,
        stem: &str,
        shape: [usize; 3],
        dilation: usize,
    ) -> Result<Self, ModelError> {
        Self::take(parameters, stem, shape, 0, dilation)
    }

    fn take(
        parameters: &mut Parameters,
        stem: &str,
        shape: [usize; 3],
        padding: usize,
        dilation: usize,
    ) -> Result<Self, ModelError> {
        let [outputs, inputs, kernel] = shape;
        let start = library_start(inputs * kernel);
        Ok(Self {
            weight: parameters.take(&format!("{stem}.weight"), &shape, start)?,
            bias: parameters.take(&format!("{stem}.bias"), &[outputs], start)?,
            padding: padding as i64,
            dilation: dilation as i64,
        })
    }

    /// # Shapes
    /// `[batch, inputs, tokens]` to `[batch, outputs, tokens]`, with the number of tokens as described at the
    /// constructor
    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        Ok(input.f_conv1d(&self.weight, Some(&self.bias), 1, self.padding, self.dilation, 1)?)
    }
}

/// Batch normalisation with the statistics of the training: `(x − mean) / √(variance + 1e-5) · weight +
/// bias`, per channel. The statistics do not count as parameters.
pub(crate) struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
}

/// The library's default, which all families here use.
const EPSILON: f64 = 1e-5;

impl BatchNorm {
    pub(crate) fn take(parameters: &mut Parameters, stem: &str, channels: usize) -> Result<Self, ModelError> {
        let shape = [channels];
        Ok(Self {
            weight: parameters.take(&format!("{stem}.weight"), &shape, Initialisation::Ones)?,
            bias: parameters.take(&format!("{stem}.bias"), &shape, Initialisation::Zeros)?,
            mean: parameters.take_buffer(&format!("{stem}.running_mean"), &shape, Initialisation::Zeros)?,
            variance: parameters.take_buffer(&format!("{stem}.running_var"), &shape, Initialisation::Ones)?,
        })
    }

    /// # Shapes
    /// `[batch, channels, tokens]` to the same
    pub(crate) fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        let (mean, variance) = (Some(&self.mean), Some(&self.variance));
        Ok(input.f_batch_norm(weight, bias, mean, variance, false, 0.0, EPSILON, false)?)
    }
}
