//! The networks of the probes as data, which is the form that is stored, and dispatch to the one in use.

pub(crate) mod attention_network;
pub(crate) mod batch;
mod batch_norm;
pub(crate) mod cnn_network;
mod dropout;
mod fused_stem;
pub(crate) mod input_checks;
pub(crate) mod layer;
pub(crate) mod layered_network;
mod linear;
pub(crate) mod mlp_network;
pub(crate) mod mode;
pub(crate) mod parameters;
mod stem_kernels;
pub(crate) mod tensor_memory;

use crate::error::torch;
use crate::networks::attention_network::AttentionNetwork;
use crate::networks::batch::Batch;
use crate::networks::cnn_network::CnnNetwork;
use crate::networks::layered_network::LayeredNetwork;
use crate::networks::mlp_network::MlpNetwork;
use crate::networks::mode::Mode;
use crate::networks::parameters::{NetworkParameters, ParameterRole, Specification};
use rand_chacha::ChaCha8Rng;
use seqprobe_core::{FeatureKind, ProbeError};
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// A network without its parameter values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProbeNetwork {
    /// Convolutions on token vectors.
    Cnn(CnnNetwork),
    /// Two hidden layers on one vector per row.
    Mlp(MlpNetwork),
    /// Attention pooling of token vectors.
    Attention(AttentionNetwork),
    /// A preset.
    Layered(LayeredNetwork),
}

impl ProbeNetwork {
    /// The identifier of its probe.
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
            Self::Layered(network) => network.reads(),
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

    /// Number of output columns.
    pub(crate) fn n_outputs(&self) -> usize {
        match self {
            Self::Cnn(network) => network.outputs,
            Self::Mlp(network) => network.outputs,
            Self::Attention(network) => network.outputs,
            Self::Layered(network) => network.outputs,
        }
    }

    /// The parameters that it needs.
    pub(crate) fn specifications(&self) -> Vec<Specification> {
        match self {
            Self::Cnn(network) => network.specifications(),
            Self::Mlp(network) => network.specifications(),
            Self::Attention(network) => network.specifications(),
            Self::Layered(network) => network.specifications(),
        }
    }

    /// Number of fitted values in the linear reduction.
    pub(crate) fn reduction_parameters(&self) -> u64 {
        match self {
            Self::Cnn(_) | Self::Mlp(_) | Self::Attention(_) => self
                .specifications()
                .iter()
                .filter(|one| one.name == "reduction/weight" && one.role == ParameterRole::Weight)
                .map(|one| one.size().unsigned_abs())
                .sum(),
            Self::Layered(network) => network.reduction_parameters(),
        }
    }

    /// # Shapes
    /// a batch of `rows` → `[rows, outputs]`, logits or standardised values
    pub(crate) fn forward(
        &self,
        parameters: &NetworkParameters,
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

    /// One training pass: the loss of a batch and its gradient. `loss` computes a scalar from the output.
    ///
    /// # Shapes
    /// the gradient is `[trained]`, in the order of [`NetworkParameters::trained_flat`]
    pub(crate) fn gradient(
        &self,
        parameters: &NetworkParameters,
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
