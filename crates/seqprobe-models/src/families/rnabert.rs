//! RNABERT (Akiyama and Sakakibara 2022, doi:10.1093/nargab/lqac012): a small BERT over RNA bases without
//! added tokens. Source of the facts: `utils/bert.py`, `dataload.py` and
//! `RNA_bert_config.json` of mana438/RNABERT.
//!
//! The authors fill every sequence with padding tokens up to the last position, and attention sees them, both in
//! training and in prediction. Here a sequence is read without padding, as in every other family;
//! `"attend_to_padding": true` in `config.json` selects the authors' way.
//!
//! The folder contains `RNA_bert_config.json` as `config.json`, with `"model_type": "rnabert"` added, and the weights.
//! Conversions with another vocabulary are not supported: the model was not trained with their ids and added tokens.

use crate::batch::TokenBatch;
use crate::encoder::EncoderSpec;
use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::layers::bert_settings::BertSettings;
use crate::layers::bert_stack::{BertLayout, BertStack, NormPlace};
use crate::layers::layer_plan::Kept;
use crate::layers::network::Network;
use crate::layers::packing::check_batch;
use crate::parameters::Parameters;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::{RNABERT_VOCABULARY, read_rnabert_bases};
use ndarray::Array2;
use seqprobe_core::{Digest, LayerIndex};

pub(super) const FAMILY: Family = Family {
    id: "rnabert",
    title: "RNABERT, a small BERT over RNA bases",
    model_types: &["rnabert"],
    architectures: &["RnaBertModel"],
    claim: Claim::Always,
    tensors: TensorNames {
        prefixes: &["module.bert.", "bert.", "module.", ""],
        probe: "embeddings.word_embeddings.weight",
        ignored: &["module.cls.*", "cls.*", "pooler.*"],
    },
    tokenizer: read_rnabert_bases,
    published: PUBLISHED,
    head: None,
    load,
};

/// The authors publish a file in their repository and not on the hub.
const PUBLISHED: &[PublishedModel] = &[];

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

/// The value of the authors' code; their config does not contain it.
const NORM_EPSILON: f64 = 1e-12;

const LAYOUT: BertLayout = BertLayout {
    attention: "attention.selfattn",
    norm_place: NormPlace::AfterSum,
    last_norm: None,
    starts_as_torch: true,
};

struct RnaBert {
    stack: BertStack,
    vocab_size: usize,
    attend_to_padding: bool,
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let settings = BertSettings::read(&with_width(file)?)?;
    if settings.vocab_size != RNABERT_VOCABULARY.len() {
        return Err(file.error(format!(
            "key \"vocab_size\" is {}, expected {}: {}\n  hint: use the checkpoint of the authors; conversions with another vocabulary are not supported",
            settings.vocab_size,
            RNABERT_VOCABULARY.len(),
            RNABERT_VOCABULARY.join(" ")
        )));
    }
    if (settings.norm_epsilon - NORM_EPSILON).abs() > 0.0 {
        return Err(file.error(format!(
            "key \"layer_norm_eps\" is {}, expected {NORM_EPSILON:e}",
            settings.norm_epsilon
        )));
    }
    let (mut spec, stack) = BertStack::take(parameters, &settings, &LAYOUT, FAMILY.id, VERSION)?;
    spec.has_cls = false;
    let attend_to_padding = match file.value("attend_to_padding") {
        None => false,
        Some(value) => value.as_bool().ok_or_else(|| {
            file.error(format!("key \"attend_to_padding\" is {value}, expected true or false"))
        })?,
    };
    let config_digest =
        Digest::of_value(&(&settings, attend_to_padding)).map_err(|error| file.error(error.to_string()))?;
    let vocab_size = settings.vocab_size;
    let network = Box::new(RnaBert { stack, vocab_size, attend_to_padding });
    Ok(LoadedEncoder { spec, network, config_digest, vocab_size })
}

/// The authors write the width as `num_attention_heads` times `multiple`.
fn with_width(file: &ConfigFile) -> Result<ConfigFile, ModelError> {
    if file.value("hidden_size").is_some() || file.value("multiple").is_none() {
        return Ok(file.clone());
    }
    let width = file.size("num_attention_heads")?.saturating_mul(file.size("multiple")?);
    Ok(file.with_value("hidden_size", serde_json::json!(width)))
}

impl Network for RnaBert {
    fn forward(
        &self,
        spec: &EncoderSpec,
        batch: &TokenBatch,
        layers: &[LayerIndex],
    ) -> Result<Kept, ModelError> {
        if !self.attend_to_padding {
            return self.stack.forward(spec, batch, layers);
        }
        let filled = self.filled(batch, spec.max_tokens)?;
        Ok(self.stack.forward(spec, &filled, layers)?.with_columns(batch.ids.ncols() as i64))
    }
}

impl RnaBert {
    /// Returns the batch with padding up to the last position as part of each sequence.
    fn filled(&self, batch: &TokenBatch, positions: Option<usize>) -> Result<TokenBatch, ModelError> {
        check_batch(batch, self.vocab_size, positions)?;
        let n_sequences = batch.lengths.len();
        let n_positions = positions.unwrap_or(0);
        let mut ids = Array2::zeros((n_sequences, n_positions)); // the padding token is 0
        for ((mut filled, own), &length) in
            ids.rows_mut().into_iter().zip(batch.ids.rows()).zip(&batch.lengths)
        {
            filled.iter_mut().zip(own.iter().take(length)).for_each(|(place, &id)| *place = id);
        }
        let special = Array2::from_elem(ids.dim(), false);
        Ok(TokenBatch { ids, lengths: vec![n_positions; n_sequences], special })
    }
}
