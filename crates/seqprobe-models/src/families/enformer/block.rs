//! Enformer's transformer block: attention with relative positions as in Transformer-XL, then a
//! feed-forward layer. Each reads a norm of the state and is added to the state.

use super::config::Config;
use crate::error::ModelError;
use crate::layers::channel_layers::library_start;
use crate::layers::linear::{LayerNorm, Linear};
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use tch::Tensor;

/// The authors use the library's default.
const NORM_EPSILON: f64 = 1e-5;

pub(super) struct Block {
    attention_norm: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    /// Features of a distance to a key per head.
    distance_key: Linear,
    /// `[1, heads, 1, key width]`
    content_bias: Tensor,
    /// `[1, heads, 1, key width]`
    distance_bias: Tensor,
    output: Linear,
    feed_forward_norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
    heads: i64,
    /// One over the square root of the key width.
    scale: f64,
}

impl Block {
    pub(super) fn take(parameters: &mut Parameters, stem: &str, config: &Config) -> Result<Self, ModelError> {
        let (dim, heads, key_width) = (config.dim, config.heads, config.attn_dim_key);
        let features = config.position_features();
        let attention = format!("{stem}.0.fn.1");
        let feed_forward = format!("{stem}.1.fn");
        let normal = Initialisation::Normal { deviation: 1.0 };
        let bias = [1, heads, 1, key_width];
        let output = [
            parameters.take(
                &format!("{attention}.to_out.weight"),
                &[dim, heads * features],
                Initialisation::Zeros,
            )?,
            parameters.take(&format!("{attention}.to_out.bias"), &[dim], Initialisation::Zeros)?,
        ];
        let [output_weight, output_bias] = output;
        let mut projection = |name: &str, inputs: usize, outputs: usize| {
            let stem = format!("{attention}.{name}");
            Linear::take_without_bias(parameters, &stem, inputs, outputs, library_start(inputs))
        };
        Ok(Self {
            query: projection("to_q", dim, heads * key_width)?,
            key: projection("to_k", dim, heads * key_width)?,
            value: projection("to_v", dim, heads * features)?,
            distance_key: projection("to_rel_k", features, heads * key_width)?,
            content_bias: parameters.take(&format!("{attention}.rel_content_bias"), &bias, normal)?,
            distance_bias: parameters.take(&format!("{attention}.rel_pos_bias"), &bias, normal)?,
            output: Linear::from_parts(output_weight, Some(output_bias)),
            attention_norm: LayerNorm::take(parameters, &format!("{stem}.0.fn.0"), dim, NORM_EPSILON)?,
            feed_forward_norm: LayerNorm::take(parameters, &format!("{feed_forward}.0"), dim, NORM_EPSILON)?,
            wide: take_linear(parameters, &format!("{feed_forward}.1"), dim, 2 * dim)?,
            narrow: take_linear(parameters, &format!("{feed_forward}.4"), 2 * dim, dim)?,
            heads: heads as i64,
            scale: 1.0 / (key_width as f64).sqrt(),
        })
    }

    /// # Shapes
    /// `state`: `[rows, bins, dim]`, `distances`: `[2 · bins − 1, features]`; the result is as `state`
    pub(super) fn forward(&self, state: &Tensor, distances: &Tensor) -> Result<Tensor, ModelError> {
        let attended = self.attend(&self.attention_norm.forward(state)?, distances)?.f_add(state)?;
        let normal = self.feed_forward_norm.forward(&attended)?;
        let wide = self.wide.forward(&normal)?.f_relu()?;
        Ok(self.narrow.forward(&wide)?.f_add(&attended)?)
    }

    fn attend(&self, state: &Tensor, distances: &Tensor) -> Result<Tensor, ModelError> {
        let (rows, bins, _) = state.size3()?;
        let by_head = |tensor: &Tensor| -> Result<Tensor, ModelError> {
            Ok(tensor.f_reshape([rows, bins, self.heads, -1])?.f_transpose(1, 2)?)
        };
        let query = by_head(&self.query.forward(state)?)?.f_mul_scalar(self.scale)?; // [rows, heads, bins, key]
        let key = by_head(&self.key.forward(state)?)?;
        let value = by_head(&self.value.forward(state)?)?;
        let content = query.f_add(&self.content_bias)?.f_matmul(&key.f_transpose(2, 3)?)?; // [rows, heads, bins, bins]
        let distance_key = self
            .distance_key
            .forward(distances)?
            .f_reshape([2 * bins - 1, self.heads, -1])?
            .f_permute([1, 2, 0])?; // [heads, key, 2 · bins − 1]
        let by_distance = query.f_add(&self.distance_bias)?.f_matmul(&distance_key)?;
        let weights = content.f_add(&shift(&by_distance, bins)?)?.f_softmax(-1, state.kind())?;
        let mixed = weights.f_matmul(&value)?; // [rows, heads, bins, value]
        self.output.forward(&mixed.f_transpose(1, 2)?.f_reshape([rows, bins, -1])?)
    }
}

/// Returns the scores of each bin `i` with the bin `j`, from those of `i` with the distance `j − i`.
///
/// # Shapes
/// `[rows, heads, bins, 2 · bins − 1]` to `[rows, heads, bins, bins]`
fn shift(by_distance: &Tensor, bins: i64) -> Result<Tensor, ModelError> {
    let (rows, heads, _, distances) = by_distance.size4()?;
    // Entry (i, j) lies at i · (2 · bins − 1) + bins − 1 + j − i.
    let scores = by_distance.f_contiguous()?;
    let strides = [heads * bins * distances, bins * distances, distances - 1, 1];
    Ok(scores.f_as_strided([rows, heads, bins, bins], strides, bins - 1)?)
}

/// Takes a layer with bias and the library's initialisation.
fn take_linear(
    parameters: &mut Parameters,
    stem: &str,
    inputs: usize,
    outputs: usize,
) -> Result<Linear, ModelError> {
    let start = library_start(inputs);
    let weight = parameters.take(&format!("{stem}.weight"), &[outputs, inputs], start)?;
    let bias = parameters.take(&format!("{stem}.bias"), &[outputs], start)?;
    Ok(Linear::from_parts(weight, Some(bias)))
}
