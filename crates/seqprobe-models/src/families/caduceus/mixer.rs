//! Caduceus' mixer: two Mamba layers (Gu, Dao 2023, arXiv:2312.00752), one forward and one backward,
//! which share their projections. Their outputs are added.

use super::config::Config;
use crate::error::ModelError;
use crate::layers::causal_convolution::{CausalConvolution, Reach};
use crate::layers::linear::Linear;
use crate::layers::selective_scan::{Inputs, selective_scan};
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use tch::Tensor;

/// The order of the packed tokens of a batch.
pub(super) struct Tokens {
    pub(super) reach: Reach,
    /// For each token, the token at the same place if every sequence is reversed within its own length.
    pub(super) reversed: Tensor,
    /// Tokens of each sequence.
    pub(super) lengths: Vec<usize>,
}

/// Two directions with one input projection and one output projection.
pub(super) struct Mixer {
    /// To the channels and their gates.
    input: Linear,
    forward: Direction,
    backward: Direction,
    output: Linear,
}

/// The parameters that the directions do not share.
struct Direction {
    convolution: CausalConvolution,
    /// To the time steps' rank, then writes and reads of the states.
    selection: Linear,
    steps: Linear,
    /// Negative, `[channels, states]`
    rates: Tensor,
    /// `[channels]`
    skip: Tensor,
    widths: [i64; 3],
}

impl Mixer {
    pub(super) fn take(parameters: &mut Parameters, stem: &str, config: &Config) -> Result<Self, ModelError> {
        let (width, inner) = (config.width, config.inner_width);
        // Linear layers are initialised like torch's own; those that add to the residual stream start smaller.
        let inwards = Initialisation::Uniform { bound: 1.0 / (width as f64).sqrt() };
        let outwards = Initialisation::Uniform { bound: 1.0 / (inner as f64).sqrt() / config.residual_scale };
        let mut shared = |name: &str, outputs: usize, inputs: usize, start: Initialisation| {
            let names =
                ["mamba_fwd", "mamba_rev"].map(|direction| format!("{stem}.{direction}.{name}.weight"));
            let weight =
                parameters.take_shared(names.each_ref().map(String::as_str), &[outputs, inputs], start)?;
            Ok::<Linear, ModelError>(Linear::from_parts(weight, None))
        };
        let input = shared("in_proj", 2 * inner, width, inwards)?;
        let output = shared("out_proj", width, inner, outwards)?;
        Ok(Self {
            input,
            forward: Direction::take(parameters, &format!("{stem}.mamba_fwd"), config)?,
            backward: Direction::take(parameters, &format!("{stem}.mamba_rev"), config)?,
            output,
        })
    }

    /// Projections act on single tokens, so both directions share one input product and one output product.
    ///
    /// # Shapes
    /// `[packed tokens, width]` to the same
    pub(super) fn run(&self, state: &Tensor, tokens: &Tokens) -> Result<Tensor, ModelError> {
        let projected = self.input.forward(state)?; // [packed tokens, 2 * channels]
        let channels = projected.size().last().copied().unwrap_or(0) / 2;
        let values = projected.f_narrow(1, 0, channels)?;
        let gates = projected.f_narrow(1, channels, channels)?.f_silu()?;
        let forward = self.forward.run(&values, tokens)?;
        let backward = self
            .backward
            .run(&values.f_index_select(0, &tokens.reversed)?, tokens)?
            .f_index_select(0, &tokens.reversed)?;
        self.output.forward(&forward.f_add(&backward)?.f_mul(&gates)?)
    }
}

impl Direction {
    fn take(parameters: &mut Parameters, stem: &str, config: &Config) -> Result<Self, ModelError> {
        let (inner, states, rank) = (config.inner_width, config.n_states, config.step_rank);
        let bound = 1.0 / (inner as f64).sqrt();
        let step = &config.time_step;
        let step_weight = Initialisation::Uniform { bound: step.scale / (rank as f64).sqrt() };
        let step_bias = Initialisation::TimeStep { least: step.least, most: step.most, floor: step.floor };
        Ok(Self {
            convolution: CausalConvolution::take(parameters, &format!("{stem}.conv1d"), inner, config.taps)?,
            selection: Linear::take_without_bias(
                parameters,
                &format!("{stem}.x_proj"),
                inner,
                rank + 2 * states,
                Initialisation::Uniform { bound },
            )?,
            steps: Linear::from_parts(
                parameters.take(&format!("{stem}.dt_proj.weight"), &[inner, rank], step_weight)?,
                Some(parameters.take(&format!("{stem}.dt_proj.bias"), &[inner], step_bias)?),
            ),
            rates: parameters
                .take(&format!("{stem}.A_log"), &[inner, states], Initialisation::LogOfColumn)?
                .f_exp()?
                .f_neg()?,
            skip: parameters.take(&format!("{stem}.D"), &[inner], Initialisation::Ones)?,
            widths: [rank as i64, states as i64, states as i64],
        })
    }

    /// # Shapes
    /// `[packed tokens, channels]` to the same
    fn run(&self, values: &Tensor, tokens: &Tokens) -> Result<Tensor, ModelError> {
        let values = self.convolution.forward(values, &tokens.reach)?.f_silu()?;
        let selection = self.selection.forward(&values)?;
        let [rank, n_writes, n_reads] = self.widths;
        let inputs = Inputs {
            steps: &self.steps.forward(&selection.f_narrow(1, 0, rank)?)?.f_softplus()?, // [packed tokens, channels]
            writes: &selection.f_narrow(1, rank, n_writes)?, // [packed tokens, states]
            reads: &selection.f_narrow(1, rank + n_writes, n_reads)?,
            values: &values,
            lengths: &tokens.lengths,
        };
        Ok(selective_scan(&inputs, &self.rates)?.f_addcmul(&values, &self.skip)?)
    }
}
