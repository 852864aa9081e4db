//! What the layers of a preset compute.
//!
//! Token values are `[rows, channels, 1, tokens]` with channels last in memory, which is their order in the input and
//! the fastest one for convolutions. Vectors of rows are `[rows, values]`. Every row has the same number of tokens.

use crate::networks::batch::Batch;
use crate::networks::batch_norm::batch_norm;
use crate::networks::dropout::drop_values;
use crate::networks::layer::{ConvolutionSizes, Layer, LayersError, Placed, Shape, place};
use crate::networks::linear::linear;
use crate::networks::mode::Mode;
use crate::networks::parameters::{NetworkParameters, Specification};
use seqprobe_core::FeatureKind;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Row lengths that are tried, to say which one a preset needs.
const MAX_LENGTH_TRIED: usize = 10_000;

/// A preset with its sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LayeredNetwork {
    /// The preset's identifier.
    pub(crate) preset: String,
    /// Values per token.
    pub(crate) dim: usize,
    /// Tokens of every row; 1 if a row is one vector.
    pub(crate) tokens: usize,
    /// Number of output columns.
    pub(crate) outputs: usize,
    /// Layers, from input to output.
    pub(crate) layers: Vec<Layer>,
}

impl LayeredNetwork {
    /// The network for rows of this many tokens.
    ///
    /// # Errors
    /// [`LayersError::TooShort`] with the minimum length, or another [`LayersError`] if no length is enough.
    pub(crate) fn new(
        preset: &str,
        layers: Vec<Layer>,
        (dim, tokens): (usize, usize),
        outputs: usize,
    ) -> Result<Self, LayersError> {
        let network = Self { preset: preset.to_owned(), dim, tokens, outputs, layers };
        let Err(error) = network.placed() else { return Ok(network) };
        let enough = |&tokens: &usize| Self { tokens, ..network.clone() }.placed().is_ok();
        let least = (tokens + 1..MAX_LENGTH_TRIED).find(enough);
        Err(least.map_or(error, |least| LayersError::TooShort { preset: preset.to_owned(), least, tokens }))
    }

    /// The layers at their places.
    pub(crate) fn placed(&self) -> Result<Vec<Placed<'_>>, LayersError> {
        let input = Shape { tokens: Some(self.tokens), channels: self.dim };
        let placed = place(&self.layers, input, self.outputs, "")?;
        match placed.last().map(|last| last.output) {
            Some(Shape { tokens: None, channels }) if channels == self.outputs => Ok(placed),
            _ => Err(LayersError::Outputs { outputs: self.outputs }),
        }
    }

    /// As [`Self::placed`], for the forward pass.
    pub(crate) fn placed_layers(&self) -> Result<Vec<Placed<'_>>, TchError> {
        self.placed().map_err(|error| TchError::Torch(error.to_string()))
    }

    /// Whether it reads one vector per row or one per token. A network that flattens its input first reads one vector.
    pub(crate) fn reads(&self) -> FeatureKind {
        match self.layers.first() {
            Some(Layer::Flatten) => FeatureKind::Pooled,
            _ => FeatureKind::Tokens,
        }
    }

    pub(crate) fn specifications(&self) -> Vec<Specification> {
        let mut all = Vec::new();
        self.placed().unwrap_or_default().iter().for_each(|placed| placed.specifications(&mut all));
        all
    }

    /// Number of trained values up to and including a first convolution of one token, after which nothing depends on
    /// the width of the input; 0 if the first convolution sees more than one token.
    pub(crate) fn reduction_parameters(&self) -> u64 {
        let places = self.placed().unwrap_or_default();
        let is_reduction = |placed: &Placed<'_>| match placed.layer {
            Layer::Convolution(ConvolutionSizes { kernel, .. }) => *kernel == 1,
            _ => false,
        };
        let Some(end) = places.iter().position(|placed| matches!(placed.layer, Layer::Convolution(_))) else {
            return 0;
        };
        if !is_reduction(&places[end]) {
            return 0;
        }
        let mut all = Vec::new();
        places[..=end].iter().for_each(|placed| placed.specifications(&mut all));
        all.iter().filter(|one| one.role.is_trained()).map(|one| one.size().unsigned_abs()).sum()
    }

    /// # Shapes
    /// `batch.values [rows, tokens, dim]` → `[rows, outputs]`
    pub(crate) fn forward(
        &self,
        parameters: &NetworkParameters,
        batch: &Batch,
        mut mode: Mode<'_>,
    ) -> Result<Tensor, TchError> {
        if let Mode::Predict = mode
            && let Some(output) = self.fused_forward(parameters, batch)?
        {
            return Ok(output);
        }
        let placed = self.placed_layers()?;
        let values = self.token_values(batch)?;
        run(&placed, parameters, values, &mut mode, &mut |_, _| Ok(()))
    }

    /// # Shapes
    /// `[rows, tokens, dim]` → `[rows, dim, 1, tokens]`, the same memory
    pub(crate) fn token_values(&self, batch: &Batch) -> Result<Tensor, TchError> {
        let shape = [batch.lengths.len() as i64, 1, self.tokens as i64, self.dim as i64];
        batch.values.f_view(shape)?.f_permute([0, 3, 1, 2])
    }
}

