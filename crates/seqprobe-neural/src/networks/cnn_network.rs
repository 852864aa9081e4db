//! The default convolutional network.
//!
//! ```text
//! tokens [rows, length, dim]                 standardised, zero-padded
//!   linear reduction                         dim → width, no bias; the only part that depends on dim
//!   convolution of 7 tokens                  width → channels
//!   maximum over blocks of 4 tokens          length → ⌈length / 4⌉ blocks
//!   + position code of each block            16 → channels, starts at zero
//!   layer norm, ReLU, channel dropout
//!   2 × [ + ReLU(layer norm(convolution of 5 blocks, dilation 1 then 2)) ]
//!   maximum and mean over blocks, dropout    → 2 · channels
//!   linear, ReLU, dropout, linear            → outputs
//! ```
//!
//! A block sees 58 tokens before global pooling. Global pooling discards positions, so positions are added before it:
//! each block gets sines and cosines of the distances of its first token from both ends of the row, at wavelengths of
//! 16, 64, 256 and 1,024 tokens, which are defined for every length. Their weights start at zero, so that the network
//! starts translation-invariant.
//!
//! There is no nonlinearity between the reduction and the first convolution. If `dim` is at most `width`, their
//! weights are multiplied first and one narrow convolution runs: the same function with the same gradients, with much
//! less work. Padding is exact: it is zero for convolutions, minus infinity for maxima, and excluded from means, and
//! norms see one position only. The output for a row therefore does not depend on the other rows of the batch.

use crate::networks::batch::{Batch, padding_mask};
use crate::networks::linear::linear;
use crate::networks::mode::Mode;
use crate::networks::parameters::{NetworkParameters, ParameterRole, Specification, Start};
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

const STEM: i64 = 7;
const BLOCK: usize = 4;
const KERNEL: i64 = 5;
const DILATIONS: [i64; 2] = [1, 2];
const HIDDEN: i64 = 64;
const WAVELENGTHS: [f64; 4] = [16.0, 64.0, 256.0, 1024.0];
const CODE: usize = 4 * WAVELENGTHS.len();
const EPSILON: f64 = 1e-5;

/// The network's sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CnnNetwork {
    pub(crate) dim: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) outputs: usize,
    pub(crate) dropout: f64,
    pub(crate) reduction_is_fixed: bool,
}

