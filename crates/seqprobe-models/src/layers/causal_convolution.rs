//! Short causal convolutions over packed tokens, one kernel per channel: a token sees itself and a few tokens before it
//! in its own sequence. The mixers of HyenaDNA and Mamba begin with one.

use crate::error::ModelError;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use tch::{Device, Kind, Tensor};

/// For each distance back: which packed tokens have a token of their own sequence at that distance.
pub(crate) struct Reach {
    /// `[packed tokens, 1]` each, one or zero, for distances from 1.
    masks: Vec<Tensor>,
}

impl Reach {
    /// Prepares kernels of up to `taps` taps; `columns` are the tokens' positions in their sequences.
    pub(crate) fn new(columns: &[i64], taps: usize, kind: Kind, device: Device) -> Result<Self, ModelError> {
        let mask = |back: i64| {
            let values: Vec<f32> =
                columns.iter().map(|&column| f32::from(u8::from(column >= back))).collect();
            let mask = Tensor::f_from_slice(&values)?.f_unsqueeze(1)?;
            mask.f_to_device_(device, kind, false, false)
        };
        Ok(Self { masks: (1..taps as i64).map(mask).collect::<Result<_, _>>()? })
    }
}

/// A convolution of each channel with its own kernel.
pub(crate) struct CausalConvolution {
    /// `[channels]` each, the tap on the token itself first, then one back, two back, ….
    taps: Vec<Tensor>,
    /// `[channels]`
    bias: Tensor,
}

impl CausalConvolution {
    /// Takes `weight` `[channels, 1, taps]` (the tap on the token itself last) and `bias`. Both are
    /// initialised like torch's own convolutions.
    pub(crate) fn take(
        parameters: &mut Parameters,
        stem: &str,
        channels: usize,
        taps: usize,
    ) -> Result<Self, ModelError> {
        let start = Initialisation::Uniform { bound: 1.0 / (taps as f64).sqrt() };
        let weight = parameters.take(&format!("{stem}.weight"), &[channels, 1, taps], start)?;
        let bias = parameters.take(&format!("{stem}.bias"), &[channels], start)?;
        let tap = |place: usize| weight.f_select(2, place as i64)?.f_squeeze_dim(1)?.f_contiguous();
        Ok(Self { taps: (0..taps).rev().map(tap).collect::<Result<_, _>>()?, bias })
    }

    /// # Shapes
    /// `[packed tokens, channels]` to the same
    pub(crate) fn forward(&self, input: &Tensor, reach: &Reach) -> Result<Tensor, ModelError> {
        let mut taps = self.taps.iter();
        let output = match taps.next() {
            Some(own) => self.bias.f_addcmul(input, own)?,
            None => self.bias.f_expand_as(input)?.f_contiguous()?,
        };
        let n_tokens = input.size().first().copied().unwrap_or(0);
        for ((back, tap), mask) in
            (1..).zip(taps).zip(&reach.masks).take_while(|((back, _), _)| *back < n_tokens)
        {
            let left = n_tokens - back;
            let before = input.f_narrow(0, 0, left)?.f_mul(&mask.f_narrow(0, back, left)?)?;
            let _ = output.f_narrow(0, back, left)?.f_addcmul_(&before, tap)?;
        }
        Ok(output)
    }
}
