//! GPN's later networks (`model_type` `GPN`): bases, embedded or one-hot, then blocks that normalise first
//! and a norm at the end. Two kinds of blocks: `convnet` (dilated convolution and feed-forward) and `bytenet`
//! (a narrow dilated convolution between two linear layers; GPN-Promoter, Benegas, Eraslan, Song 2025,
//! doi:10.1101/2025.02.11.637758). Source of the facts: `gpn/model.py` and `gpn/modules.py` of
//! songlab-cal/gpn. The first GPN is a family of its own.
//!
//! The state at padding is set to zero before every convolution, after the norm.

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
use serde_json::Value;
use tch::{Device, Kind, Tensor};

pub(super) const FAMILY: Family = Family {
    id: "gpn-prenorm",
    title: "GPN, the later convolutional networks over single bases",
    model_types: &["GPN"],
    architectures: &[
        "GPNModel",
        "GPNForMaskedLM",
        "GPNForSequenceClassification",
        "GPNForTokenClassification",
    ],
    claim: Claim::Always,
    tensors: TensorNames {
        prefixes: &["model.", ""],
        probe: "ln_f.weight",
        ignored: &["cls.*", "classifier.*"],
    },
    tokenizer: read_kmers,
    published: PUBLISHED,
    head: Some(HEAD),
    load,
};

const HEAD: HeadEntry =
    HeadEntry { objective: Objective::Masked, take: take_head, new_vocabulary: Some(super::gpn::VOCABULARY) };

/// The sizes are those of the authors' training script. The published config could not be read.
const PUBLISHED: &[PublishedModel] = &[PublishedModel {
    id: "gpn-animal-promoter",
    repository: "songlab/gpn-animal-promoter",
    n_parameters: None,
    layers: 64,
    hidden: 1024,
    max_tokens: None,
    tokenizer: "single bases",
    licence: None,
    source: "doi:10.1101/2025.02.11.637758",
}];

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

/// The authors use the library's default.
const NORM_EPSILON: f64 = 1e-5;

/// The padding row of the authors' embedding.
const PADDING_ROW: usize = 0;

#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize)]
enum BlockKind {
    ConvNet,
    ByteNet,
}

/// Settings that change values.
#[derive(serde::Serialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    n_layers: usize,
    /// Of the feed-forward or, in a ByteNet, of the convolution.
    intermediate_size: usize,
    block_kind: BlockKind,
    is_embedded: bool,
    has_bias: bool,
    is_depthwise: bool,
    first_kernel_size: usize,
    rest_kernel_size: usize,
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
        let hidden_size = file.size_or("hidden_size", 512)?;
        let block_kind =
            choice(file, "encoder", &[("convnet", BlockKind::ConvNet), ("bytenet", BlockKind::ByteNet)])?;
        let intermediate_size = match block_kind {
            BlockKind::ConvNet => file.size_or("intermediate_size", 2048)?,
            BlockKind::ByteNet if flag(file, "slim")? => hidden_size / 2,
            BlockKind::ByteNet => hidden_size,
        };
        let config = Self {
            vocab_size: file.size_or("vocab_size", 7)?,
            hidden_size,
            n_layers: file.size_or("num_hidden_layers", 25)?,
            intermediate_size,
            block_kind,
            is_embedded: choice(file, "embedding", &[("one_hot", false), ("embedding", true)])?,
            has_bias: flag(file, "bias")?,
            is_depthwise: flag(file, "depthwise")?,
            first_kernel_size: file.size_or("first_kernel_size", 9)?,
            rest_kernel_size: file.size_or("rest_kernel_size", 5)?,
            dilations: Dilations::read(file, 9999, 8)?,
            initializer_range: file.positive_or("initializer_range", 0.02)?,
        };
        if !config.is_embedded && config.vocab_size > config.hidden_size {
            return Err(file.error(format!(
                "key \"vocab_size\" is {}, expected at most \"hidden_size\" {}: bases are one-hot",
                config.vocab_size, config.hidden_size
            )));
        }
        if config.is_depthwise && block_kind == BlockKind::ByteNet && intermediate_size != hidden_size {
            return Err(file.error("keys \"depthwise\" and \"slim\" are both true, expected one of them: the authors' network does not allow both".to_owned()));
        }
        Ok(config)
    }

    fn convolution(&self, block: usize) -> ConvolutionShape {
        ConvolutionShape {
            channels: match self.block_kind {
                BlockKind::ConvNet => self.hidden_size,
                BlockKind::ByteNet => self.intermediate_size,
            },
            kernel_size: if block == 0 { self.first_kernel_size } else { self.rest_kernel_size },
            dilation: self.dilations.of(block),
            is_depthwise: self.is_depthwise && block > 0,
            has_bias: self.has_bias,
        }
    }
}