/// Runs layers in order and calls `seen` with the name and the output of each.
pub(crate) fn run(
    layers: &[Placed<'_>],
    parameters: &NetworkParameters,
    mut values: Tensor,
    mode: &mut Mode<'_>,
    seen: &mut dyn FnMut(&str, &Tensor) -> Result<(), TchError>,
) -> Result<Tensor, TchError> {
    for placed in layers {
        values = match placed.layer {
            Layer::Residual(_) => {
                let inner = run(&placed.within, parameters, values.shallow_clone(), mode, seen)?;
                values.f_add(&inner)?
            }
            _ => apply(placed, parameters, values, mode)?,
        };
        seen(&placed.name, &values)?;
    }
    Ok(values)
}

/// Runs one layer that contains no others.
fn apply(
    placed: &Placed<'_>,
    parameters: &NetworkParameters,
    values: Tensor,
    mode: &mut Mode<'_>,
) -> Result<Tensor, TchError> {
    let get = |what: &str| parameters.get(&format!("{}/{what}", placed.name));
    match placed.layer {
        Layer::BatchNorm(convention) => batch_norm(*convention, &placed.name, parameters, &values, mode),
        Layer::Convolution(convolution) => {
            let (inputs, kernel) = (placed.input.channels as i64, convolution.kernel as i64);
            let shape = [convolution.channels as i64, 1, kernel, inputs];
            let weight = get("weight")?.f_view(shape)?.f_permute([0, 3, 1, 2])?;
            let dilation = convolution.dilation as i64;
            let padding = if convolution.same_length { kernel / 2 * dilation } else { 0 };
            let bias = if convolution.bias { Some(get("bias")?) } else { None };
            values.f_conv2d(&weight, bias, [1, 1], [0, padding], [1, dilation], 1)
        }
        Layer::Dense { .. } | Layer::Output(_) => {
            let names = (format!("{}/weight", placed.name), format!("{}/bias", placed.name));
            let names = (names.0.as_str(), names.1.as_str());
            match placed.input.tokens {
                None => linear(parameters, names, &values),
                Some(_) => {
                    let tokens = values.f_permute([0, 2, 3, 1])?;
                    let size = tokens.size();
                    let flat = tokens.f_reshape([-1, placed.input.channels as i64])?;
                    let made = linear(parameters, names, &flat)?;
                    made.f_view([size[0], size[1], size[2], -1])?.f_permute([0, 3, 1, 2])
                }
            }
        }
        Layer::Relu => values.f_relu(),
        Layer::Exp => values.f_exp(),
        Layer::Silu => values.f_silu(),
        Layer::Gelu => values.f_gelu("none"),
        Layer::Sigmoid => values.f_sigmoid(),
        Layer::Softmax => values.f_softmax(1, Kind::Float),
        Layer::Dropout(probability) => drop_values(values, *probability, mode),
        Layer::MaxPool(block) => {
            let block = [1, *block as i64];
            values.f_max_pool2d(block, block, [0, 0], [1, 1], false)
        }
        Layer::AveragePool(block) => {
            let block = [1, *block as i64];
            values.f_avg_pool2d(block, block, [0, 0], false, true, None)
        }
        Layer::GlobalAverage => values.f_mean_dim([2_i64, 3].as_slice(), false, Kind::Float),
        Layer::Flatten => values.f_permute([0, 2, 3, 1])?.f_flatten(1, -1),
        Layer::Residual(_) => Ok(values),
    }
}
