//! ModernBERT (Warner et al. 2024, arXiv:2412.13663) over byte pairs, as modernGENA uses it: rotary
//! positions, most blocks attend to a window of neighbours and every third to all, norm before each part
//! (none before the first attention), gated feed-forward, one norm after the last block. Source of the
//! facts: the `modernbert` model of Hugging Face transformers.

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::layers::attention::{Positions, Rotary, attend};
use crate::layers::layer_plan::{Kept, LayerPlan};
use crate::layers::linear::{LayerNorm, Linear};
use crate::layers::network::Network;
use crate::layers::packing::Packing;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::read_byte_pairs;
use seqprobe_core::{Digest, LayerIndex};
use tch::{Device, Kind, Tensor};

mod config;

use config::Config;

pub(super) const FAMILY: Family = Family {
    id: "modernbert",
    title: "modernGENA and other ModernBERT encoders over byte pairs",
    model_types: &["modernbert"],
    architectures: &["ModernBertModel", "ModernBertForMaskedLM", "ModernBertForSequenceClassification"],
    claim: Claim::Always,
    tensors: TensorNames {
        prefixes: &["model.", ""],
        probe: "embeddings.tok_embeddings.weight",
        ignored: &["head.*", "decoder.*", "classifier.*"],
    },
    tokenizer: read_byte_pairs,
    published: PUBLISHED,
    head: None,
    load,
};

/// The size of the base model is its published 136,120,832 less its head. That of the large one could not be
/// confirmed.
const PUBLISHED: &[PublishedModel] = &[PublishedModel {
    id: "moderngena-base",
    repository: "AIRI-Institute/moderngena-base",
    n_parameters: Some(135_497_472),
    layers: 22,
    hidden: 768,
    max_tokens: Some(1024),
    tokenizer: "byte pairs",
    licence: None,
    source: "https://openreview.net/forum?id=8QsSDzYK97",
}];

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

struct Block {
    /// Whether attention sees only a window of neighbours.
    is_local: bool,
    /// None before the first block.
    attention_norm: Option<LayerNorm>,
    /// Query, key and value in one product.
    query_key_value: Linear,
    attention_output: Linear,
    feed_forward_norm: LayerNorm,
    /// Value and gate in one product.
    gated: Linear,
    output: Linear,
}

struct ModernBert {
    config: Config,
    kind: Kind,
    device: Device,
    /// `[vocabulary, hidden]`
    embedding_table: Tensor,
    embedding_norm: LayerNorm,
    global_positions: Rotary,
    local_positions: Rotary,
    blocks: Vec<Block>,
    final_norm: LayerNorm,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    parameters.allow_reduced_matmul();
    let config = Config::read(file)?;
    let width = config.hidden_size;
    let (kind, device) = (parameters.kind(), parameters.device());
    let embedding_table = parameters.take(
        "embeddings.tok_embeddings.weight",
        &[config.vocab_size, width],
        config.start(1.0),
    )?;
    let embedding_norm = take_norm(parameters, "embeddings.norm", &config)?;
    let mut blocks = Vec::with_capacity(config.n_layers);
    for index in 0..config.n_layers {
        blocks.push(take_block(parameters, index, &config)?);
    }
    let final_norm = take_norm(parameters, "final_norm", &config)?;
    let head_width = (width / config.n_heads) as i64;
    let rotary = |base: f64| Rotary::new(config.max_positions as i64, head_width, base, kind, device);
    let (global_positions, local_positions) = (rotary(config.global_theta)?, rotary(config.local_theta)?);
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: config.n_layers as u32,
        hidden: width,
        max_tokens: Some(config.max_positions),
        has_final_norm: true,
        has_cls: true,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let vocab_size = config.vocab_size;
    let network = ModernBert {
        config,
        kind,
        device,
        embedding_table,
        embedding_norm,
        global_positions,
        local_positions,
        blocks,
        final_norm,
    };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size })
}

fn take_norm(parameters: &mut Parameters, stem: &str, config: &Config) -> Result<LayerNorm, ModelError> {
    match config.norm_bias {
        true => LayerNorm::take(parameters, stem, config.hidden_size, config.norm_epsilon),
        false => LayerNorm::take_without_bias(parameters, stem, config.hidden_size, config.norm_epsilon),
    }
}

