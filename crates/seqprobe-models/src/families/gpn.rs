//! GPN (Benegas, Batra, Song 2023, doi:10.1073/pnas.2311219120), the first, convolutional version: one-hot
//! bases, then blocks `x + norm(gelu(dilated convolution(x)))`, `x + norm(gelu(linear(x)))`. Source of
//! the facts: `gpn/legacy.py` of songlab-cal/gpn.
//!
//! Padding is set to zero before every convolution, because a sequence alone has zeros beyond its ends.

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::layers::convolution::{Convolution, ConvolutionShape, Dilations, TokenMask};
use crate::layers::language_model_head::{Head, HeadEntry, Objective};
use crate::layers::layer_plan::{Kept, LayerPlan};
use crate::layers::linear::{LayerNorm, Linear};
use crate::layers::network::Network;
use crate::layers::packing::check_batch;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::read_kmers;
use seqprobe_core::{Digest, LayerIndex};
use tch::{Device, Kind, Tensor};

pub(super) const FAMILY: Family = Family {
    id: "gpn",
    title: "GPN, the convolutional network over single bases",
    model_types: &["ConvNet"],
    architectures: &["ConvNetModel", "ConvNetForMaskedLM", "ConvNetForSequenceClassification"],
    claim: Claim::Always,
    tensors: TensorNames {
        prefixes: &["model.", ""],
        probe: "encoder.0.conv.1.weight",
        ignored: &["cls.*", "classifier.*"],
    },
    tokenizer: read_kmers,
    published: PUBLISHED,
    head: Some(HEAD),
    load,
};

/// The tokens of the authors' tokenizer.
pub(super) const VOCABULARY: &[&str] = &["[PAD]", "[MASK]", "[UNK]", "a", "c", "g", "t"];

const HEAD: HeadEntry =
    HeadEntry { objective: Objective::Masked, take: take_head, new_vocabulary: Some(VOCABULARY) };

/// The size is that of the published file: 264 MB of 32-bit numbers are 25 blocks of this width, and the head.
const PUBLISHED: &[PublishedModel] = &[PublishedModel {
    id: "gpn-brassicales",
    repository: "songlab/gpn-brassicales",
    n_parameters: Some(65_612_800),
    layers: 25,
    hidden: 512,
    max_tokens: None,
    tokenizer: "single bases",
    licence: None,
    source: "doi:10.1073/pnas.2311219120",
}];

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

/// The authors use the library's default.
const NORM_EPSILON: f64 = 1e-5;

/// Settings that change values.
#[derive(serde::Serialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    n_layers: usize,
    kernel_size: usize,
    #[serde(flatten)]
    dilations: Dilations,
    initializer_range: f64,
}

impl Config {
    fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        if let Some(value) = file.value("n_aux_features").filter(|value| value.as_u64() != Some(0)) {
            return Err(file.error(format!(
                "key \"n_aux_features\" is {value}, expected 0\n  hint: models that read more than the sequence are not supported"
            )));
        }
        let config = Self {
            vocab_size: file.size("vocab_size")?,
            hidden_size: file.size("hidden_size")?,
            n_layers: file.size("n_layers")?,
            kernel_size: file.size("kernel_size")?,
            dilations: Dilations::read(file, 32, 6)?,
            initializer_range: file.positive_or("initializer_range", 0.02)?,
        };
        if config.vocab_size > config.hidden_size {
            return Err(file.error(format!(
                "key \"vocab_size\" is {}, expected at most \"hidden_size\" {}: bases are one-hot",
                config.vocab_size, config.hidden_size
            )));
        }
        Ok(config)
    }
}

/// The `config.json` of a new model.
pub(crate) fn config_json(vocab_size: usize, layers: usize, width: usize) -> serde_json::Value {
    serde_json::json!({
        "architectures": ["ConvNetForMaskedLM"],
        "model_type": "ConvNet",
        "vocab_size": vocab_size,
        "hidden_size": width,
        "n_layers": layers,
        "kernel_size": 9,
        "dilation_double_every": 1,
        "dilation_max": 32,
        "dilation_cycle": 6,
        "dilation_base": 2,
        "initializer_range": 0.02,
        "n_aux_features": 0,
    })
}

