//! GENA-LM (Fishman et al. 2025, doi:10.1093/nar/gkae1310): BERT over byte pairs with the norm before each
//! part of a block, `x + attention(norm(x))`, `x + feed-forward(norm(x))`, and in the "lastln" and large
//! models one more norm after the last block. Source of the facts: `src/gena_lm/modeling_bert.py` of
//! AIRI-Institute/GENA_LM.
//!
//! The variants with sparse attention and rotary positions are not supported.

use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::layers::bert_settings::{BertSettings, HEADS};
use crate::layers::bert_stack::{BertLayout, BertStack, NormPlace};
use crate::parameters::Parameters;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::read_byte_pairs;
use seqprobe_core::Digest;

pub(super) const FAMILY: Family = Family {
    id: "gena",
    title: "GENA-LM, BERT with the norm before each part, over byte pairs",
    model_types: &["bert"],
    architectures: &["BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification"],
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

/// Sizes follow from the published configs and agree with those of the authors' table (110M, 336M) and of
/// the published files. The config of the first model does not say in which of the two ways it ends.
const PUBLISHED: &[PublishedModel] = &[
    base("gena-lm-bert-base", "AIRI-Institute/gena-lm-bert-base", None),
    base("gena-lm-bert-base-t2t", "AIRI-Institute/gena-lm-bert-base-t2t", Some(110_026_752)),
    base("gena-lm-bert-base-lastln-t2t", "AIRI-Institute/gena-lm-bert-base-lastln-t2t", Some(110_028_288)),
    base("gena-lm-bert-base-t2t-multi", "AIRI-Institute/gena-lm-bert-base-t2t-multi", None),
    PublishedModel {
        layers: 24,
        hidden: 1024,
        ..base("gena-lm-bert-large-t2t", "AIRI-Institute/gena-lm-bert-large-t2t", Some(335_607_808))
    },
];

const fn base(id: &'static str, repository: &'static str, n_parameters: Option<u64>) -> PublishedModel {
    PublishedModel {
        id,
        repository,
        n_parameters,
        layers: 12,
        hidden: 768,
        max_tokens: Some(512),
        tokenizer: "byte pairs",
        licence: None,
        source: "doi:10.1093/nar/gkae1310",
    }
}

/// Whether a config with the name of BERT belongs to this family.
pub(super) fn is_named(file: &ConfigFile) -> bool {
    file.value("pre_layer_norm").and_then(serde_json::Value::as_bool) == Some(true)
}

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

/// Settings that change values.
#[derive(serde::Serialize)]
struct Config {
    bert: BertSettings,
    last_layer_norm: bool,
}

impl Config {
    fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        if let Some(value) = file.value("sparse_config_cls") {
            return Err(file.error(format!(
                "key \"sparse_config_cls\" is {value}, expected none\n  hint: models with sparse attention are not supported; the gena-lm-bert models have full attention"
            )));
        }
        let last_layer_norm = match file.value("last_layer_norm") {
            // The authors' code takes the value of pre_layer_norm, which is true here.
            None => true,
            Some(serde_json::Value::Bool(value)) => *value,
            Some(value) => {
                return Err(file.error(format!("key \"last_layer_norm\" is {value}, expected true or false")));
            }
        };
        Ok(Self { bert: BertSettings::read(file)?, last_layer_norm })
    }
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    let config = Config::read(file)?;
    let layout = BertLayout {
        attention: "attention.self",
        norm_place: NormPlace::BeforePart,
        last_norm: config.last_layer_norm.then_some("encoder.last_layer_ln"),
        starts_as_torch: false,
    };
    let (spec, network) = BertStack::take(parameters, &config.bert, &layout, FAMILY.id, VERSION)?;
    let config_digest = Digest::of_value(&config).map_err(|error| file.error(error.to_string()))?;
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: config.bert.vocab_size })
}
