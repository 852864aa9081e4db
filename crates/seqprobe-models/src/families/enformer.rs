//! Enformer (Avsec et al. 2021, doi:10.1038/s41592-021-01252-x): one-hot bases, a tower of convolutions
//! that halves the length at every stage, then transformer blocks over bins of 128 bases. Source of the
//! facts: `enformer_pytorch/modeling_enformer.py` of lucidrains/enformer-pytorch 0.8.12.
//!
//! A sequence is padded on the right with N (zeros) to whole bins and has one state per bin. Convolutions and attention
//! would see the padding of a batch, so only sequences with the same number of bins are computed together. Nothing is
//! cropped. Layer 0 is the tower's output, layer k is block k, `final` is the authors' final pointwise layer, which is
//! twice as wide.
//!
//! The track heads are left out, and so is dropout: this is the network in prediction mode.

mod block;
mod config;
mod positions;
mod tower;

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::layers::layer_plan::{Kept, LayerPlan};
use crate::layers::network::Network;
use crate::layers::packing::check_batch;
use crate::parameters::Parameters;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::{N_CHANNELS, N_ONE_HOT_IDS, read_one_hot_ids};
use block::Block;
use config::{Config, OFFICIAL};
use positions::{GammaScale, positional_features};
use seqprobe_core::{Digest, LayerIndex};
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};
use tower::{ConvBlock, Stage, gelu, widths};

pub(super) const FAMILY: Family = Family {
    id: "enformer",
    title: "Enformer, supervised on genome-wide tracks, one state per 128 bases",
    model_types: &["enformer"],
    architectures: &["Enformer"],
    claim: Claim::If(claims),
    tensors: TensorNames {
        prefixes: &["", "enformer."],
        probe: "stem.0.weight",
        // The authors register the parts of the trunk twice: by their names, and in order as `_trunk`.
        ignored: &["_heads.*", "_trunk.*", "*.num_batches_tracked"],
    },
    tokenizer: read_one_hot_ids,
    published: PUBLISHED,
    head: None,
    load,
};

const PUBLISHED: &[PublishedModel] = &[PublishedModel {
    id: "enformer",
    repository: OFFICIAL,
    n_parameters: Some(229_845_504),
    layers: 11,
    hidden: 1536,
    max_tokens: None,
    tokenizer: "single bases; one state per 128",
    licence: Some("CC-BY-4.0"),
    source: "doi:10.1038/s41592-021-01252-x; https://github.com/lucidrains/enformer-pytorch",
}];

/// Another implementation has the same model type, with other keys and tensors.
fn claims(file: &ConfigFile) -> bool {
    file.value("hidden_size").is_none()
}

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

struct Enformer {
    kind: Kind,
    device: Device,
    config: Config,
    stages: Vec<Stage>,
    blocks: Vec<Block>,
    final_pointwise: ConvBlock,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let config = Config::read(file)?;
    // A file with one name per tensor may have kept the name in the ordered trunk.
    let is_named = parameters.present(&["stem.0.weight", "_trunk.1.0.weight"], "") == "stem.0.weight";
    let [stem, tower, transformer, pointwise] = if is_named {
        ["stem", "conv_tower", "transformer", "final_pointwise"]
    } else {
        ["_trunk.1", "_trunk.2", "_trunk.4", "_trunk.6"]
    };
    let widths = widths(config.dim, config.num_downsamples, config.dim_divisible_by);
    let mut stages = vec![Stage::take_stem(parameters, stem, config.dim / 2)?];
    let inputs = std::iter::once(&(config.dim / 2)).chain(&widths).copied().collect::<Vec<usize>>();
    for (number, (inputs, outputs)) in inputs.iter().zip(&widths).enumerate() {
        stages.push(Stage::take(parameters, &format!("{tower}.{number}"), *inputs, *outputs)?);
    }
    let mut blocks = Vec::with_capacity(config.depth);
    for number in 0..config.depth {
        blocks.push(Block::take(parameters, &format!("{transformer}.{number}"), &config)?);
    }
    let final_pointwise =
        ConvBlock::take(parameters, &format!("{pointwise}.1"), [2 * config.dim, config.dim, 1])?;
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: config.depth as u32,
        hidden: config.dim,
        max_tokens: None,
        has_final_norm: true,
        has_cls: false,
        state_stride: config.bin(),
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let (kind, device) = (parameters.kind(), parameters.device());
    let network = Enformer { kind, device, config, stages, blocks, final_pointwise };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: N_ONE_HOT_IDS })
}

impl Network for Enformer {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        check_batch(batch, N_ONE_HOT_IDS, spec.max_tokens)?;
        let mut rows_of_bins: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, length) in batch.lengths.iter().enumerate() {
            rows_of_bins.entry(length.div_ceil(self.config.bin())).or_default().push(row);
        }
        let n_states = batch.ids.ncols().div_ceil(self.config.bin());
        let mut parts: Vec<Vec<Tensor>> = layers.iter().map(|_| Vec::new()).collect();
        for (&n_bins, rows) in &rows_of_bins {
            let states = self.forward_group(spec, &self.one_hot(batch, rows, n_bins)?, layers)?;
            let padding = (n_states - n_bins) as i64;
            for ((_, state), parts) in states.into_iter().zip(&mut parts) {
                parts.push(state.f_constant_pad_nd([0, 0, 0, padding])?); // [rows, states, width]
            }
        }
        // The place of each row of the batch in the concatenated groups.
        let order: Vec<usize> = rows_of_bins.into_values().flatten().collect();
        let mut places = vec![0_i64; order.len()];
        for (place, row) in order.into_iter().enumerate() {
            places.iter_mut().skip(row).take(1).for_each(|slot| *slot = place as i64);
        }
        let places = Tensor::f_from_slice(&places)?.f_to_device(self.device)?;
        let join = |(layer, parts): (&LayerIndex, Vec<Tensor>)| -> Result<_, ModelError> {
            Ok((*layer, Tensor::f_cat(&parts, 0)?.f_index_select(0, &places)?))
        };
        Ok(Kept::Padded(layers.iter().zip(parts).map(join).collect::<Result<_, ModelError>>()?))
    }

    fn width(&self, spec: &EncoderSpec, layer: LayerIndex) -> usize {
        match layer {
            LayerIndex::Final => 2 * spec.hidden,
            LayerIndex::Block(_) => spec.hidden,
        }
    }
}

