//! The layers of presets as data, and the sizes that follow from a list of layers. What they compute is in
//! `layered_network.rs`.

use crate::networks::parameters::{ParameterRole, Specification, Start};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One layer of a preset, with the name that its source uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Layer {
    /// Normalises each channel by its mean and variance over the rows and tokens of the batch (training), or by their
    /// running means (predicting), then scales and shifts it.
    BatchNorm(Convention),
    /// A convolution along tokens.
    Convolution(ConvolutionSizes),
    /// A linear layer on the vector of a row, or on the vector of each token.
    Dense {
        /// Number of output values.
        units: usize,
        /// Initial weights.
        start: InitialWeights,
    },
    /// The last linear layer, with one unit per output of the task.
    Output(InitialWeights),
    /// `max(0, x)`
    Relu,
    /// `e^x`
    Exp,
    /// `x · sigmoid(x)`
    Silu,
    /// `x · Φ(x)`, exact
    Gelu,
    /// `1 / (1 + e^-x)`
    Sigmoid,
    /// Softmax over the channels of each token.
    Softmax,
    /// Drops single values with this probability and scales up the others.
    Dropout(f64),
    /// Maximum over blocks of this many tokens; a shorter last block is left out.
    MaxPool(usize),
    /// Mean over blocks of this many tokens; a shorter last block is left out.
    AveragePool(usize),
    /// Mean over all tokens: one vector per row.
    GlobalAverage,
    /// The vectors of all tokens, concatenated: one vector per row.
    Flatten,
    /// The input plus the output of these layers.
    Residual(Vec<Layer>),
}

/// The sizes of a convolution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConvolutionSizes {
    /// Output channels.
    pub(crate) channels: usize,
    /// Tokens that it sees.
    pub(crate) kernel: usize,
    /// Distance between the tokens that it sees.
    pub(crate) dilation: usize,
    /// Whether a constant is added to each channel.
    pub(crate) bias: bool,
    /// Whether zeros are added at both ends, so that the number of tokens stays the same (odd kernels).
    pub(crate) same_length: bool,
    /// Initial weights.
    pub(crate) start: InitialWeights,
}

/// The library whose constants a batch norm uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Convention {
    /// Keras: ε = 1e-3; running means keep 0.99 of the old value; the running variance is the biased one of the batch.
    Keras,
}

impl Convention {
    /// ε, and the share of the new value in the running means.
    pub(crate) fn constants(self) -> (f64, f64) {
        match self {
            Self::Keras => (1e-3, 0.01),
        }
    }
}

/// How initial weights are drawn. Biases start at 0 unless stated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InitialWeights {
    /// Glorot & Bengio 2010: uniform, variance 2 / (inputs + outputs).
    Glorot,
    /// He et al. 2015: uniform, variance 2 / inputs.
    He,
    /// Normal with this standard deviation.
    Normal(f64),
    /// `PyTorch`'s default: weights and biases uniform within 1 / √inputs.
    Torch,
}

/// The shape of a layer's input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Tokens of a row; `None` if there is one vector per row.
    pub(crate) tokens: Option<usize>,
    /// Values in a vector.
    pub(crate) channels: usize,
}

/// A layer at its place in a network.
pub(crate) struct Placed<'a> {
    pub(crate) layer: &'a Layer,
    /// Its number, unique in the network. Parameters are named `<name>/weight` and so on.
    pub(crate) name: String,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    /// The layers within a residual block.
    pub(crate) within: Vec<Placed<'a>>,
}

/// Why a list of layers is not a network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum LayersError {
    /// A layer cannot be applied to its input.
    #[error(
        "layer {layer} has too few input tokens, or is a residual block that changes the shape of its input"
    )]
    NoShape {
        /// The layer's number.
        layer: String,
    },
    /// The output of the last layer is not the output of the task.
    #[error("the output of the last layer is not one vector of {outputs} values, as the task needs")]
    Outputs {
        /// Number of outputs of the task.
        outputs: usize,
    },
    /// The rows are too short.
    #[error("{preset} needs rows of at least {least} tokens, these have {tokens}")]
    TooShort {
        /// The preset.
        preset: String,
        /// Minimum number of tokens.
        least: usize,
        /// Tokens found.
        tokens: usize,
    },
}