fn take_block(parameters: &mut Parameters, index: usize, config: &Config) -> Result<Block, ModelError> {
    let stem = format!("layers.{index}");
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    // Weights that add to the residual stream start smaller, depending on the number of blocks.
    let (start, out) = (config.start(1.0), config.start((2.0 * config.n_layers as f64).sqrt().recip()));
    let mut linear = |name: &str, inputs: usize, outputs: usize, start: Initialisation, has_bias: bool| {
        let name = format!("{stem}.{name}");
        match has_bias {
            true => Linear::take(parameters, &name, inputs, outputs, start),
            false => Linear::take_without_bias(parameters, &name, inputs, outputs, start),
        }
    };
    let query_key_value = linear("attn.Wqkv", width, 3 * width, start, config.attention_bias)?;
    let attention_output = linear("attn.Wo", width, width, out, config.attention_bias)?;
    let gated = linear("mlp.Wi", width, 2 * inner, start, config.mlp_bias)?;
    let output = linear("mlp.Wo", inner, width, out, config.mlp_bias)?;
    let mut norm = |name: &str| take_norm(parameters, &format!("{stem}.{name}"), config);
    Ok(Block {
        is_local: config.is_local.get(index).copied().unwrap_or(false),
        attention_norm: if index == 0 { None } else { Some(norm("attn_norm")?) },
        query_key_value,
        attention_output,
        feed_forward_norm: norm("mlp_norm")?,
        gated,
        output,
    })
}

impl Network for ModernBert {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        let packing = Packing::new(batch, self.config.vocab_size, spec.max_tokens)?;
        let longest = packing.groups.iter().map(|group| group.length).max().unwrap_or(0);
        let window = self.window(longest)?;
        // The window depends on distance alone, so that of a shorter sequence is a corner of the longest's.
        let corner = |length: i64| Ok(window.f_narrow(0, 0, length)?.f_narrow(1, 0, length)?);
        let everywhere = Positions::Rotary(&self.global_positions);
        // A window that covers the longest sequence excludes nothing.
        let nearby = match longest <= self.config.reach + 1 {
            true => Positions::Rotary(&self.local_positions),
            false => Positions::RotaryAndAdded(&self.local_positions, &corner),
        };
        let ids = Tensor::f_from_slice(&packing.ids)?.f_to_device_(self.device, Kind::Int64, false, false)?;
        let embedded = self.embedding_table.f_index_select(0, &ids)?;
        let mut state = self.embedding_norm.forward(&embedded)?; // [packed tokens, hidden]
        plan.keep(0, || Ok(state.shallow_clone()))?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            let positions = if block.is_local { &nearby } else { &everywhere };
            state = self.run_block(block, &state, &packing, positions)?;
            plan.keep(index + 1, || Ok(state.shallow_clone()))?;
        }
        plan.keep(self.blocks.len() + 1, || self.final_norm.forward(&state))?;
        Ok(plan.finish_packed(packing))
    }
}

impl ModernBert {
    /// Returns zero for pairs within reach, minus infinity for others.
    ///
    /// # Shapes
    /// `[length, length]`
    fn window(&self, length: i64) -> Result<Tensor, ModelError> {
        let places = Tensor::f_arange(length, (Kind::Int64, self.device))?;
        let distance = places.f_unsqueeze(0)?.f_sub(&places.f_unsqueeze(1)?)?.f_abs()?;
        let zeros = Tensor::f_zeros([length, length], (self.kind, self.device))?;
        Ok(zeros.f_masked_fill(&distance.f_gt(self.config.reach)?, f64::NEG_INFINITY)?)
    }

    /// # Shapes
    /// `[packed tokens, hidden]` to the same
    fn run_block(
        &self,
        block: &Block,
        state: &Tensor,
        packing: &Packing,
        positions: &Positions<'_>,
    ) -> Result<Tensor, ModelError> {
        let normed = match &block.attention_norm {
            Some(norm) => norm.forward(state)?,
            None => state.shallow_clone(),
        };
        let projected = block.query_key_value.forward(&normed)?; // [packed tokens, 3 * hidden]
        let attended = attend(&projected, packing, self.config.n_heads as i64, positions)?; // [packed tokens, hidden]
        let state = block.attention_output.add_to(state, &attended)?;
        let both = block.gated.forward(&block.feed_forward_norm.forward(&state)?)?; // [packed tokens, 2 * intermediate]
        let inner = self.config.intermediate_size as i64;
        let value = both.f_narrow(-1, 0, inner)?.f_gelu("none")?;
        let gate = both.f_narrow(-1, inner, inner)?;
        block.output.add_to(&state, &value.f_mul(&gate)?)
    }
}
