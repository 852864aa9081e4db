//! Enformer's convolutions: blocks of norm, activation and convolution, and pooling by attention over pairs
//! of neighbours. All lengths here are even, so the authors' rule for an odd last place is not needed.

use crate::error::ModelError;
use crate::layers::channel_layers::{BatchNorm, ChannelConvolution};
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use crate::tokenizer::N_CHANNELS;
use tch::Tensor;

/// Bases that the first convolution reads.
const STEM_KERNEL: usize = 15;

/// Places that the convolutions of the tower read.
const TOWER_KERNEL: usize = 5;

/// Places that are pooled into one.
const POOLED: i64 = 2;

/// Output widths of the tower's stages, from half of `dim` to `dim` on a logarithmic scale, each a multiple
/// of `divisor`; halves are rounded to even, as Python does.
pub(super) fn widths(dim: usize, num_downsamples: usize, divisor: usize) -> Vec<usize> {
    let (first, divisor) = ((dim / 2) as f64, divisor as f64);
    let last_stage = num_downsamples.saturating_sub(2) as f64;
    let base = ((dim as f64 / first).ln() / last_stage).exp();
    let width = |stage: usize| {
        let multiples = (first * base.powf(stage as f64) / divisor).round_ties_even();
        (multiples * divisor).round_ties_even() as usize
    };
    (0..num_downsamples.saturating_sub(1)).map(width).collect()
}

/// `x · sigmoid(1.702 x)`
pub(super) fn gelu(input: &Tensor) -> Result<Tensor, ModelError> {
    Ok(input.f_mul_scalar(1.702)?.f_sigmoid()?.f_mul(input)?)
}

/// Convolution of the activation of the norm.
pub(super) struct ConvBlock {
    norm: BatchNorm,
    convolution: ChannelConvolution,
}

impl ConvBlock {
    /// # Shapes
    /// `shape`: outputs, inputs, kernel
    pub(super) fn take(
        parameters: &mut Parameters,
        stem: &str,
        shape: [usize; 3],
    ) -> Result<Self, ModelError> {
        let [_, inputs, _] = shape;
        Ok(Self {
            norm: BatchNorm::take(parameters, &format!("{stem}.0"), inputs)?,
            convolution: ChannelConvolution::take_same(parameters, &format!("{stem}.2"), shape)?,
        })
    }

    /// # Shapes
    /// `[rows, inputs, places]` to `[rows, outputs, places]`
    pub(super) fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        self.convolution.forward(&gelu(&self.norm.forward(input)?)?)
    }
}

enum First {
    /// Bases to channels.
    Bases(ChannelConvolution),
    Channels(ConvBlock),
}

/// A first convolution, a residual one of width 1, and pooling of pairs.
pub(super) struct Stage {
    first: First,
    residual: ConvBlock,
    /// `[channels, channels, 1, 1]`
    pool: Tensor,
}

impl Stage {
    pub(super) fn take_stem(
        parameters: &mut Parameters,
        stem: &str,
        outputs: usize,
    ) -> Result<Self, ModelError> {
        let shape = [outputs, N_CHANNELS as usize, STEM_KERNEL];
        let first = First::Bases(ChannelConvolution::take_same(parameters, &format!("{stem}.0"), shape)?);
        Self::take_rest(parameters, stem, first, outputs)
    }

    pub(super) fn take(
        parameters: &mut Parameters,
        stem: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, ModelError> {
        let shape = [outputs, inputs, TOWER_KERNEL];
        let first = First::Channels(ConvBlock::take(parameters, &format!("{stem}.0"), shape)?);
        Self::take_rest(parameters, stem, first, outputs)
    }

    fn take_rest(
        parameters: &mut Parameters,
        stem: &str,
        first: First,
        width: usize,
    ) -> Result<Self, ModelError> {
        let pool = format!("{stem}.2.to_attn_logits.weight");
        Ok(Self {
            first,
            residual: ConvBlock::take(parameters, &format!("{stem}.1.fn"), [width, width, 1])?,
            pool: parameters.take(&pool, &[width, width, 1, 1], Initialisation::Identity { factor: 2.0 })?,
        })
    }

    /// # Shapes
    /// `[rows, inputs, places]` to `[rows, outputs, places / 2]`
    pub(super) fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        let first = match &self.first {
            First::Bases(convolution) => convolution.forward(input)?,
            First::Channels(block) => block.forward(input)?,
        };
        let state = self.residual.forward(&first)?.f_add(&first)?;
        let (rows, channels, places) = state.size3()?;
        let pairs = state.f_reshape([rows, channels, places / POOLED, POOLED])?;
        let logits = pairs.f_conv2d(&self.pool, None::<Tensor>, 1, 0, 1, 1)?;
        let weights = logits.f_softmax(-1, state.kind())?; // [rows, channels, places / 2, 2]
        Ok(pairs.f_mul(&weights)?.f_sum_dim_intlist(-1, false, state.kind())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_grow_as_the_authors_code_has_them() {
        assert_eq!(widths(1536, 7, 128), [768, 896, 1024, 1152, 1280, 1536]);
        // exponential_linspace_int(12, 24, num = 2, divisible_by = 4) and (24, 48, num = 4, divisible_by = 8)
        assert_eq!(widths(24, 3, 4), [12, 24]);
        assert_eq!(widths(48, 5, 8), [24, 32, 40, 48]);
    }
}