/// Places a list of layers after an input.
///
/// # Errors
/// [`LayersError::NoShape`] for a layer that cannot be applied to its input.
pub(crate) fn place<'a>(
    layers: &'a [Layer],
    mut shape: Shape,
    outputs: usize,
    prefix: &str,
) -> Result<Vec<Placed<'a>>, LayersError> {
    let mut placed = Vec::with_capacity(layers.len());
    for (number, layer) in layers.iter().enumerate() {
        let name = format!("{prefix}{number:02}");
        let within = match layer {
            Layer::Residual(inner) => place(inner, shape, outputs, &format!("{name}."))?,
            _ => Vec::new(),
        };
        let output = output_shape(layer, shape, outputs, within.last().map(|last| last.output))
            .ok_or_else(|| LayersError::NoShape { layer: name.clone() })?;
        placed.push(Placed { layer, name, input: shape, output, within });
        shape = output;
    }
    Ok(placed)
}

/// The shape of a layer's output; `None` if no token would be left.
fn output_shape(layer: &Layer, input: Shape, outputs: usize, within: Option<Shape>) -> Option<Shape> {
    let shorter = |tokens: Option<usize>| {
        tokens.filter(|&tokens| tokens > 0).map(|tokens| Shape { tokens: Some(tokens), ..input })
    };
    match layer {
        Layer::Convolution(convolution) => {
            let lost =
                if convolution.same_length { 0 } else { (convolution.kernel - 1) * convolution.dilation };
            let left = shorter(input.tokens.and_then(|tokens| tokens.checked_sub(lost)))?;
            Some(Shape { channels: convolution.channels, ..left })
        }
        Layer::Dense { units, .. } => Some(Shape { channels: *units, ..input }),
        Layer::Output(_) => Some(Shape { channels: outputs, ..input }),
        Layer::MaxPool(block) | Layer::AveragePool(block) => {
            shorter(input.tokens.map(|tokens| tokens / block))
        }
        Layer::GlobalAverage => input.tokens.map(|_| Shape { tokens: None, ..input }),
        Layer::Flatten => {
            input.tokens.map(|tokens| Shape { tokens: None, channels: tokens * input.channels })
        }
        Layer::Residual(_) => within.filter(|&within| within == input),
        _ => Some(input),
    }
}

impl Placed<'_> {
    /// Adds the parameters of the layer and of the layers within it.
    pub(crate) fn specifications(&self, all: &mut Vec<Specification>) {
        let mut add = |what: &str, shape: &[usize], role, start| {
            let shape = shape.iter().map(|&size| size as i64).collect();
            all.push(Specification { name: format!("{}/{what}", self.name).into(), shape, role, start });
        };
        let (inputs, outputs) = (self.input.channels, self.output.channels);
        match self.layer {
            Layer::BatchNorm(_) => {
                add("gain", &[inputs], ParameterRole::Offset, Start::Constant(1.0));
                add("offset", &[inputs], ParameterRole::Offset, Start::Constant(0.0));
                add("running-mean", &[inputs], ParameterRole::State, Start::Constant(0.0));
                add("running-variance", &[inputs], ParameterRole::State, Start::Constant(1.0));
            }
            Layer::Convolution(convolution) => {
                let (kernel, start) = (convolution.kernel, convolution.start);
                let fan = (kernel * inputs, kernel * outputs);
                add("weight", &[outputs, kernel, inputs], ParameterRole::Weight, start.weights(fan));
                if convolution.bias {
                    add("bias", &[outputs], ParameterRole::Offset, start.biases(fan));
                }
            }
            Layer::Dense { start, .. } | Layer::Output(start) => {
                let fan = (inputs, outputs);
                add("weight", &[outputs, inputs], ParameterRole::Weight, start.weights(fan));
                add("bias", &[outputs], ParameterRole::Offset, start.biases(fan));
            }
            _ => {}
        }
        self.within.iter().for_each(|placed| placed.specifications(all));
    }
}

impl InitialWeights {
    fn weights(self, (inputs, outputs): (usize, usize)) -> Start {
        let (inputs, outputs) = (inputs.max(1) as f64, outputs.max(1) as f64);
        match self {
            Self::Glorot => Start::Uniform((6.0 / (inputs + outputs)).sqrt()),
            Self::He => Start::Uniform((6.0 / inputs).sqrt()),
            Self::Normal(deviation) => Start::Normal(deviation),
            Self::Torch => Start::Uniform((1.0 / inputs).sqrt()),
        }
    }

    fn biases(self, fan: (usize, usize)) -> Start {
        if self == Self::Torch { self.weights(fan) } else { Start::Constant(0.0) }
    }
}
