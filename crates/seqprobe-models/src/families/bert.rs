//! BERT (Devlin et al. 2019, arXiv:1810.04805) as DNABERT uses it: learned positions, norm after each
//! residual sum, GELU by the error function. Source of the facts: the `bert` model of Hugging Face
//! transformers.
//!
//! Sequences are computed without padding: tokens of the whole batch lie one after another, only attention
//! sees sequences, group by group of equal length. So padding can never matter.

use super::{Family, LoadedEncoder};
use crate::attention::{Positions, attend};
use crate::batch::TokenBatch;
use crate::config_file::ConfigFile;
use crate::encoder::{Encoder, EncoderSpec, HiddenStates};
use crate::error::ModelError;
use crate::initialise::Initialisation;
use crate::layers::{LayerNorm, LayerPlan, Linear};
use crate::packing::Packing;
use crate::parameters::Parameters;
use crate::published::PublishedModel;
use crate::tokenizer::read_words_cls_sep;
use seqprobe_core::{Digest, LayerIndex};
use tch::{Device, Kind, Tensor};

pub(super) const FAMILY: Family = Family {
    id: "bert",
    title: "DNABERT and other BERT encoders over k-mers",
    model_types: &["bert"],
    architectures: &["BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification"],
    claims,
    prefixes: &["bert.", ""],
    probe_tensor: "embeddings.word_embeddings.weight",
    ignored_tensors: &[
        "cls.*",
        "classifier.*",
        "pooler.*",
        "embeddings.position_ids",
        "embeddings.token_type_ids",
    ],
    tokenizer: read_words_cls_sep,
    published: PUBLISHED,
    load,
};

const PUBLISHED: &[PublishedModel] = &[];

/// MosaicBERT (DNABERT-2) and the pre-norm BERT of GENA-LM call themselves BERT too.
fn claims(file: &ConfigFile) -> bool {
    file.value("alibi_starting_size").is_none()
}

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

/// Settings that change values.
#[derive(serde::Serialize)]
struct Config {
    vocab_size: usize,
    hidden_size: usize,
    n_layers: usize,
    n_heads: usize,
    intermediate_size: usize,
    max_positions: usize,
    n_token_types: usize,
    norm_epsilon: f64,
    initializer_range: f64,
    pad_token_id: usize,
}

impl Config {
    fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        let fixed =
            [("hidden_act", "gelu", "\"gelu\""), ("position_embedding_type", "absolute", "\"absolute\"")];
        for (key, expected, shown) in fixed {
            if let Some(value) = file.value(key).filter(|value| value.as_str() != Some(expected)) {
                return Err(file.error(format!("key {key:?} is {value}, expected {shown}")));
            }
        }
        for key in ["is_decoder", "add_cross_attention", "pre_layer_norm", "last_layer_norm"] {
            if let Some(value) = file.value(key).filter(|value| value.as_bool() != Some(false)) {
                return Err(file.error(format!("key {key:?} is {value}, expected false")));
            }
        }
        let config = Self {
            vocab_size: file.size("vocab_size")?,
            hidden_size: file.size("hidden_size")?,
            n_layers: file.size("num_hidden_layers")?,
            n_heads: file.size("num_attention_heads")?,
            intermediate_size: file.size("intermediate_size")?,
            max_positions: file.size("max_position_embeddings")?,
            n_token_types: file.size_or("type_vocab_size", 2)?,
            norm_epsilon: file.positive_or("layer_norm_eps", 1e-12)?,
            initializer_range: file.positive_or("initializer_range", 0.02)?,
            pad_token_id: file.value("pad_token_id").and_then(serde_json::Value::as_u64).unwrap_or(0)
                as usize,
        };
        if !config.hidden_size.is_multiple_of(config.n_heads) {
            return Err(file.error(format!(
                "key \"hidden_size\" is {}, expected a multiple of \"num_attention_heads\" {}",
                config.hidden_size, config.n_heads
            )));
        }
        Ok(config)
    }
}

/// The `config.json` of a new model.
pub(crate) fn config_json(vocab_size: usize, layers: usize, width: usize, heads: usize) -> serde_json::Value {
    serde_json::json!({
        "architectures": ["BertForMaskedLM"],
        "model_type": "bert",
        "vocab_size": vocab_size,
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "initializer_range": 0.02,
        "pad_token_id": 0,
    })
}

struct Block {
    /// Query, key and value in one product.
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
    output_norm: LayerNorm,
}