impl Enformer {
    /// # Shapes
    /// `[rows, bases A C G T, bins × bases of a bin]`
    fn one_hot(&self, batch: &TokenBatch, rows: &[usize], n_bins: usize) -> Result<Tensor, ModelError> {
        let n_bases = n_bins * self.config.bin();
        let mut ids = Vec::with_capacity(rows.len() * n_bases);
        for (row, &length) in batch.lengths.iter().enumerate().filter(|(row, _)| rows.contains(row)) {
            let end = ids.len() + n_bases;
            ids.extend(batch.ids.row(row).iter().take(length));
            ids.resize(end, N_CHANNELS);
        }
        let ids = Tensor::f_from_slice(&ids)?.f_reshape([rows.len() as i64, n_bases as i64])?;
        let one_hot = ids.f_one_hot(N_CHANNELS + 1)?.f_narrow(2, 0, N_CHANNELS)?.f_transpose(1, 2)?;
        Ok(one_hot.f_to_device_(self.device, self.kind, false, false)?)
    }

    /// Computes sequences with the same number of bins.
    ///
    /// # Shapes
    /// `[rows, 4, bases]` to `[rows, bins, width]` each
    fn forward_group(
        &self,
        spec: &EncoderSpec,
        one_hot: &Tensor,
        layers: &[LayerIndex],
    ) -> Result<Vec<(LayerIndex, Tensor)>, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        let mut tower = one_hot.shallow_clone();
        for stage in &self.stages {
            tower = stage.forward(&tower)?; // [rows, channels, half the length]
        }
        let mut state = tower.f_transpose(1, 2)?.f_contiguous()?; // [rows, bins, dim]
        plan.keep(0, || Ok(state.shallow_clone()))?;
        let n_bins = tower.size().last().copied().unwrap_or(0);
        let scale = if self.config.use_tf_gamma { GammaScale::PerFeature } else { GammaScale::PerDistance };
        let features = self.config.position_features();
        let distances = positional_features(n_bins, features, scale, self.kind, self.device)?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            state = block.forward(&state, &distances)?;
            plan.keep(index + 1, || Ok(state.shallow_clone()))?;
        }
        plan.keep(self.blocks.len() + 1, || {
            let pointwise = gelu(&self.final_pointwise.forward(&state.f_transpose(1, 2)?)?)?;
            Ok(pointwise.f_transpose(1, 2)?.f_contiguous()?) // [rows, bins, 2 · dim]
        })?;
        Ok(plan.into_layers())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seqprobe_core::Seed;

    #[test]
    fn random_weights_start_as_the_authors_start_them() {
        let config = serde_json::json!({
            "dim": 96, "depth": 1, "heads": 4, "num_downsamples": 3, "dim_divisible_by": 8, "use_tf_gamma": false,
        });
        let file = ConfigFile::from_value("config.json".into(), config).unwrap();
        let mut parameters = Parameters::random(Seed(1), Kind::Float, Device::Cpu);
        parameters.drawn = Some(Vec::new());
        load(&file, &mut parameters).unwrap();
        let drawn = parameters.drawn.unwrap();
        // Counted in the authors' network of these sizes.
        assert_eq!(drawn.len(), 57);
        for tensor in drawn {
            let (name, values) = (tensor.name.as_str(), &tensor.values);
            let squares: f64 = values.iter().map(|&value| f64::from(value).powi(2)).sum();
            let deviation = (squares / values.len() as f64).sqrt();
            let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let is_norm = tensor.shape.len() == 1 && !name.contains("to_out");
            if name.ends_with("to_attn_logits.weight") {
                let width = tensor.shape[0];
                let is_expected = |place: usize| if place.is_multiple_of(width + 1) { 2.0_f32 } else { 0.0 };
                assert!(
                    (0..values.len()).all(|place| values[place].to_bits() == is_expected(place).to_bits())
                );
            } else if name.contains("to_out") || name.ends_with("running_mean") {
                assert_eq!(largest.to_bits(), 0, "{name}");
            } else if name.ends_with("_bias") {
                assert!(
                    tensor.shape == [1, 4, 1, 64] && (deviation - 1.0).abs() < 0.15,
                    "{name} {deviation}"
                );
            } else if name.ends_with("running_var") || (is_norm && name.ends_with("weight")) {
                assert!(values.iter().all(|value| value.to_bits() == 1.0_f32.to_bits()), "{name}");
            } else if name.ends_with(".weight") {
                let bound = 1.0 / (tensor.shape[1..].iter().product::<usize>() as f64).sqrt();
                assert!(
                    f64::from(largest) <= bound && (deviation * 3.0_f64.sqrt() / bound - 1.0).abs() < 0.1,
                    "{name}"
                );
            } else {
                // Biases of convolutions and linear layers are drawn, those of norms are zero.
                let of_norm = name.ends_with("fn.0.bias")
                    || name.ends_with("0.0.0.bias")
                    || name.ends_with("1.0.0.bias")
                    || name.ends_with("final_pointwise.1.0.bias");
                assert_eq!(largest.to_bits() == 0, of_norm, "{name}");
            }
        }
    }
}
