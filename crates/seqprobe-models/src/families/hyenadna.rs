//! HyenaDNA (Nguyen et al. 2023, arXiv:2306.15794): blocks of a Hyena operator of order 2 (Poli et al. 2023,
//! arXiv:2302.10866) and an MLP, each after a norm, over single bases. Sources of the facts:
//! `standalone_hyenadna.py` of HazyResearch/hyena-dna for the first files, the `modeling_hyena.py` published
//! with `LongSafari/hyenadna-*-hf` for the `-hf` files; both compute the same.
//!
//! Layer 0 is the embedding, layer k the residual stream after block k (both of its sums included), `final`
//! the same after the last norm, which the authors call the embedding.
//!
//! The model is causal: a token sees only the tokens before it. So there is no `cls` (the first token sees only
//! itself and is the same for every sequence), `last` has seen the whole sequence, and `mean` includes early
//! positions that have seen little. Sequences are computed without padding.

mod config;
mod filter;
mod published;

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::folder::config_file::ConfigFile;
use crate::layers::causal_convolution::{CausalConvolution, Reach};
use crate::layers::language_model_head::{Head, HeadEntry, Objective};
use crate::layers::layer_plan::{Kept, LayerPlan};
use crate::layers::linear::{LayerNorm, Linear};
use crate::layers::network::Network;
use crate::layers::packing::Packing;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::{Tokenizer, read_bases_cls_sep, read_bases_sep};
use config::{Config, SHORT_TAPS, is_first_dialect};
use filter::{Bucket, LongFilter, Positions};
use seqprobe_core::{Digest, LayerIndex};
use std::path::Path;
use tch::{Device, Kind, Tensor};

pub(super) const FAMILY: Family = Family {
    id: "hyenadna",
    title: "HyenaDNA, causal long convolutions over single bases",
    model_types: &["hyenadna"],
    architectures: &["HyenaDNAModel", "HyenaDNAForCausalLM", "HyenaDNAForSequenceClassification"],
    claim: Claim::Always,
    tensors: TensorNames {
        prefixes: &["hyena.backbone.", "backbone.", "model.backbone.", ""],
        probe: "embeddings.word_embeddings.weight",
        ignored: &["lm_head.*", "model.lm_head.*", "score.*", "head.*", "decoder.*"],
    },
    tokenizer: read_tokenizer,
    published: published::PUBLISHED,
    head: Some(HEAD),
    load,
};

/// The scores are products with the embedding, which files store only once. The vocabulary is in the code.
const HEAD: HeadEntry =
    HeadEntry { objective: Objective::Causal, take: take_head, new_vocabulary: Some(&[]) };

/// Keys that identify the first files, which have no `model_type`.
pub(super) const FIRST_KEYS: &[&str] = &["d_model", "n_layer", "layer"];

/// The added tokens follow the code that belongs to the dialect.
fn read_tokenizer(folder: &Path, config: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    if is_first_dialect(config) { read_bases_cls_sep(folder, config) } else { read_bases_sep(folder, config) }
}

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

struct Block {
    mixer_norm: LayerNorm,
    /// To two gates and the values, one after another.
    input: Linear,
    short_filter: CausalConvolution,
    long_filter: LongFilter,
    output: Linear,
    mlp_norm: LayerNorm,
    mlp_inner: Linear,
    mlp_output: Linear,
}

struct HyenaDna {
    vocab_rows: usize,
    kind: Kind,
    device: Device,
    /// `[vocabulary, hidden]`
    embedding_table: Tensor,
    blocks: Vec<Block>,
    final_norm: LayerNorm,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let config = Config::read(file)?;
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    let embedding_table =
        parameters.take("embeddings.word_embeddings.weight", &[config.vocab_rows, config.width], normal)?;
    let positions = Positions::computed(&config, parameters.kind(), parameters.device())?;
    // Models that were trained with recomputed activations have one more level in these names.
    let level = |part: &str, tensor: &str| {
        let deeper = format!("{part}.layer");
        let is_deeper = parameters.has(&format!("layers.0.{deeper}.{tensor}"));
        if is_deeper { deeper } else { part.to_owned() }
    };
    let (mixer, mlp) = (level("mixer", "in_proj.weight"), level("mlp", "fc1.weight"));
    let mut blocks = Vec::with_capacity(config.n_layers);
    for index in 0..config.n_layers {
        let stem = format!("layers.{index}");
        blocks.push(take_block(parameters, &stem, &mixer, &mlp, &config, &positions)?);
    }
    let final_norm = LayerNorm::take(parameters, "ln_f", config.width, config.norm_epsilon)?;
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: config.n_layers as u32,
        hidden: config.width,
        max_tokens: Some(config.max_length),
        has_final_norm: true,
        has_cls: false,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let network = HyenaDna {
        vocab_rows: config.vocab_rows,
        kind: parameters.kind(),
        device: parameters.device(),
        embedding_table,
        blocks,
        final_norm,
    };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: config.vocab_rows })
}

