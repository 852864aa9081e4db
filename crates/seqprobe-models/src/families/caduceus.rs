//! Caduceus (Schiff et al. 2024, arXiv:2403.03234): blocks `x + mixer(norm(x))` over single bases, where the
//! mixer is a Mamba layer in each direction. Sources of the facts: `modeling_caduceus.py` and
//! `modeling_rcps.py` of kuleshov-group/caduceus, `mamba_simple.py` of state-spaces/mamba.
//!
//! Caduceus-Ph reads one strand. Caduceus-PS runs the same parameters over the sequence and over its reverse
//! complement. A token has both states, so its width is twice `d_model`: the second half is that of the reverse
//! complement, flipped along the sequence and along the channels. The states of the reverse complement are the
//! states flipped in both directions.
//!
//! Layer 0 is the embedding. Layer k is the residual stream after block k, including the block's own output (the
//! `hidden_states` of the authors' code lack the residual). `final` is the same after the last norm, which the
//! authors call the embedding. The authors trained the published models with fused kernels, which swap the halves
//! in every block of Caduceus-PS. This code does the same if `fused_add_norm` is true. The last norm does not swap
//! them.
//!
//! Every sequence is reversed within its own length and computed without padding.

mod config;
mod mixer;
mod published;

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::folder::config_file::ConfigFile;
use crate::layers::causal_convolution::Reach;
use crate::layers::layer_plan::{Kept, LayerPlan};
use crate::layers::network::Network;
use crate::layers::packing::Packing;
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::read_bases_sep;
use config::Config;
use mixer::{Mixer, Tokens};
use seqprobe_core::{Digest, LayerIndex};
use tch::{Device, Kind, Tensor};

pub(super) const FAMILY: Family = Family {
    id: "caduceus",
    title: "Caduceus-PS and -Ph, Mamba in both directions over single bases",
    model_types: &["caduceus"],
    architectures: &["Caduceus", "CaduceusForMaskedLM", "CaduceusForSequenceClassification"],
    claim: Claim::Always,
    tensors: TensorNames {
        prefixes: &["caduceus.backbone.", "backbone.", "model.caduceus.backbone.", ""],
        probe: "norm_f.",
        ignored: &["lm_head.*", "model.lm_head.*", "score.*"],
    },
    tokenizer: read_bases_sep,
    published: published::PUBLISHED,
    head: None,
    load,
};

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

/// Division by the root of the mean square, then a weight per channel.
struct RootMeanSquareNorm {
    weight: Tensor,
    epsilon: f64,
}

impl RootMeanSquareNorm {
    fn take(parameters: &mut Parameters, stem: &str, config: &Config) -> Result<Self, ModelError> {
        let deeper = format!("{stem}.submodule.weight");
        let name = if parameters.has(&deeper) { deeper } else { format!("{stem}.weight") };
        let weight = parameters.take(&name, &[config.width], Initialisation::Ones)?;
        Ok(Self { weight, epsilon: config.norm_epsilon })
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor, ModelError> {
        let square = input.f_square()?.f_mean_dim(-1, true, None)?;
        Ok(input.f_mul(&square.f_add_scalar(self.epsilon)?.f_rsqrt()?)?.f_mul(&self.weight)?)
    }
}

struct Block {
    norm: RootMeanSquareNorm,
    mixer: Mixer,
}

struct Caduceus {
    vocab_rows: usize,
    taps: usize,
    is_equivariant: bool,
    swaps_halves: bool,
    complements: Vec<i64>,
    kind: Kind,
    device: Device,
    /// `[vocabulary, width]`
    embedding_table: Tensor,
    blocks: Vec<Block>,
    final_norm: RootMeanSquareNorm,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let config = Config::read(file)?;
    let normal = Initialisation::Normal { deviation: config.initializer_range };
    let (embedding, mixer) = if config.is_equivariant {
        ("embeddings.word_embeddings.embedding.weight", "mixer.submodule")
    } else {
        ("embeddings.word_embeddings.weight", "mixer")
    };
    let embedding_table = parameters.take(embedding, &[config.vocab_rows, config.width], normal)?;
    let complements = take_complements(parameters, &config)?;
    let mut blocks = Vec::with_capacity(config.n_layers);
    for index in 0..config.n_layers {
        blocks.push(Block {
            norm: RootMeanSquareNorm::take(parameters, &format!("layers.{index}.norm"), &config)?,
            mixer: Mixer::take(parameters, &format!("layers.{index}.{mixer}"), &config)?,
        });
    }
    let final_norm = RootMeanSquareNorm::take(parameters, "norm_f", &config)?;
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: config.n_layers as u32,
        hidden: if config.is_equivariant { 2 * config.width } else { config.width },
        max_tokens: None,
        has_final_norm: true,
        has_cls: false,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    let network = Caduceus {
        vocab_rows: config.vocab_rows,
        taps: config.taps,
        is_equivariant: config.is_equivariant,
        swaps_halves: config.swaps_halves,
        complements,
        kind: parameters.kind(),
        device: parameters.device(),
        embedding_table,
        blocks,
        final_norm,
    };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: config.vocab_rows })
}