/// Returns the meaning of a key with a few possible values; the first of them if the key is absent.
fn choice<T: Copy>(file: &ConfigFile, key: &str, names: &[(&str, T)]) -> Result<T, ModelError> {
    let found = match file.value(key) {
        None => names.first(),
        Some(value) => names.iter().find(|(name, _)| value.as_str() == Some(name)),
    };
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let expected: Vec<String> = names.iter().map(|(name, _)| format!("{name:?}")).collect();
        let got = file.value(key).unwrap_or(&Value::Null);
        file.error(format!("key {key:?} is {got}, expected {}", expected.join(" or ")))
    })
}

/// Returns a switch that is off if the key is absent.
fn flag(file: &ConfigFile, key: &str) -> Result<bool, ModelError> {
    match file.value(key) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(value) => Err(file.error(format!("key {key:?} is {value}, expected true or false"))),
    }
}

enum Block {
    ConvNet {
        convolution_norm: LayerNorm,
        convolution: Convolution,
        mixing: Linear,
        feed_forward_norm: LayerNorm,
        intermediate: Linear,
        output: Linear,
    },
    ByteNet {
        norms: [LayerNorm; 3],
        narrowing: Linear,
        convolution: Convolution,
        widening: Linear,
    },
}

struct GpnPrenorm {
    vocab_size: usize,
    kind: Kind,
    device: Device,
    /// `[vocabulary, hidden]`
    embedding_table: Tensor,
    blocks: Vec<Block>,
    final_norm: LayerNorm,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let config = Config::read(file)?;
    let shape = [config.vocab_size, config.hidden_size];
    let embedding_table = match config.is_embedded {
        true => {
            let start =
                Initialisation::NormalButRow { deviation: config.initializer_range, row: PADDING_ROW };
            parameters.take("embeddings.word_embeddings.weight", &shape, start)?
        }
        false => {
            let [rows, columns] = shape.map(|size| size as i64);
            Tensor::f_eye_m(rows, columns, (parameters.kind(), parameters.device()))?
        }
    };
    let mut blocks = Vec::with_capacity(config.n_layers);
    for index in 0..config.n_layers {
        blocks.push(take_block(parameters, index, &config)?);
    }
    let final_norm = take_norm(parameters, "ln_f", config.hidden_size, &config)?;
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: config.n_layers as u32,
        hidden: config.hidden_size,
        max_tokens: None,
        has_final_norm: true,
        has_cls: false,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let network = GpnPrenorm {
        vocab_size: config.vocab_size,
        kind: parameters.kind(),
        device: parameters.device(),
        embedding_table,
        blocks,
        final_norm,
    };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: config.vocab_size })
}

fn take_norm(
    parameters: &mut Parameters,
    stem: &str,
    width: usize,
    config: &Config,
) -> Result<LayerNorm, ModelError> {
    match config.has_bias {
        true => LayerNorm::take(parameters, stem, width, NORM_EPSILON),
        false => LayerNorm::take_without_bias(parameters, stem, width, NORM_EPSILON),
    }
}

fn take_linear(
    parameters: &mut Parameters,
    stem: &str,
    inputs: usize,
    outputs: usize,
    config: &Config,
) -> Result<Linear, ModelError> {
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    match config.has_bias {
        true => Linear::take(parameters, stem, inputs, outputs, normal),
        false => Linear::take_without_bias(parameters, stem, inputs, outputs, normal),
    }
}