fn take_head(file: &ConfigFile, parameters: &mut Parameters) -> Result<Head, ModelError> {
    let config = Config::read(file)?;
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    let shape = [config.vocab_rows, config.width];
    let embedding_table = parameters.take_buffer("embeddings.word_embeddings.weight", &shape, normal)?;
    Ok(Head::new(None, Linear::from_parts(embedding_table, None)))
}

fn take_block(
    parameters: &mut Parameters,
    stem: &str,
    mixer: &str,
    mlp: &str,
    config: &Config,
    positions: &Positions,
) -> Result<Block, ModelError> {
    let (width, inner) = (config.width, config.inner_width);
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    // Weights that add to the residual stream start smaller, depending on the number of such sums.
    let scale = if config.rescales_residual { ((2 * config.n_layers) as f64).sqrt() } else { 1.0 };
    let residual = Initialisation::Normal { deviation: config.initializer_range / scale };
    let mixer = format!("{stem}.{mixer}");
    let mlp = format!("{stem}.{mlp}");
    Ok(Block {
        mixer_norm: LayerNorm::take(parameters, &format!("{stem}.norm1"), width, config.norm_epsilon)?,
        input: Linear::take(parameters, &format!("{mixer}.in_proj"), width, 3 * width, normal)?,
        short_filter: CausalConvolution::take(
            parameters,
            &format!("{mixer}.short_filter"),
            3 * width,
            SHORT_TAPS,
        )?,
        long_filter: LongFilter::take(parameters, &format!("{mixer}.filter_fn"), config, positions)?,
        output: Linear::take(parameters, &format!("{mixer}.out_proj"), width, width, residual)?,
        mlp_norm: LayerNorm::take(parameters, &format!("{stem}.norm2"), width, config.norm_epsilon)?,
        mlp_inner: Linear::take(parameters, &format!("{mlp}.fc1"), width, inner, normal)?,
        mlp_output: Linear::take(parameters, &format!("{mlp}.fc2"), inner, width, residual)?,
    })
}

impl Network for HyenaDna {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        let packing = Packing::new(batch, self.vocab_rows, spec.max_tokens)?;
        let ids = Tensor::f_from_slice(&packing.ids)?.f_to_device_(self.device, Kind::Int64, false, false)?;
        let buckets = Bucket::all_of(&packing, self.device)?;
        let reach = Reach::new(&packing.columns, SHORT_TAPS, self.kind, self.device)?;
        let mut state = self.embedding_table.f_index_select(0, &ids)?; // [packed tokens, hidden]
        plan.keep(0, || Ok(state.shallow_clone()))?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            state = run_block(block, &state, &buckets, &reach)?;
            plan.keep(index + 1, || Ok(state.shallow_clone()))?;
        }
        if !plan.is_done(self.blocks.len()) {
            let normed = self.final_norm.forward(&state)?;
            plan.keep(self.blocks.len() + 1, || Ok(normed.shallow_clone()))?;
        }
        Ok(plan.finish_packed(packing))
    }

    fn is_trainable(&self) -> bool {
        true
    }
}

/// # Shapes
/// `[packed tokens, hidden]` to the same
fn run_block(block: &Block, state: &Tensor, buckets: &[Bucket], reach: &Reach) -> Result<Tensor, ModelError> {
    let projected = block.input.forward(&block.mixer_norm.forward(state)?)?; // [packed tokens, 3 * hidden]
    let parts = block.short_filter.forward(&projected, reach)?;
    let width = state.size().last().copied().unwrap_or(0);
    let part = |index: i64| parts.f_narrow(1, index * width, width);
    let gated = part(2)?.f_mul(&part(1)?)?; // [packed tokens, hidden]
    let mixed = block.long_filter.forward(&gated, buckets)?.f_mul(&part(0)?)?;
    let state = block.output.add_to(state, &mixed)?;
    let inner = block.mlp_inner.forward(&block.mlp_norm.forward(&state)?)?.f_gelu("tanh")?; // [packed tokens, inner]
    block.mlp_output.add_to(&state, &inner)
}
