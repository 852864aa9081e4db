//! The networks as data (what is stored) and their dispatch.

use crate::attention_network::AttentionNetwork;
use crate::cnn_network::CnnNetwork;
use crate::layered_network::LayeredNetwork;
use crate::mlp_network::MlpNetwork;
use crate::parameters::{Parameters, Role, Specification};
use crate::preset;
use crate::rows::Batch;
use crate::torch;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use seqprobe_core::{FeatureKind, ProbeError};
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// A network without its numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Network {
    /// Convolutions on token vectors.
    Cnn(CnnNetwork),
    /// Two hidden layers on one vector per row.
    Mlp(MlpNetwork),
    /// Attention pooling of token vectors.
    Attention(AttentionNetwork),
    /// A preset.
    Layered(LayeredNetwork),
}

/// Whether dropout masks are drawn.
pub(crate) enum Mode<'a> {
    /// Training, with the generator of dropout masks.
    Train(&'a mut ChaCha8Rng),
    /// Predicting.
    Predict,
}

impl Network {
    /// The identifier of the probe it belongs to.
    pub(crate) fn kind(&self) -> &str {
        match self {
            Self::Cnn(_) => "cnn",
            Self::Mlp(_) => "mlp",
            Self::Attention(_) => "attention",
            Self::Layered(network) => &network.preset,
        }
    }

    /// Whether it reads one vector per row or one per token.
    pub(crate) fn reads(&self) -> FeatureKind {
        match self {
            Self::Cnn(_) | Self::Attention(_) => FeatureKind::Tokens,
            Self::Mlp(_) => FeatureKind::Pooled,
            Self::Layered(network) => {
                preset::find(&network.preset).map_or(FeatureKind::Tokens, |preset| preset.reads)
            }
        }
    }

    /// Values per token or row.
    pub(crate) fn dim(&self) -> usize {
        match self {
            Self::Cnn(network) => network.dim,
            Self::Mlp(network) => network.dim,
            Self::Attention(network) => network.dim,
            Self::Layered(network) => network.dim,
        }
    }

    /// Columns of its output.
    pub(crate) fn n_outputs(&self) -> usize {
        match self {
            Self::Cnn(network) => network.outputs,
            Self::Mlp(network) => network.outputs,
            Self::Attention(network) => network.outputs,
            Self::Layered(network) => network.outputs,
        }
    }

    /// The parameters it needs.
    pub(crate) fn specifications(&self) -> Vec<Specification> {
        match self {
            Self::Cnn(network) => network.specifications(),
            Self::Mlp(network) => network.specifications(),
            Self::Attention(network) => network.specifications(),
            Self::Layered(network) => network.specifications(),
        }
    }

    /// Fitted numbers of the linear reduction.
    pub(crate) fn reduction_parameters(&self) -> u64 {
        match self {
            Self::Cnn(_) | Self::Mlp(_) | Self::Attention(_) => self
                .specifications()
                .iter()
                .filter(|one| one.name == "reduction/weight" && one.role == Role::Weight)
                .map(|one| one.size().unsigned_abs())
                .sum(),
            Self::Layered(network) => network.reduction_parameters(),
        }
    }

    /// # Shapes
    /// a batch of `rows` → `[rows, outputs]`, logits or standardised values
    pub(crate) fn forward(
        &self,
        parameters: &Parameters,
        batch: &Batch,
        mode: Mode<'_>,
    ) -> Result<Tensor, TchError> {
        match self {
            Self::Cnn(network) => network.forward(parameters, batch, mode),
            Self::Mlp(network) => network.forward(parameters, batch, mode),
            Self::Attention(network) => network.forward(parameters, batch, mode),
            Self::Layered(network) => network.forward(parameters, batch, mode),
        }
    }

    /// One training pass: the loss of a batch and its gradient. `loss` makes a scalar of the output.
    ///
    /// # Shapes
    /// the gradient is `[trained]`, in the order of [`Parameters::trained_flat`]
    pub(crate) fn gradient(
        &self,
        parameters: &Parameters,
        batch: &Batch,
        masks: &mut ChaCha8Rng,
        loss: impl FnOnce(&Tensor) -> Result<Tensor, ProbeError>,
    ) -> Result<(f64, Tensor), ProbeError> {
        if let Self::Layered(network) = self
            && network.has_fused_stem()
        {
            return network.fused_gradient(parameters, batch, masks, loss);
        }
        let loss =
            tch::with_grad(|| loss(&self.forward(parameters, batch, Mode::Train(masks)).map_err(torch)?))?;
        let value = loss.f_double_value(&[]).map_err(torch)?;
        Ok((value, parameters.gradient_of(&loss).map_err(torch)?))
    }
}

impl Mode<'_> {
    /// Multiplies by a mask that drops whole channels: 0 with the given probability, else 1 / (1 - probability).
    ///
    /// # Shapes
    /// `values [rows, channels, …]`; the mask is `[rows, channels, 1…]`
    pub(crate) fn drop_channels(&mut self, values: Tensor, probability: f64) -> Result<Tensor, TchError> {
        let Self::Train(rng) = self else { return Ok(values) };
        if probability <= 0.0 {
            return Ok(values);
        }
        let size = values.size();
        let shape: Vec<i64> =
            size.iter().enumerate().map(|(axis, &n)| if axis < 2 { n } else { 1 }).collect();
        let n: i64 = shape.iter().product();
        let threshold = (probability * f64::from(u32::MAX)) as u32;
        let kept = (1.0 / (1.0 - probability)) as f32;
        let mask: Vec<f32> =
            (0..n).map(|_| if rng.random::<u32>() < threshold { 0.0 } else { kept }).collect();
        values.f_mul(&Tensor::f_from_slice(&mask)?.f_view(shape.as_slice())?)
    }
}

/// `values · weightᵀ + bias`.
///
/// # Shapes
/// `values [rows, inputs]`, `weight [outputs, inputs]`, `bias [outputs]` → `[rows, outputs]`
pub(crate) fn linear(
    parameters: &Parameters,
    name: (&str, &str),
    values: &Tensor,
) -> Result<Tensor, TchError> {
    parameters.get(name.1)?.f_addmm(values, &parameters.get(name.0)?.f_transpose(0, 1)?)
}