struct Bert {
    spec: EncoderSpec,
    vocab_size: usize,
    n_heads: i64,
    device: Device,
    /// `[vocabulary, hidden]`
    words: Tensor,
    /// `[positions, hidden]`, token type 0 added in.
    positions: Tensor,
    embedding_norm: LayerNorm,
    blocks: Vec<Block>,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let config = Config::read(file)?;
    let width = config.hidden_size;
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    let padded =
        Initialisation::NormalButRow { deviation: config.initializer_range, row: config.pad_token_id };
    let words = parameters.take("embeddings.word_embeddings.weight", &[config.vocab_size, width], padded)?;
    let positions =
        parameters.take("embeddings.position_embeddings.weight", &[config.max_positions, width], normal)?;
    let types =
        parameters.take("embeddings.token_type_embeddings.weight", &[config.n_token_types, width], normal)?;
    let embedding_norm = LayerNorm::take(parameters, "embeddings.LayerNorm", width, config.norm_epsilon)?;
    let mut blocks = Vec::with_capacity(config.n_layers);
    for index in 0..config.n_layers {
        blocks.push(take_block(parameters, &format!("encoder.layer.{index}"), &config)?);
    }
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: config.n_layers as u32,
        hidden: width,
        max_tokens: Some(config.max_positions),
        has_final_norm: false,
        has_cls: true,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let encoder = Bert {
        spec,
        vocab_size: config.vocab_size,
        n_heads: config.n_heads as i64,
        device: parameters.device(),
        words,
        positions: positions.f_add(&types.f_narrow(0, 0, 1)?)?,
        embedding_norm,
        blocks,
    };
    Ok(LoadedEncoder { encoder: Box::new(encoder), config_digest, vocab_size: config.vocab_size })
}

fn take_block(parameters: &mut Parameters, stem: &str, config: &Config) -> Result<Block, ModelError> {
    let width = config.hidden_size;
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    let mut linear = |name: &str, inputs: usize, outputs: usize| {
        Linear::take(parameters, &format!("{stem}.{name}"), inputs, outputs, normal)
    };
    let query = linear("attention.self.query", width, width)?;
    let key = linear("attention.self.key", width, width)?;
    let value = linear("attention.self.value", width, width)?;
    let attention_output = linear("attention.output.dense", width, width)?;
    let intermediate = linear("intermediate.dense", width, config.intermediate_size)?;
    let output = linear("output.dense", config.intermediate_size, width)?;
    let mut norm =
        |name: &str| LayerNorm::take(parameters, &format!("{stem}.{name}"), width, config.norm_epsilon);
    Ok(Block {
        query_key_value: Linear::stack(&[query, key, value])?,
        attention_output,
        attention_norm: norm("attention.output.LayerNorm")?,
        intermediate,
        output,
        output_norm: norm("output.LayerNorm")?,
    })
}

impl Bert {
    fn forward(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError> {
        let mut plan = LayerPlan::new(&self.spec, layers)?;
        let packing = Packing::new(batch, self.vocab_size, self.spec.max_tokens)?;
        let ids = Tensor::f_from_slice(&packing.ids)?.f_to_device_(self.device, Kind::Int64, false, false)?;
        let columns =
            Tensor::f_from_slice(&packing.columns)?.f_to_device_(self.device, Kind::Int64, false, false)?;
        let embedded =
            self.words.f_index_select(0, &ids)?.f_add(&self.positions.f_index_select(0, &columns)?)?;
        let mut state = self.embedding_norm.forward(&embedded)?; // [packed tokens, hidden]
        plan.keep(0, || packing.unpack(&state))?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            state = self.run_block(block, &state, &packing)?;
            plan.keep(index + 1, || packing.unpack(&state))?;
        }
        plan.finish()
    }

    /// # Shapes
    /// `[packed tokens, hidden]` to the same
    fn run_block(&self, block: &Block, state: &Tensor, packing: &Packing) -> Result<Tensor, ModelError> {
        let projected = block.query_key_value.forward(state)?; // [packed tokens, 3 * hidden]
        let attended = attend(&projected, packing, self.n_heads, &Positions::Absent)?; // [packed tokens, hidden]
        let state =
            block.attention_norm.forward(&block.attention_output.forward(&attended)?.f_add(state)?)?;
        let inner = block.intermediate.forward(&state)?.f_gelu("none")?; // [packed tokens, intermediate]
        block.output_norm.forward(&block.output.forward(&inner)?.f_add(&state)?)
    }
}

impl Encoder for Bert {
    fn spec(&self) -> &EncoderSpec {
        &self.spec
    }

    fn hidden_states(&self, batch: &TokenBatch, layers: &[LayerIndex]) -> Result<HiddenStates, ModelError> {
        tch::no_grad(|| self.forward(batch, layers))
    }
}
