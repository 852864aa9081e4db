//! ESM (Rives et al. 2021, doi:10.1073/pnas.2016239118) as the Nucleotide Transformer uses it (Dalla-Torre et
//! al. 2024, doi:10.1038/s41592-024-02523-z): norm before attention and before the feed-forward, a norm
//! after the last block. Sources of the facts: the `esm` model of Hugging Face transformers for the first
//! generation; for the second the `modeling_esm.py` published with its checkpoints and
//! `nucleotide_transformer/layers.py` of instadeepai/nucleotide-transformer.
//!
//! First generation: learned positions, GELU by the error function, embeddings rescaled as by token dropout.
//! Second: rotary positions, SwiGLU. Sequences are computed without padding, as in BERT.

mod config;

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
use crate::tokenizer::read_adjacent_kmers;
use config::{Config, FeedForward, PositionKind};
use seqprobe_core::{Digest, LayerIndex};
use tch::{Device, Kind, Tensor};

pub(super) const FAMILY: Family = Family {
    id: "esm",
    title: "the Nucleotide Transformer, first and second generation",
    model_types: &["esm"],
    architectures: &[
        "EsmModel",
        "EsmForMaskedLM",
        "EsmForTokenClassification",
        "EsmForSequenceClassification",
    ],
    claim: Claim::Always,
    tensors: TensorNames {
        prefixes: &["esm.", ""],
        probe: "embeddings.word_embeddings.weight",
        ignored: &[
            "lm_head.*",
            "classifier.*",
            "pooler.*",
            "contact_head.*",
            "embeddings.position_ids",
            // Stored but not used if positions are rotary.
            "embeddings.position_embeddings.weight",
        ],
    },
    tokenizer: read_adjacent_kmers,
    published: PUBLISHED,
    head: None,
    load,
};

const PAPER: &str = "doi:10.1038/s41592-024-02523-z";
const SIX_MERS: &str = "non-overlapping 6-mers";
const LICENCE: Option<&str> = Some("CC-BY-NC-SA-4.0");

const fn first_generation(id: &'static str, repository: &'static str, is_large: bool) -> PublishedModel {
    PublishedModel {
        id,
        repository,
        n_parameters: Some(if is_large { 2_530_726_400 } else { 478_798_080 }),
        layers: if is_large { 32 } else { 24 },
        hidden: if is_large { 2560 } else { 1280 },
        max_tokens: Some(1000),
        tokenizer: SIX_MERS,
        licence: LICENCE,
        source: PAPER,
    }
}

const fn second_generation(
    id: &'static str,
    repository: &'static str,
    layers: u32,
    hidden: u32,
    n_parameters: u64,
) -> PublishedModel {
    PublishedModel {
        id,
        repository,
        n_parameters: Some(n_parameters),
        layers,
        hidden,
        max_tokens: Some(2048),
        tokenizer: SIX_MERS,
        licence: LICENCE,
        source: PAPER,
    }
}

const PUBLISHED: &[PublishedModel] = &[
    first_generation("nt-500m-human-ref", "InstaDeepAI/nucleotide-transformer-500m-human-ref", false),
    first_generation("nt-500m-1000g", "InstaDeepAI/nucleotide-transformer-500m-1000g", false),
    first_generation("nt-2.5b-1000g", "InstaDeepAI/nucleotide-transformer-2.5b-1000g", true),
    first_generation("nt-2.5b-multi-species", "InstaDeepAI/nucleotide-transformer-2.5b-multi-species", true),
    second_generation(
        "nt-v2-50m",
        "InstaDeepAI/nucleotide-transformer-v2-50m-multi-species",
        12,
        512,
        52_484_608,
    ),
    second_generation(
        "nt-v2-100m",
        "InstaDeepAI/nucleotide-transformer-v2-100m-multi-species",
        22,
        512,
        94_468_608,
    ),
    second_generation(
        "nt-v2-500m",
        "InstaDeepAI/nucleotide-transformer-v2-500m-multi-species",
        29,
        1024,
        490_984_448,
    ),
];

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

/// In training, 15% of the tokens were predicted, and 80% of those were masked.
const MASKED_IN_TRAINING: f64 = 0.15 * 0.8;

struct Block {
    attention_norm: LayerNorm,
    /// Query, key and value in one product.
    query_key_value: Linear,
    attention_output: Linear,
    feed_forward_norm: LayerNorm,
    intermediate: Linear,
    output: Linear,
}

