//! Convolutions along the tokens of a padded batch, with the same result as for each sequence alone: padding is set to
//! zero first, because a sequence alone has zeros beyond its ends.

use crate::batch::TokenBatch;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use tch::{Device, Kind, Tensor};

/// Sizes of a convolution that keeps the number of channels and of tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvolutionShape {
    pub(crate) channels: usize,
    pub(crate) kernel_size: usize,
    pub(crate) dilation: i64,
    /// Whether each channel has its own kernel, instead of one over all channels.
    pub(crate) is_depthwise: bool,
    pub(crate) has_bias: bool,
}

/// A convolution along the tokens.
pub(crate) struct Convolution {
    /// `[channels, input channels, 1, kernel]`, input channels innermost in memory.
    kernel: Tensor,
    bias: Option<Tensor>,
    dilation: i64,
    groups: i64,
}

impl Convolution {
    /// Takes `<stem>.weight` and, if the shape has a bias, `<stem>.bias`. Both have the library's default
    /// initialisation: uniform within 1 / sqrt(inputs × kernel).
    pub(crate) fn take(
        parameters: &mut Parameters,
        stem: &str,
        shape: ConvolutionShape,
    ) -> Result<Self, ModelError> {
        let inputs = if shape.is_depthwise { 1 } else { shape.channels };
        let start = Initialisation::Uniform { bound: 1.0 / ((inputs * shape.kernel_size) as f64).sqrt() };
        let sizes = [shape.channels, inputs, shape.kernel_size];
        let kernel = parameters.take(&format!("{stem}.weight"), &sizes, start)?;
        // A two-dimensional convolution with height 1 and channels innermost, the order of the tokens, uses the
        // faster path of libtorch on CPUs and needs no transposed copy.
        let channels_last = kernel.f_permute([0, 2, 1])?.f_contiguous()?; // [channels, kernel, inputs]
        let bias = match shape.has_bias {
            true => Some(parameters.take(&format!("{stem}.bias"), &[shape.channels], start)?),
            false => None,
        };
        Ok(Self {
            kernel: channels_last.f_permute([0, 2, 1])?.f_unsqueeze(2)?,
            bias,
            dilation: shape.dilation,
            groups: if shape.is_depthwise { shape.channels as i64 } else { 1 },
        })
    }

    /// # Shapes
    /// `[batch, tokens, channels]`, zero at padding, to the same, undefined at padding
    pub(crate) fn forward(&self, masked: &Tensor) -> Result<Tensor, ModelError> {
        Ok(masked
            .f_transpose(1, 2)?
            .f_unsqueeze(2)? // [batch, channels, 1, tokens]
            .f_conv2d_padding(
                &self.kernel,
                self.bias.as_ref(),
                [1, 1],
                "same",
                [1, self.dilation],
                self.groups,
            )?
            .f_squeeze_dim(2)?
            .f_transpose(1, 2)?)
    }
}

/// The places of the tokens in a padded batch.
pub(crate) struct TokenMask {
    /// `[batch, tokens, 1]`, one at tokens and zero at padding; `None` without padding.
    mask: Option<Tensor>,
}

impl TokenMask {
    pub(crate) fn new(batch: &TokenBatch, kind: Kind, device: Device) -> Result<Self, ModelError> {
        let (n_sequences, n_tokens) = batch.ids.dim();
        if batch.lengths.iter().all(|&length| length == n_tokens) {
            return Ok(Self { mask: None });
        }
        let values: Vec<f32> = batch
            .lengths
            .iter()
            .flat_map(|&length| (0..n_tokens).map(move |token| if token < length { 1.0 } else { 0.0 }))
            .collect();
        let mask = Tensor::f_from_slice(&values)?.f_reshape([n_sequences as i64, n_tokens as i64, 1])?;
        Ok(Self { mask: Some(mask.f_to_device_(device, kind, false, false)?) })
    }

    /// Returns the state with zeros at padding.
    ///
    /// # Shapes
    /// `[batch, tokens, channels]` to the same
    pub(crate) fn apply(&self, state: &Tensor) -> Result<Tensor, ModelError> {
        match &self.mask {
            Some(mask) => Ok(state.f_mul(mask)?),
            None => Ok(state.shallow_clone()),
        }
    }
}

/// The dilation of a block: `min(most, base ^ ((block mod cycle) / double_every))`, in whole numbers.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Dilations {
    #[serde(rename = "dilation_double_every")]
    pub(crate) double_every: usize,
    #[serde(rename = "dilation_max")]
    pub(crate) most: usize,
    #[serde(rename = "dilation_cycle")]
    pub(crate) cycle: usize,
    #[serde(rename = "dilation_base")]
    pub(crate) base: usize,
}

impl Dilations {
    /// Reads the keys `dilation_double_every`, `dilation_max`, `dilation_cycle` and `dilation_base`.
    pub(crate) fn read(file: &ConfigFile, most: usize, cycle: usize) -> Result<Self, ModelError> {
        Ok(Self {
            double_every: file.size_or("dilation_double_every", 1)?,
            most: file.size_or("dilation_max", most)?,
            cycle: file.size_or("dilation_cycle", cycle)?,
            base: file.size_or("dilation_base", 2)?,
        })
    }

    pub(crate) fn of(&self, block: usize) -> i64 {
        let exponent = (block % self.cycle) / self.double_every;
        let power = self.base.saturating_pow(u32::try_from(exponent).unwrap_or(u32::MAX));
        power.min(self.most) as i64
    }
}