/// Names of a layer norm's gain and offset.
type Norm = [&'static str; 2];
const STEM_NORM: Norm = ["stem/norm/gain", "stem/norm/offset"];
const BLOCKS: [(&str, Norm); 2] = [
    ("block1/weight", ["block1/norm/gain", "block1/norm/offset"]),
    ("block2/weight", ["block2/norm/gain", "block2/norm/offset"]),
];

impl CnnNetwork {
    pub(crate) fn specifications(&self) -> Vec<Specification> {
        let (dim, width, channels) = (self.dim as i64, self.width as i64, self.channels as i64);
        // He's uniform start: variance 2 / inputs before a ReLU, 1 / inputs elsewhere.
        let uniform = |name: &'static str, shape: &[i64], role, gain: f64| {
            let inputs: i64 = shape.iter().skip(1).product();
            let start = Start::Uniform((3.0 * gain / inputs.max(1) as f64).sqrt());
            Specification { name: name.into(), shape: shape.to_vec(), role, start }
        };
        let constant = |name: &'static str, size: i64, role, value| Specification {
            name: name.into(),
            shape: vec![size],
            role,
            start: Start::Constant(value),
        };
        let reduction_role =
            if self.reduction_is_fixed { ParameterRole::Fixed } else { ParameterRole::Weight };
        let mut all = vec![
            uniform("reduction/weight", &[width, dim], reduction_role, 1.0),
            uniform("stem/weight", &[channels, STEM, width], ParameterRole::Weight, 2.0),
            Specification {
                name: "position/weight".into(),
                shape: vec![CODE as i64, channels],
                role: ParameterRole::Offset,
                start: Start::Constant(0.0),
            },
            uniform("hidden/weight", &[HIDDEN, 2 * channels], ParameterRole::Weight, 2.0),
            constant("hidden/bias", HIDDEN, ParameterRole::Offset, 0.0),
            uniform("output/weight", &[self.outputs as i64, HIDDEN], ParameterRole::Weight, 1.0),
            constant("output/bias", self.outputs as i64, ParameterRole::Offset, 0.0),
        ];
        all.extend(
            BLOCKS.map(|(name, _)| uniform(name, &[channels, KERNEL, channels], ParameterRole::Weight, 2.0)),
        );
        for norm in [STEM_NORM, BLOCKS[0].1, BLOCKS[1].1] {
            let [gain, offset] = norm;
            all.push(constant(gain, channels, ParameterRole::Offset, 1.0));
            all.push(constant(offset, channels, ParameterRole::Offset, 0.0));
        }
        all
    }

    /// # Shapes
    /// `batch.values [rows, length, dim]` → `[rows, outputs]`. Within: `[rows, channels, 1, length]`, channels last
    /// in memory.
    pub(crate) fn forward(
        &self,
        parameters: &NetworkParameters,
        batch: &Batch,
        mut mode: Mode<'_>,
    ) -> Result<Tensor, TchError> {
        let rows = batch.lengths.len() as i64;
        let mut stem = self.stem(parameters, batch)?;
        let even = batch.is_even();
        if !even {
            stem = stem.f_masked_fill_(&padding_mask(&batch.lengths, batch.longest)?, f64::NEG_INFINITY)?;
        }
        let block = BLOCK as i64;
        let mut blocks = stem.f_max_pool2d([1, block], [1, block], [0, 0], [1, 1], true)?;
        let counts: Vec<usize> = batch.lengths.iter().map(|length| length.div_ceil(BLOCK)).collect();
        let padding = if even { None } else { Some(padding_mask(&counts, batch.longest.div_ceil(BLOCK))?) };
        let code = position_code(batch)?.f_matmul(parameters.get("position/weight")?)?;
        blocks = blocks.f_add_(&code.f_unsqueeze(1)?.f_permute([0, 3, 1, 2])?)?;
        if let Some(padding) = &padding {
            blocks = blocks.f_masked_fill_(padding, 0.0)?; // until here a block of padding only is -∞
        }
        let mut values = normalise_and_rectify(parameters, &blocks, STEM_NORM, padding.as_ref())?;
        values = mode.drop_channels(values, self.dropout)?;
        let channels = self.channels as i64;
        for ((name, norm), dilation) in BLOCKS.into_iter().zip(DILATIONS) {
            let weight =
                parameters.get(name)?.f_view([channels, 1, KERNEL, channels])?.f_permute([0, 3, 1, 2])?;
            let seen = convolve(&values, &weight, KERNEL / 2 * dilation, dilation)?;
            let seen = normalise_and_rectify(parameters, &seen, norm, padding.as_ref())?;
            values = values.f_add(&seen)?;
        }
        let inverse: Vec<f32> = counts.iter().map(|&count| 1.0 / count as f32).collect();
        let inverse = Tensor::f_from_slice(&inverse)?.f_view([rows, 1])?;
        // All values are at least 0 and padding is 0, so the maximum needs no mask.
        let maximum = values.f_amax([2, 3], false)?;
        let mean = values.f_sum_dim_intlist([2, 3].as_slice(), false, Kind::Float)?.f_mul(&inverse)?;
        let pooled = mode.drop_channels(Tensor::f_cat(&[maximum, mean], 1)?, self.dropout)?;
        let hidden = linear(parameters, ("hidden/weight", "hidden/bias"), &pooled)?.f_relu_()?;
        let hidden = mode.drop_channels(hidden, self.dropout)?;
        linear(parameters, ("output/weight", "output/bias"), &hidden)
    }

    /// Reduction and first convolution.
    fn stem(&self, parameters: &NetworkParameters, batch: &Batch) -> Result<Tensor, TchError> {
        let (dim, width, channels) = (self.dim as i64, self.width as i64, self.channels as i64);
        let (rows, longest) = (batch.lengths.len() as i64, batch.longest as i64);
        let reduction = parameters.get("reduction/weight")?;
        let stem = parameters.get("stem/weight")?;
        let (values, weight, inputs) = if dim <= width {
            let weight = stem.f_view([channels * STEM, width])?.f_matmul(reduction)?;
            (batch.values.f_view([rows, longest, dim])?, weight, dim)
        } else {
            let reduced =
                batch.values.f_view([rows * longest, dim])?.f_matmul(&reduction.f_transpose(0, 1)?)?;
            (reduced.f_view([rows, longest, width])?, stem.f_view([channels, STEM, width])?, width)
        };
        let values = values.f_view([rows, 1, longest, inputs])?.f_permute([0, 3, 1, 2])?;
        let weight = weight.f_view([channels, 1, STEM, inputs])?.f_permute([0, 3, 1, 2])?;
        convolve(&values, &weight, STEM / 2, 1)
    }
}

/// A convolution along the last axis, of the same length as its input.
fn convolve(values: &Tensor, weight: &Tensor, padding: i64, dilation: i64) -> Result<Tensor, TchError> {
    values.f_conv2d::<Tensor>(weight, None, [1, 1], [0, padding], [1, dilation], 1)
}