struct Block {
    convolution: Convolution,
    convolution_norm: LayerNorm,
    linear: Linear,
    linear_norm: LayerNorm,
}

struct Gpn {
    vocab_size: usize,
    kind: Kind,
    device: Device,
    blocks: Vec<Block>,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let config = Config::read(file)?;
    let width = config.hidden_size;
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    let mut blocks = Vec::with_capacity(config.n_layers);
    for index in 0..config.n_layers {
        let stem = format!("encoder.{index}");
        blocks.push(Block {
            convolution: Convolution::take(
                parameters,
                &format!("{stem}.conv.1"),
                ConvolutionShape {
                    channels: width,
                    kernel_size: config.kernel_size,
                    dilation: config.dilations.of(index),
                    is_depthwise: false,
                    has_bias: true,
                },
            )?,
            convolution_norm: LayerNorm::take(parameters, &format!("{stem}.conv.4"), width, NORM_EPSILON)?,
            linear: Linear::take(parameters, &format!("{stem}.ffn.0"), width, width, normal)?,
            linear_norm: LayerNorm::take(parameters, &format!("{stem}.ffn.2"), width, NORM_EPSILON)?,
        });
    }
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: config.n_layers as u32,
        hidden: width,
        max_tokens: None,
        has_final_norm: false,
        has_cls: false,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let network =
        Gpn { vocab_size: config.vocab_size, kind: parameters.kind(), device: parameters.device(), blocks };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: config.vocab_size })
}

/// A layer, GELU, a norm and the scores, all in the authors' `cls.decoder`.
fn take_head(file: &ConfigFile, parameters: &mut Parameters) -> Result<Head, ModelError> {
    let config = Config::read(file)?;
    let width = config.hidden_size;
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    let layer = Linear::take_unprefixed(parameters, "cls.decoder.0", [width, width], normal, true)?;
    let norm = LayerNorm::take_unprefixed(parameters, "cls.decoder.2", width, NORM_EPSILON, true)?;
    let decoder =
        Linear::take_unprefixed(parameters, "cls.decoder.3", [width, config.vocab_size], normal, true)?;
    Ok(Head::new(Some((layer, norm)), decoder))
}

impl Network for Gpn {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        check_batch(batch, self.vocab_size, spec.max_tokens)?;
        let (n_sequences, n_tokens) = batch.ids.dim();
        let sizes = [n_sequences as i64, n_tokens as i64];
        let ids: Vec<i64> = batch.ids.iter().copied().collect();
        let ids = Tensor::f_from_slice(&ids)?.f_reshape(sizes)?;
        let one_hot = ids.f_one_hot(spec.hidden as i64)?;
        let mut state = one_hot.f_to_device_(self.device, self.kind, false, false)?; // [batch, tokens, hidden]
        let mask = TokenMask::new(batch, self.kind, self.device)?;
        plan.keep(0, || Ok(state.shallow_clone()))?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            state = run_block(block, &state, &mask)?;
            plan.keep(index + 1, || Ok(state.shallow_clone()))?;
        }
        Ok(plan.finish())
    }

    fn is_trainable(&self) -> bool {
        true
    }
}

/// # Shapes
/// `[batch, tokens, hidden]` to the same
fn run_block(block: &Block, state: &Tensor, mask: &TokenMask) -> Result<Tensor, ModelError> {
    let masked = mask.apply(state)?;
    let convolved = block.convolution.forward(&masked)?.f_gelu("none")?; // [batch, tokens, hidden]
    let state = block.convolution_norm.forward(&convolved)?.f_add(&masked)?;
    let mixed = block.linear.forward(&state)?.f_gelu("none")?;
    Ok(block.linear_norm.forward(&mixed)?.f_add(&state)?)
}
