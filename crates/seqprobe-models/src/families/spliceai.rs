//! SpliceAI (Jaganathan et al. 2019, doi:10.1016/j.cell.2018.12.015) as OpenSpliceAI trains and publishes it
//! (Chao et al. 2025, doi:10.7554/eLife.107454): a supervised, dilated, residual convolutional network over
//! single bases. Source of the facts: `openspliceai/train_base/openspliceai.py` and
//! `openspliceai/model_config.py` of Kuanhao-Chao/OpenSpliceAI.
//!
//! `x = convolution of width 1 (one-hot)`; units `x + conv(leaky(norm(conv(leaky(norm(x))))))`, slope 0.1;
//! before the first unit and after every fourth a convolution of width 1 of `x` is added to a sum. Layer 0 is
//! the first convolution, layer k is unit k, `final` is the sum, which the authors' last convolution reads.
//!
//! The authors add half the flanking size of N on each side and crop as much from the result, so that each base sees N
//! beyond the sequence's ends in every layer. Here each convolution is computed where its whole kernel covers tokens,
//! which gives the same result. Padding of a batch is N too, so it changes nothing.
//!
//! The published files are bare state dicts: the user writes `config.json`, see `docs/supervised-encoders.md`.

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::layers::channel_layers::{BatchNorm, ChannelConvolution};
use crate::layers::layer_plan::{Kept, LayerPlan};
use crate::layers::network::Network;
use crate::layers::packing::check_batch;
use crate::parameters::Parameters;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::{N_CHANNELS, N_ONE_HOT_IDS, read_one_hot_ids};
use seqprobe_core::{Digest, LayerIndex};
use tch::{Device, Kind, Tensor};

pub(super) const FAMILY: Family = Family {
    id: "spliceai",
    title: "SpliceAI in OpenSpliceAI's form, supervised on splice sites",
    model_types: &["spliceai"],
    architectures: &[],
    claim: Claim::Always,
    tensors: TensorNames {
        prefixes: &["", "module."],
        probe: "initial_conv.weight",
        ignored: &["final_conv.*", "*.num_batches_tracked"],
    },
    tokenizer: read_one_hot_ids,
    published: PUBLISHED,
    head: None,
    load,
};

/// The authors publish state dicts, but not on the hub.
const PUBLISHED: &[PublishedModel] = &[];

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

/// The number of channels in all networks of the authors.
const CHANNELS_OF_THE_AUTHORS: usize = 32;

/// Units after which a term is added to the sum.
const UNITS_PER_SKIP: usize = 4;

/// Slope of the activation below zero.
const SLOPE: f64 = 0.1;

/// Kernel and dilation of every fourth unit of the largest network; smaller ones have fewer.
const STAGES: [(usize, usize); 4] = [(11, 1), (11, 4), (21, 10), (41, 25)];

/// Settings that change values.
#[derive(serde::Serialize)]
struct Config {
    flanking_size: usize,
    hidden_size: usize,
}

impl Config {
    fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        let flanking_size = file.size_or("flanking_size", 0)?;
        if stages(flanking_size).is_none() {
            let found = file.value("flanking_size").map_or("missing".to_owned(), |value| format!("{value}"));
            return Err(file.error(format!(
                "key \"flanking_size\" is {found}, expected 80, 400, 2000 or 10000\n  hint: it is part of the published file's name: model_400nt_rs10.pt needs {{\"model_type\": \"spliceai\", \"flanking_size\": 400}}"
            )));
        }
        Ok(Self { flanking_size, hidden_size: file.size_or("hidden_size", CHANNELS_OF_THE_AUTHORS)? })
    }

    /// Kernel and dilation of each unit.
    fn units(&self) -> Vec<(usize, usize)> {
        let stages = stages(self.flanking_size).unwrap_or_default();
        stages.iter().flat_map(|&stage| [stage; UNITS_PER_SKIP]).collect()
    }
}

/// Returns the stages whose bases on both sides add up to the flanking size.
fn stages(flanking_size: usize) -> Option<&'static [(usize, usize)]> {
    let reach = |(kernel, dilation): &(usize, usize)| 2 * UNITS_PER_SKIP * dilation * (kernel - 1);
    (1..=STAGES.len())
        .filter_map(|count| STAGES.get(..count))
        .find(|stages| stages.iter().map(reach).sum::<usize>() == flanking_size)
}

struct Unit {
    norms: [BatchNorm; 2],
    convolutions: [ChannelConvolution; 2],
    /// Tokens by which the output is shorter on each side.
    reach: i64,
    /// After every fourth unit.
    skip: Option<ChannelConvolution>,
}