/// Returns the complements of the checkpoint, as the authors' code does, else those of the config.
fn take_complements(parameters: &mut Parameters, config: &Config) -> Result<Vec<i64>, ModelError> {
    if !config.is_equivariant {
        return Ok(Vec::new());
    }
    let name = "embeddings.word_embeddings.complement_map";
    let rows = config.vocab_rows;
    let stored = parameters.take_ids(name, rows, rows as i64)?;
    Ok(stored.unwrap_or_else(|| config.complements.clone()))
}

/// Tokens of a batch in one or two strands. All tokens of the second strand follow those of the first.
struct Strands {
    packing: Packing,
    tokens: Tokens,
    /// For each token of one strand, the token at the same place in the reversed sequence.
    reversed: Tensor,
    /// For each token of both strands, its partner on the other strand.
    partners: Tensor,
}

impl Network for Caduceus {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        let strands = self.strands(batch, spec.max_tokens)?;
        let mut state = self.embed(&strands)?; // [strands * packed tokens, width]
        plan.keep(0, || self.join_strands(&state, &strands))?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            if self.swaps_halves {
                state = state.f_index_select(0, &strands.partners)?.f_flip([1])?;
            }
            let mixed = block.mixer.run(&block.norm.forward(&state)?, &strands.tokens)?;
            state = mixed.f_add(&state)?;
            plan.keep(index + 1, || self.join_strands(&state, &strands))?;
        }
        if !plan.is_done(self.blocks.len()) {
            let normed = self.final_norm.forward(&state)?;
            plan.keep(self.blocks.len() + 1, || self.join_strands(&normed, &strands))?;
        }
        Ok(plan.finish_packed(strands.packing))
    }
}

impl Caduceus {
    fn strands(&self, batch: &TokenBatch, max_tokens: Option<usize>) -> Result<Strands, ModelError> {
        let packing = Packing::new(batch, self.vocab_rows, max_tokens)?;
        let n_tokens = packing.ids.len() as i64;
        let mut lengths = packing.lengths();
        let mut columns = packing.columns.clone();
        let mut reversed = Vec::with_capacity(packing.ids.len());
        let mut start = 0;
        for &length in &lengths {
            let end = start + length as i64;
            reversed.extend((start..end).rev());
            start = end;
        }
        let place = |values: &[i64]| -> Result<Tensor, ModelError> {
            Ok(Tensor::f_from_slice(values)?.f_to_device_(self.device, Kind::Int64, false, false)?)
        };
        let second_strand: Vec<i64> = reversed.iter().map(|token| token + n_tokens).collect();
        let partners = [second_strand.as_slice(), reversed.as_slice()].concat();
        let one_strand = place(&reversed)?;
        if self.is_equivariant {
            lengths.extend_from_within(..);
            columns.extend_from_within(..);
            reversed.extend(second_strand);
        }
        let tokens = Tokens {
            reach: Reach::new(&columns, self.taps, self.kind, self.device)?,
            reversed: place(&reversed)?,
            lengths,
        };
        Ok(Strands { packing, tokens, reversed: one_strand, partners: place(&partners)? })
    }

    /// # Shapes
    /// `[strands * packed tokens, width]`
    fn embed(&self, strands: &Strands) -> Result<Tensor, ModelError> {
        let ids = Tensor::f_from_slice(&strands.packing.ids)?.f_to_device_(
            self.device,
            Kind::Int64,
            false,
            false,
        )?;
        let ids = if self.is_equivariant {
            let complements = Tensor::f_from_slice(&self.complements)?.f_to_device_(
                self.device,
                Kind::Int64,
                false,
                false,
            )?;
            let other = complements.f_index_select(0, &ids.f_index_select(0, &strands.reversed)?)?;
            Tensor::f_cat(&[ids, other], 0)?
        } else {
            ids
        };
        Ok(self.embedding_table.f_index_select(0, &ids)?)
    }

    /// Appends the second strand, flipped along the sequence and the channels, to the first along the channels.
    ///
    /// # Shapes
    /// `[strands * packed tokens, width]` to `[packed tokens, strands * width]`
    fn join_strands(&self, state: &Tensor, strands: &Strands) -> Result<Tensor, ModelError> {
        if !self.is_equivariant {
            return Ok(state.shallow_clone());
        }
        let n_tokens = strands.packing.ids.len() as i64;
        let first = state.f_narrow(0, 0, n_tokens)?;
        let second =
            state.f_narrow(0, n_tokens, n_tokens)?.f_index_select(0, &strands.reversed)?.f_flip([1])?;
        Ok(Tensor::f_cat(&[first, second], 1)?)
    }
}