/// Layer norm over the channels of each block, then ReLU; padding becomes 0. The norm sees one position only,
/// so padding cannot affect it. All in place on the norm's own output, before a view of it is taken.
///
/// # Shapes
/// `values [rows, channels, 1, blocks]`, `padding [rows, 1, 1, blocks]` → as `values`
fn normalise_and_rectify(
    parameters: &NetworkParameters,
    values: &Tensor,
    names: Norm,
    padding: Option<&Tensor>,
) -> Result<Tensor, TchError> {
    let (gain, offset) = (parameters.get(names[0])?, parameters.get(names[1])?);
    let mut normal = values.f_permute([0, 2, 3, 1])?.f_layer_norm(
        gain.size().as_slice(),
        Some(gain),
        Some(offset),
        EPSILON,
        false,
    )?;
    if let Some(padding) = padding {
        normal = normal.f_masked_fill_(&padding.f_permute([0, 2, 3, 1])?, 0.0)?;
    }
    normal.f_relu_()?.f_permute([0, 3, 1, 2])
}

/// Sines and cosines of the distances of each block's first token from both ends of its row.
///
/// # Shapes
/// `[rows or 1, blocks, 16]`; one row if all rows have the same length
fn position_code(batch: &Batch) -> Result<Tensor, TchError> {
    let half = CODE / 2;
    let mut table = Vec::with_capacity(batch.longest * half);
    for distance in 0..batch.longest {
        for wavelength in WAVELENGTHS {
            let (sine, cosine) = (std::f64::consts::TAU * distance as f64 / wavelength).sin_cos();
            table.extend([sine as f32, cosine as f32]);
        }
    }
    let lengths = if batch.is_even() { &batch.lengths[..1] } else { &batch.lengths[..] };
    let blocks = batch.longest.div_ceil(BLOCK);
    let mut code = Vec::with_capacity(lengths.len() * blocks * CODE);
    for &length in lengths {
        for token in (0..batch.longest).step_by(BLOCK) {
            if token < length {
                let (ahead, back) = (token * half, (length - 1 - token) * half);
                code.extend_from_slice(&table[ahead..ahead + half]);
                code.extend_from_slice(&table[back..back + half]);
            } else {
                code.extend([0.0; CODE]);
            }
        }
    }
    Tensor::f_from_slice(&code)?.f_view([lengths.len() as i64, blocks as i64, CODE as i64])
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::Seed;

    /// The output of a network of this input width: the parameters of width 8, with zero weights for further channels.
    fn output(dim: usize, values: &[f32]) -> Vec<f64> {
        let network =
            CnnNetwork { dim, width: 8, channels: 6, outputs: 2, dropout: 0.5, reduction_is_fixed: false };
        let narrow = CnnNetwork { dim: 8, ..network };
        let drawn = NetworkParameters::draw(narrow.specifications(), Seed(1)).unwrap();
        let parameters = NetworkParameters::build(network.specifications(), |specification| {
            let window = drawn.get(&specification.name).unwrap().f_detach().unwrap();
            let values = Vec::<f32>::try_from(window.f_reshape(-1).unwrap()).unwrap();
            if specification.name != "reduction/weight" {
                return values;
            }
            let padded = |row: &[f32]| row.iter().copied().chain(vec![0.0; dim - 8]).collect::<Vec<f32>>();
            values.chunks(8).flat_map(padded).collect()
        })
        .unwrap();
        let rows: Vec<f32> = values
            .chunks(8)
            .flat_map(|token| token.iter().copied().chain(vec![5.0; dim - 8]).collect::<Vec<f32>>())
            .collect();
        let values = Tensor::from_slice(&rows).view([2, 10, dim as i64]);
        let batch = Batch { values, lengths: vec![10, 10], longest: 10 };
        let output = network.forward(&parameters, &batch, Mode::Predict).unwrap().detach();
        Vec::<f64>::try_from(output.reshape(-1)).unwrap()
    }

    #[test]
    fn multiplying_the_weights_first_changes_nothing() {
        let values: Vec<f32> = (0..160).map(|value| ((value * 37 % 101) as f32) / 50.0 - 1.0).collect();
        // 8 channels run through multiplied weights, 9 through the reduction itself.
        for (fused, separate) in output(8, &values).into_iter().zip(output(9, &values)) {
            approx::assert_relative_eq!(fused, separate, max_relative = 1e-4, epsilon = 1e-5);
        }
    }

    #[test]
    fn the_position_code_counts_from_both_ends() {
        let batch = Batch { values: Tensor::from_slice(&[0.0_f32]), lengths: vec![9, 5], longest: 9 };
        let code = Vec::<f32>::try_from(position_code(&batch).unwrap().reshape(-1)).unwrap();
        let at = |row: usize, block: usize| &code[(row * 3 + block) * CODE..(row * 3 + block + 1) * CODE];
        let half = CODE / 2;
        assert_eq!(at(0, 0)[..half], at(0, 2)[half..]);
        assert_eq!(at(0, 1)[..half], at(1, 1)[..half]);
        assert_eq!(at(0, 1)[half..], at(1, 0)[half..]);
        assert_eq!(at(1, 2), [0.0; CODE]);
        approx::assert_relative_eq!(at(0, 1)[0], (std::f32::consts::TAU / 4.0).sin(), max_relative = 1e-6);
    }
}