struct SpliceAi {
    kind: Kind,
    device: Device,
    /// Number of N on each side.
    flank: i64,
    initial: ChannelConvolution,
    initial_skip: ChannelConvolution,
    units: Vec<Unit>,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let config = Config::read(file)?;
    let width = config.hidden_size;
    let initial = ChannelConvolution::take_same(parameters, "initial_conv", [width, N_CHANNELS as usize, 1])?;
    let initial_skip = ChannelConvolution::take_same(parameters, "initial_skip.conv", [width, width, 1])?;
    let mut units = Vec::new();
    // The authors number units and skips in one list.
    let mut place = 0;
    for (number, (kernel, dilation)) in config.units().into_iter().enumerate() {
        let stem = format!("residual_units.{place}");
        let shape = [width, width, kernel];
        let norms = [
            BatchNorm::take(parameters, &format!("{stem}.batchnorm1"), width)?,
            BatchNorm::take(parameters, &format!("{stem}.batchnorm2"), width)?,
        ];
        let convolutions = [
            ChannelConvolution::take_inside(parameters, &format!("{stem}.conv1"), shape, dilation)?,
            ChannelConvolution::take_inside(parameters, &format!("{stem}.conv2"), shape, dilation)?,
        ];
        place += 1;
        let skip = if (number + 1).is_multiple_of(UNITS_PER_SKIP) {
            let stem = format!("residual_units.{place}.conv");
            place += 1;
            Some(ChannelConvolution::take_same(parameters, &stem, [width, width, 1])?)
        } else {
            None
        };
        units.push(Unit { norms, convolutions, reach: (dilation * (kernel - 1)) as i64, skip });
    }
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: units.len() as u32,
        hidden: width,
        max_tokens: None,
        has_final_norm: true,
        has_cls: false,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let network = SpliceAi {
        kind: parameters.kind(),
        device: parameters.device(),
        flank: (config.flanking_size / 2) as i64,
        initial,
        initial_skip,
        units,
    };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: N_ONE_HOT_IDS })
}

impl Network for SpliceAi {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        check_batch(batch, N_ONE_HOT_IDS, spec.max_tokens)?;
        let n_tokens = batch.ids.ncols() as i64;
        // The bases of the sequence itself, without the rest of the flanks.
        let inside = |state: &Tensor| -> Result<Tensor, ModelError> {
            let flank = (state.size().last().copied().unwrap_or(0) - n_tokens) / 2;
            Ok(state.f_narrow(2, flank, n_tokens)?)
        };
        let tokens_first = |state: &Tensor| -> Result<Tensor, ModelError> {
            Ok(inside(state)?.f_transpose(1, 2)?.f_contiguous()?) // [batch, tokens, hidden]
        };
        let mut state = self.initial.forward(&self.one_hot(batch)?)?; // [batch, hidden, flank + tokens + flank]
        let mut sum = self.initial_skip.forward(&inside(&state)?)?; // [batch, hidden, tokens]
        plan.keep(0, || tokens_first(&state))?;
        for (index, unit) in self.units.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            state = run_unit(unit, &state)?;
            if let Some(skip) = &unit.skip {
                sum = sum.f_add(&skip.forward(&inside(&state)?)?)?;
            }
            plan.keep(index + 1, || tokens_first(&state))?;
        }
        plan.keep(self.units.len() + 1, || tokens_first(&sum))?;
        Ok(plan.finish())
    }
}

impl SpliceAi {
    /// Returns one-hot bases between flanks of N. N and padding are zeros.
    ///
    /// # Shapes
    /// `[batch, bases A C G T, flank + tokens + flank]`
    fn one_hot(&self, batch: &TokenBatch) -> Result<Tensor, ModelError> {
        let rows = batch.ids.rows().into_iter().zip(&batch.lengths);
        let ids: Vec<i64> = rows.flat_map(|(ids, &length)| bases_of(ids.to_vec(), length)).collect();
        let (n_sequences, n_tokens) = batch.ids.dim();
        let ids = Tensor::f_from_slice(&ids)?.f_reshape([n_sequences as i64, n_tokens as i64])?;
        let one_hot = ids.f_one_hot(N_CHANNELS + 1)?.f_narrow(2, 0, N_CHANNELS)?;
        let one_hot = one_hot.f_to_device_(self.device, self.kind, false, false)?;
        Ok(one_hot.f_transpose(1, 2)?.f_constant_pad_nd([self.flank, self.flank])?)
    }
}

/// Returns the ids of a row with N after its length.
fn bases_of(mut ids: Vec<i64>, length: usize) -> Vec<i64> {
    ids.iter_mut().skip(length).for_each(|id| *id = N_CHANNELS);
    ids
}

/// # Shapes
/// `[batch, hidden, tokens]` to `[batch, hidden, tokens − 2 · reach]`
fn run_unit(unit: &Unit, input: &Tensor) -> Result<Tensor, ModelError> {
    let mut state = input.shallow_clone();
    for (norm, convolution) in unit.norms.iter().zip(&unit.convolutions) {
        let normal = norm.forward(&state)?;
        // Below zero the slope makes the number larger.
        let active = normal.f_maximum(&normal.f_mul_scalar(SLOPE)?)?;
        state = convolution.forward(&active)?;
    }
    let n_tokens = state.size().last().copied().unwrap_or(0);
    Ok(input.f_narrow(2, unit.reach, n_tokens)?.f_add(&state)?)
}