struct Esm {
    vocab_size: usize,
    n_heads: i64,
    kind: Kind,
    device: Device,
    is_gated: bool,
    /// The token whose embedding is set to zero by token dropout, if that is on.
    dropped_token: Option<i64>,
    /// `[vocabulary, hidden]`
    embedding_table: Tensor,
    /// `[positions, hidden]`, that of a sequence's first token first.
    positions: Option<Tensor>,
    rotary: Option<Rotary>,
    embedding_norm: Option<LayerNorm>,
    blocks: Vec<Block>,
    final_norm: LayerNorm,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let config = Config::read(file)?;
    parameters.allow_reduced_matmul();
    let width = config.hidden_size;
    let padded =
        Initialisation::NormalButRow { deviation: config.initializer_range, row: config.pad_token_id };
    let embedding_table =
        parameters.take("embeddings.word_embeddings.weight", &[config.vocab_size, width], padded)?;
    let (mut positions, mut rotary) = (None, None);
    match config.positions {
        PositionKind::Learned => {
            let shape = [config.max_positions, width];
            let table = parameters.take("embeddings.position_embeddings.weight", &shape, padded)?;
            let first = config.pad_token_id as i64 + 1;
            positions = Some(table.f_narrow(0, first, config.max_tokens() as i64)?);
        }
        PositionKind::Rotary { base } => {
            let (n, head) = (config.max_tokens() as i64, config.head_width());
            rotary = Some(Rotary::new(n, head as i64, base, parameters.kind(), parameters.device())?);
            check_frequencies(parameters, "rotary_embeddings.inv_freq", head, base)?;
        }
    }
    let norm = |parameters: &mut Parameters, stem: &str| {
        LayerNorm::take(parameters, stem, width, config.norm_epsilon)
    };
    let embedding_norm = match config.has_embedding_norm {
        true => Some(norm(parameters, "embeddings.layer_norm")?),
        false => None,
    };
    let mut blocks = Vec::with_capacity(config.n_layers);
    for index in 0..config.n_layers {
        blocks.push(take_block(parameters, &format!("encoder.layer.{index}"), &config)?);
    }
    let final_norm = norm(parameters, "encoder.emb_layer_norm_after")?;
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: config.n_layers as u32,
        hidden: width,
        max_tokens: Some(config.max_tokens()),
        has_final_norm: true,
        has_cls: true,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let network = Esm {
        vocab_size: config.vocab_size,
        n_heads: config.n_heads as i64,
        kind: parameters.kind(),
        device: parameters.device(),
        is_gated: config.feed_forward != FeedForward::Gelu,
        dropped_token: config.dropped_token.map(|id| id as i64),
        embedding_table,
        positions,
        rotary,
        embedding_norm,
        blocks,
        final_norm,
    };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: config.vocab_size })
}

fn take_block(parameters: &mut Parameters, stem: &str, config: &Config) -> Result<Block, ModelError> {
    let width = config.hidden_size;
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    if let PositionKind::Rotary { base } = config.positions {
        let name = format!("{stem}.attention.self.rotary_embeddings.inv_freq");
        check_frequencies(parameters, &name, config.head_width(), base)?;
    }
    let parts = ["query", "key", "value"].map(|part| format!("{stem}.attention.self.{part}"));
    let query_key_value =
        Linear::take_stacked(parameters, &parts, [width, width], normal, Initialisation::Zeros)?;
    let mut linear = |name: &str, inputs: usize, outputs: usize| {
        Linear::take(parameters, &format!("{stem}.{name}"), inputs, outputs, normal)
    };
    let attention_output = linear("attention.output.dense", width, width)?;
    let (inner, take): (usize, TakeLinear) = match config.feed_forward {
        FeedForward::Gelu => (config.intermediate_size, Linear::take),
        FeedForward::Gated { has_bias: true } => (2 * config.intermediate_size, Linear::take),
        FeedForward::Gated { has_bias: false } => (2 * config.intermediate_size, Linear::take_without_bias),
    };
    let intermediate = take(parameters, &format!("{stem}.intermediate.dense"), width, inner, normal)?;
    let output = take(parameters, &format!("{stem}.output.dense"), config.intermediate_size, width, normal)?;
    let mut norm =
        |name: &str| LayerNorm::take(parameters, &format!("{stem}.{name}"), width, config.norm_epsilon);
    Ok(Block {
        attention_norm: norm("attention.LayerNorm")?,
        query_key_value,
        attention_output,
        feed_forward_norm: norm("LayerNorm")?,
        intermediate,
        output,
    })
}

