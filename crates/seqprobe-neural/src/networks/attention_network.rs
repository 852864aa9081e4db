//! Attention pooling: a mean over tokens, weighted by their similarity to a learned query, and a linear layer.
//!
//! ```text
//! tokens [rows, length, dim]     standardised, zero-padded
//!   linear reduction             dim → width, no bias; the only part that depends on dim
//!   softmax over tokens          of (token · query) / √width for each head's learned query
//!   weighted mean of tokens      → heads · width, dropout
//!   linear                       → outputs
//! ```
//!
//! Queries start at zero, so that a head starts as the mean over tokens. The network sees neither the position nor the
//! neighbours of a token: this information must come from the representation. Padding has a weight of exactly zero, so
//! the output for a row does not depend on the other rows of the batch.

use crate::networks::batch::{Batch, padding_mask};
use crate::networks::linear::linear;
use crate::networks::mode::Mode;
use crate::networks::parameters::{NetworkParameters, ParameterRole, Specification, Start};
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// The network's sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AttentionNetwork {
    pub(crate) dim: usize,
    pub(crate) width: usize,
    pub(crate) heads: usize,
    pub(crate) outputs: usize,
    pub(crate) dropout: f64,
    pub(crate) reduction_is_fixed: bool,
}

impl AttentionNetwork {
    pub(crate) fn specifications(&self) -> Vec<Specification> {
        let (dim, width, heads) = (self.dim as i64, self.width as i64, self.heads as i64);
        // Variance 1 / inputs.
        let uniform = |name: &'static str, outputs: i64, inputs: i64, role| {
            let start = Start::Uniform((3.0 / inputs.max(1) as f64).sqrt());
            Specification { name: name.into(), shape: vec![outputs, inputs], role, start }
        };
        let zeros = |name: &'static str, shape, role| {
            let start = Start::Constant(0.0);
            Specification { name: name.into(), shape, role, start }
        };
        let reduction = if self.reduction_is_fixed { ParameterRole::Fixed } else { ParameterRole::Weight };
        let outputs = self.outputs as i64;
        vec![
            uniform("reduction/weight", width, dim, reduction),
            zeros("query/weight", vec![heads, width], ParameterRole::Weight),
            uniform("output/weight", outputs, heads * width, ParameterRole::Weight),
            zeros("output/bias", vec![outputs], ParameterRole::Offset),
        ]
    }

    /// # Shapes
    /// `batch.values [rows, length, dim]` → `[rows, outputs]`
    pub(crate) fn forward(
        &self,
        parameters: &NetworkParameters,
        batch: &Batch,
        mut mode: Mode<'_>,
    ) -> Result<Tensor, TchError> {
        let (rows, longest) = (batch.lengths.len() as i64, batch.longest as i64);
        let (dim, width, heads) = (self.dim as i64, self.width as i64, self.heads as i64);
        let reduction = parameters.get("reduction/weight")?.f_transpose(0, 1)?;
        let reduced = batch.values.f_view([rows * longest, dim])?.f_matmul(&reduction)?;
        let query = parameters.get("query/weight")?.f_transpose(0, 1)?;
        // [rows, longest, heads]
        let mut scores = reduced
            .f_matmul(&query)?
            .f_mul_scalar(1.0 / (width as f64).sqrt())?
            .f_view([rows, longest, heads])?;
        if !batch.is_even() {
            let padding = padding_mask(&batch.lengths, batch.longest)?.f_view([rows, longest, 1])?;
            scores = scores.f_masked_fill(&padding, f64::NEG_INFINITY)?;
        }
        let weights = scores.f_softmax(1, Kind::Float)?.f_transpose(1, 2)?;
        let pooled = weights.f_bmm(&reduced.f_view([rows, longest, width])?)?;
        let pooled = mode.drop_channels(pooled.f_reshape([rows, heads * width])?, self.dropout)?;
        linear(parameters, ("output/weight", "output/bias"), &pooled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_by_hand_and_padding_weighs_nothing() {
        let network = AttentionNetwork {
            dim: 2,
            width: 4,
            heads: 1,
            outputs: 1,
            dropout: 0.0,
            reduction_is_fixed: false,
        };
        // The reduction copies both channels; the query asks for the first one, the output reads the second one.
        let parameters = NetworkParameters::build(network.specifications(), |specification| {
            match specification.name.as_ref() {
                "reduction/weight" => vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
                "query/weight" => vec![2.0, 0.0, 0.0, 0.0],
                "output/weight" => vec![0.0, 1.0, 0.0, 0.0],
                _ => vec![0.5],
            }
        })
        .unwrap();
        let output = |values: &[f32], lengths: &[usize]| {
            let longest = lengths.iter().copied().max().unwrap();
            let values = Tensor::from_slice(values).view([lengths.len() as i64, longest as i64, 2]);
            let batch = Batch { values, lengths: lengths.to_vec(), longest };
            let output = network.forward(&parameters, &batch, Mode::Predict).unwrap().detach();
            Vec::<f64>::try_from(output.reshape(-1)).unwrap()
        };
        // Scores are 2 · first / √4 = first: 1 and 3.
        let (one, other) = (1.0_f64.exp(), 3.0_f64.exp());
        let expected = 0.5 + (one * 10.0 + other * 20.0) / (one + other);
        let alone = output(&[1.0, 10.0, 3.0, 20.0], &[2]);
        approx::assert_relative_eq!(alone[0], expected, max_relative = 1e-6);
        let padded = output(&[1.0, 10.0, 3.0, 20.0, 0.0, 0.0, 9.0, 7.0, 8.0, 6.0, 7.0, 5.0], &[2, 3]);
        approx::assert_relative_eq!(padded[0], expected, max_relative = 1e-6);
    }
}
