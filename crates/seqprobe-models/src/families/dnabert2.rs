//! DNABERT-2 (Zhou et al. 2024, arXiv:2306.15006), a MosaicBERT over byte pairs: no position embeddings but
//! a penalty on distance in each attention score (ALiBi, Press et al. 2022, arXiv:2108.12409, symmetric),
//! a gated feed-forward, norm after each residual sum. DNABERT-S has the same architecture. Source of the
//! facts: `bert_layers.py` of the published model, as kept in `bend/models/dnabert2.py` of
//! frederikkemarin/BEND, its path in plain PyTorch.
//!
//! The length is not limited: the penalty is defined for every distance.

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::layers::attention::{Positions, attend};
use crate::layers::bert_settings::{BertSettings, HEADS};
use crate::layers::bert_stack::BertEmbeddings;
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

pub(super) const FAMILY: Family = Family {
    id: "dnabert2",
    title: "DNABERT-2 and DNABERT-S, MosaicBERT with a penalty on distance, over byte pairs",
    model_types: &["bert"],
    architectures: &["BertModel", "BertForMaskedLM", "BertForSequenceClassification"],
    claim: Claim::If(is_named),
    tensors: TensorNames {
        prefixes: &["bert.", ""],
        probe: "embeddings.word_embeddings.weight",
        ignored: HEADS,
    },
    tokenizer: read_byte_pairs,
    published: PUBLISHED,
    head: None,
    load,
};

/// The size follows from the published config and agrees with the 117M of the paper.
const PUBLISHED: &[PublishedModel] = &[
    published("dnabert-2", "zhihan1996/DNABERT-2-117M", "arXiv:2306.15006"),
    published("dnabert-s", "zhihan1996/DNABERT-S", "arXiv:2402.08777"),
];

const fn published(id: &'static str, repository: &'static str, source: &'static str) -> PublishedModel {
    PublishedModel {
        id,
        repository,
        n_parameters: Some(116_477_952),
        layers: 12,
        hidden: 768,
        max_tokens: None,
        tokenizer: "byte pairs",
        licence: None,
        source,
    }
}

/// Whether a config with the name of BERT belongs to this family.
pub(super) fn is_named(file: &ConfigFile) -> bool {
    file.value("alibi_starting_size").is_some()
}

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

struct Block {
    /// Query, key and value in one product.
    query_key_value: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    /// Gate and value in one product.
    gated: Linear,
    output: Linear,
    output_norm: LayerNorm,
}

struct DnaBert2 {
    vocab_size: usize,
    intermediate_size: i64,
    /// Slope of each head, rounded to 32 bits as the authors' are.
    slopes: Vec<f64>,
    kind: Kind,
    device: Device,
    embeddings: BertEmbeddings,
    blocks: Vec<Block>,
}

/// Slopes of the distance penalty. For 2^a heads they are a geometric series from 2^(−8 / heads) with that
/// ratio; for other numbers of heads those of the next lower power of two come first and every second one
/// of the next higher power fills up.
fn slopes(n_heads: usize) -> Vec<f64> {
    let series =
        |n_heads: usize| (1..=n_heads).map(move |head| 2.0_f64.powf(-8.0 * head as f64 / n_heads as f64));
    let lower = 1 << n_heads.ilog2();
    let exact = series(lower).chain(series(2 * lower).step_by(2)).take(n_heads);
    exact.map(|slope| f64::from(slope as f32)).collect()
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    parameters.allow_reduced_matmul();
    let settings = BertSettings::read(file)?;
    let embeddings = BertEmbeddings::take(parameters, &settings, None, false)?;
    let mut blocks = Vec::with_capacity(settings.n_layers);
    for index in 0..settings.n_layers {
        blocks.push(take_block(parameters, &format!("encoder.layer.{index}"), &settings)?);
    }
    let spec = EncoderSpec {
        family: FAMILY.id,
        n_blocks: settings.n_layers as u32,
        hidden: settings.hidden_size,
        max_tokens: None,
        has_final_norm: false,
        has_cls: true,
        state_stride: 1,
        n_parameters: parameters.n_values(),
        version: VERSION,
    };
    let config_digest = Digest::of_value(&settings).map_err(|error| file.error(error.to_string()))?;
    let network = DnaBert2 {
        vocab_size: settings.vocab_size,
        intermediate_size: settings.intermediate_size as i64,
        slopes: slopes(settings.n_heads),
        kind: parameters.kind(),
        device: parameters.device(),
        embeddings,
        blocks,
    };
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: settings.vocab_size })
}