/// A function that takes a linear layer: with or without a bias.
type TakeLinear = fn(&mut Parameters, &str, usize, usize, Initialisation) -> Result<Linear, ModelError>;

/// Some files store the frequencies of rotary positions. They must be those of the config, up to the rounding
/// of a 16-bit file.
fn check_frequencies(
    parameters: &mut Parameters,
    name: &str,
    head_width: usize,
    base: f64,
) -> Result<(), ModelError> {
    let frequency = |index: usize| base.powf(-2.0 * index as f64 / head_width as f64);
    let expected: Vec<f64> = (0..head_width / 2).map(frequency).collect();
    parameters.check_constant(name, &expected, 5e-3)
}

impl Network for Esm {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        let packing = Packing::new(batch, self.vocab_size, spec.max_tokens)?;
        let mut state = self.embed(&packing)?; // [packed tokens, hidden]
        plan.keep(0, || Ok(state.shallow_clone()))?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            state = self.run_block(block, &state, &packing)?;
            plan.keep(index + 1, || Ok(state.shallow_clone()))?;
        }
        if !plan.is_done(self.blocks.len()) {
            state = self.final_norm.forward(&state)?;
            plan.keep(self.blocks.len() + 1, || Ok(state.shallow_clone()))?;
        }
        Ok(plan.finish_packed(packing))
    }
}

impl Esm {
    /// # Shapes
    /// `[packed tokens, hidden]`
    fn embed(&self, packing: &Packing) -> Result<Tensor, ModelError> {
        let on_device = |values: &[i64]| {
            Tensor::f_from_slice(values)?.f_to_device_(self.device, Kind::Int64, false, false)
        };
        let mut embedded = self.embedding_table.f_index_select(0, &on_device(&packing.ids)?)?;
        if let Some(dropped) = self.dropped_token {
            let scales = Tensor::f_from_slice(&dropout_scales(packing, dropped))?
                .f_to_device_(self.device, self.kind, false, false)?
                .f_unsqueeze(1)?; // [packed tokens, 1]
            embedded = embedded.f_mul(&scales)?;
        }
        if let Some(positions) = &self.positions {
            embedded = embedded.f_add(&positions.f_index_select(0, &on_device(&packing.columns)?)?)?;
        }
        match &self.embedding_norm {
            Some(norm) => norm.forward(&embedded),
            None => Ok(embedded),
        }
    }

    /// # Shapes
    /// `[packed tokens, hidden]` to the same
    fn run_block(&self, block: &Block, state: &Tensor, packing: &Packing) -> Result<Tensor, ModelError> {
        let positions = self.rotary.as_ref().map_or(Positions::Absent, Positions::Rotary);
        // [packed tokens, 3 * hidden]
        let projected = block.query_key_value.forward(&block.attention_norm.forward(state)?)?;
        let attended = attend(&projected, packing, self.n_heads, &positions)?; // [packed tokens, hidden]
        let state = block.attention_output.add_to(state, &attended)?;
        // [packed tokens, intermediate or 2 *]
        let mut inner = block.intermediate.forward(&block.feed_forward_norm.forward(&state)?)?;
        let inner = match self.is_gated {
            true => match inner.f_chunk(2, -1)?.as_slice() {
                [gate, value] => gate.f_silu()?.f_mul_(value)?,
                _ => inner,
            },
            false => inner.f_gelu_("none")?,
        }; // [packed tokens, intermediate]
        block.output.add_to(&state, &inner)
    }
}

/// Returns the factor of each embedding under token dropout when nothing is dropped: 0 for mask tokens, for the others
/// `(1 − 0.15 · 0.8) / (1 − share of mask tokens in the sequence)`.
///
/// # Shapes
/// `[packed tokens]`
fn dropout_scales(packing: &Packing, dropped: i64) -> Vec<f64> {
    let mut scales = Vec::with_capacity(packing.ids.len());
    let mut rest = packing.ids.as_slice();
    for group in &packing.groups {
        for _ in 0..group.n_sequences {
            let (sequence, others) = rest.split_at(rest.len().min(group.length as usize));
            rest = others;
            let n_dropped = sequence.iter().filter(|id| **id == dropped).count();
            let kept = 1.0 - n_dropped as f64 / sequence.len() as f64;
            let scale = (1.0 - MASKED_IN_TRAINING) / kept;
            scales.extend(sequence.iter().map(|id| if *id == dropped { 0.0 } else { scale }));
        }
    }
    scales
}