/// Names are places in the authors' `nn.Sequential`, where activations and transpositions count.
fn take_block(parameters: &mut Parameters, index: usize, config: &Config) -> Result<Block, ModelError> {
    let stem = format!("encoder.layer.{index}");
    let (wide, inner) = (config.hidden_size, config.intermediate_size);
    let name = |part: &str| format!("{stem}.{part}");
    Ok(match config.block_kind {
        BlockKind::ConvNet => Block::ConvNet {
            convolution_norm: take_norm(parameters, &name("conv.0"), wide, config)?,
            convolution: Convolution::take(parameters, &name("conv.2"), config.convolution(index))?,
            mixing: take_linear(parameters, &name("conv.5"), wide, wide, config)?,
            feed_forward_norm: take_norm(parameters, &name("ffn.0"), wide, config)?,
            intermediate: take_linear(parameters, &name("ffn.1"), wide, inner, config)?,
            output: take_linear(parameters, &name("ffn.3"), inner, wide, config)?,
        },
        BlockKind::ByteNet => Block::ByteNet {
            norms: [
                take_norm(parameters, &name("layer.0"), wide, config)?,
                take_norm(parameters, &name("layer.3"), inner, config)?,
                take_norm(parameters, &name("layer.8"), inner, config)?,
            ],
            narrowing: take_linear(parameters, &name("layer.2"), wide, inner, config)?,
            convolution: Convolution::take(parameters, &name("layer.6"), config.convolution(index))?,
            widening: take_linear(parameters, &name("layer.10"), inner, wide, config)?,
        },
    })
}

/// `cls.transform` (a layer, GELU, a norm), left out if `mlm_head_transform` is false, and `cls.decoder`.
fn take_head(file: &ConfigFile, parameters: &mut Parameters) -> Result<Head, ModelError> {
    let config = Config::read(file)?;
    file.expect(&[("tie_word_embeddings", Value::Bool(false))])?;
    let (width, has_bias) = (config.hidden_size, config.has_bias);
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    let is_plain = file.value("mlm_head_transform") == Some(&Value::Bool(false));
    let transform = match is_plain {
        true => None,
        false => Some((
            Linear::take_unprefixed(parameters, "cls.transform.0", [width, width], normal, has_bias)?,
            LayerNorm::take_unprefixed(parameters, "cls.transform.2", width, NORM_EPSILON, has_bias)?,
        )),
    };
    let decoder =
        Linear::take_unprefixed(parameters, "cls.decoder", [width, config.vocab_size], normal, has_bias)?;
    Ok(Head::new(transform, decoder))
}

impl Network for GpnPrenorm {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        check_batch(batch, self.vocab_size, spec.max_tokens)?;
        let (n_sequences, n_tokens) = batch.ids.dim();
        let ids: Vec<i64> = batch.ids.iter().copied().collect();
        let ids = Tensor::f_from_slice(&ids)?.f_to_device_(self.device, Kind::Int64, false, false)?;
        let mut state = self.embedding_table.f_index_select(0, &ids)?.f_reshape([
            n_sequences as i64,
            n_tokens as i64,
            -1,
        ])?; // [batch, tokens, hidden]
        let mask = TokenMask::new(batch, self.kind, self.device)?;
        plan.keep(0, || Ok(state.shallow_clone()))?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            state = run_block(block, &state, &mask)?;
            plan.keep(index + 1, || Ok(state.shallow_clone()))?;
        }
        if !plan.is_done(self.blocks.len()) {
            state = self.final_norm.forward(&state)?;
            plan.keep(self.blocks.len() + 1, || Ok(state.shallow_clone()))?;
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
    match block {
        Block::ConvNet { convolution_norm, convolution, mixing, feed_forward_norm, intermediate, output } => {
            let masked = mask.apply(&convolution_norm.forward(state)?)?;
            let convolved = convolution.forward(&masked)?.f_gelu("none")?; // [batch, tokens, hidden]
            let state = mixing.forward(&convolved)?.f_add(state)?;
            // [batch, tokens, intermediate]
            let inner = intermediate.forward(&feed_forward_norm.forward(&state)?)?.f_gelu("none")?;
            Ok(output.forward(&inner)?.f_add(&state)?)
        }
        Block::ByteNet { norms: [first, second, third], narrowing, convolution, widening } => {
            let inner = narrowing.forward(&first.forward(state)?.f_gelu("none")?)?; // [batch, tokens, intermediate]
            let masked = mask.apply(&second.forward(&inner)?.f_gelu("none")?)?;
            let convolved = third.forward(&convolution.forward(&masked)?)?.f_gelu("none")?;
            Ok(widening.forward(&convolved)?.f_add(state)?)
        }
    }
}