fn take_block(parameters: &mut Parameters, stem: &str, settings: &BertSettings) -> Result<Block, ModelError> {
    let (width, inner, epsilon) = (settings.hidden_size, settings.intermediate_size, settings.norm_epsilon);
    let start = Initialisation::Normal { deviation: settings.initializer_range };
    let name = |part: &str| format!("{stem}.{part}");
    Ok(Block {
        query_key_value: Linear::take(parameters, &name("attention.self.Wqkv"), width, 3 * width, start)?,
        attention_output: Linear::take(parameters, &name("attention.output.dense"), width, width, start)?,
        attention_norm: LayerNorm::take(parameters, &name("attention.output.LayerNorm"), width, epsilon)?,
        gated: Linear::take_without_bias(parameters, &name("mlp.gated_layers"), width, 2 * inner, start)?,
        output: Linear::take(parameters, &name("mlp.wo"), inner, width, start)?,
        output_norm: LayerNorm::take(parameters, &name("mlp.layernorm"), width, epsilon)?,
    })
}

impl Network for DnaBert2 {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        let mut plan = LayerPlan::new(spec, layers)?;
        let packing = Packing::new(batch, self.vocab_size, spec.max_tokens)?;
        let longest = packing.groups.iter().map(|group| group.length).max().unwrap_or(0);
        let penalty = self.penalty(longest)?;
        // The penalty depends on distance alone, so that of a shorter sequence is a corner of the longest's.
        let corner = |length: i64| Ok(penalty.f_narrow(2, 0, length)?.f_narrow(3, 0, length)?);
        let mut state = self.embeddings.forward(&packing, self.device)?; // [packed tokens, hidden]
        plan.keep(0, || Ok(state.shallow_clone()))?;
        for (index, block) in self.blocks.iter().enumerate() {
            if plan.is_done(index) {
                break;
            }
            state = self.run_block(block, &state, &packing, &Positions::Added(&corner))?;
            plan.keep(index + 1, || Ok(state.shallow_clone()))?;
        }
        Ok(plan.finish_packed(packing))
    }
}

impl DnaBert2 {
    /// `−slope · |i − j|`
    ///
    /// # Shapes
    /// `[1, heads, length, length]`
    fn penalty(&self, length: i64) -> Result<Tensor, ModelError> {
        let places = Tensor::f_arange(length, (Kind::Double, Device::Cpu))?;
        let distance = places.f_unsqueeze(0)?.f_sub(&places.f_unsqueeze(1)?)?.f_abs()?; // [length, length]
        let slopes = Tensor::f_from_slice(&self.slopes)?.f_neg()?.f_reshape([1, -1, 1, 1])?;
        Ok(distance.f_mul(&slopes)?.f_to_device_(self.device, self.kind, false, false)?)
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
        let projected = block.query_key_value.forward(state)?; // [packed tokens, 3 * hidden]
        let attended = attend(&projected, packing, self.slopes.len() as i64, positions)?; // [packed tokens, hidden]
        let state = block.attention_norm.forward(&block.attention_output.add_to(state, &attended)?)?;
        let both = block.gated.forward(&state)?; // [packed tokens, 2 * intermediate]
        let gate = both.f_narrow(-1, 0, self.intermediate_size)?.f_gelu("none")?;
        let value = both.f_narrow(-1, self.intermediate_size, self.intermediate_size)?;
        block.output_norm.forward(&block.output.add_to(&state, &gate.f_mul(&value)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_the_paper_and_fill_up_for_other_numbers_of_heads() {
        let powers = |exponents: &[f64]| -> Vec<f64> {
            exponents.iter().map(|exponent| f64::from(2.0_f64.powf(*exponent) as f32)).collect()
        };
        assert_eq!(slopes(8), powers(&[-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0]));
        assert_eq!(slopes(2), powers(&[-4.0, -8.0]));
        assert_eq!(slopes(1), powers(&[-8.0]));
        assert_eq!(slopes(3), powers(&[-4.0, -8.0, -2.0]));
        let twelve = slopes(12);
        assert_eq!(twelve[..8], slopes(8));
        assert_eq!(twelve[8..], powers(&[-0.5, -1.5, -2.5, -3.5]));
    }
}
