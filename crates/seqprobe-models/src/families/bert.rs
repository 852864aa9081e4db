//! BERT (Devlin et al. 2019, arXiv:1810.04805) as DNABERT uses it over k-mers and GROVER over byte pairs:
//! learned positions, norm after each residual sum, GELU by the error function. Source of the facts: the
//! `bert` model of Hugging Face transformers.
//!
//! The tokenizer depends on the folder: a `tokenizer.json` with merges makes byte pairs, every other vocabulary makes
//! k-mers between CLS and SEP.

use crate::error::ModelError;
use crate::families::family::{Claim, Family, LoadedEncoder};
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::layers::bert_settings::{BertSettings, HEADS, expect_false};
use crate::layers::bert_stack::{BertLayout, BertStack, NormPlace};
use crate::layers::language_model_head::{Head, HeadEntry, Objective};
use crate::layers::linear::{LayerNorm, Linear};
use crate::parameters::Parameters;
use crate::parameters::initialise::Initialisation;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::read_byte_pairs_or_kmers;
use seqprobe_core::Digest;

pub(super) const FAMILY: Family = Family {
    id: "bert",
    title: "DNABERT, GROVER and other BERT encoders over k-mers or byte pairs",
    model_types: &["bert"],
    architectures: &["BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification"],
    claim: Claim::Always,
    tensors: TensorNames {
        prefixes: &["bert.", ""],
        probe: "embeddings.word_embeddings.weight",
        ignored: HEADS,
    },
    tokenizer: read_byte_pairs_or_kmers,
    published: PUBLISHED,
    head: Some(HEAD),
    load,
};

const HEAD: HeadEntry = HeadEntry { objective: Objective::Masked, take: take_head, new_vocabulary: None };

/// Sizes follow from the published configs and agree with the sizes of the published files. A licence is missing if the
/// authors' pages could not be read.
const PUBLISHED: &[PublishedModel] = &[
    dnabert("dnabert-3", "zhihan1996/DNA_bert_3", 85_503_744, "3-mers, stride 1"),
    dnabert("dnabert-4", "zhihan1996/DNA_bert_4", 85_651_200, "4-mers, stride 1"),
    dnabert("dnabert-5", "zhihan1996/DNA_bert_5", 86_241_024, "5-mers, stride 1"),
    dnabert("dnabert-6", "zhihan1996/DNA_bert_6", 88_600_320, "6-mers, stride 1"),
    PublishedModel {
        id: "grover",
        repository: "PoetschLab/GROVER",
        n_parameters: None,
        layers: 12,
        hidden: 768,
        max_tokens: Some(512),
        tokenizer: "byte pairs",
        licence: None,
        source: "doi:10.1038/s42256-024-00872-0",
    },
];

const fn dnabert(
    id: &'static str,
    repository: &'static str,
    n_parameters: u64,
    tokenizer: &'static str,
) -> PublishedModel {
    PublishedModel {
        id,
        repository,
        n_parameters: Some(n_parameters),
        layers: 12,
        hidden: 768,
        max_tokens: Some(512),
        tokenizer,
        licence: None,
        source: "doi:10.1093/bioinformatics/btab083",
    }
}

const LAYOUT: BertLayout = BertLayout {
    attention: "attention.self",
    norm_place: NormPlace::AfterSum,
    last_norm: None,
    starts_as_torch: false,
};

/// Raised whenever the same weights and tokens would give other values.
const VERSION: u32 = 1;

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

/// `cls.predictions`: a layer, GELU, a norm, and products with the token embeddings, plus a bias.
fn take_head(file: &ConfigFile, parameters: &mut Parameters) -> Result<Head, ModelError> {
    let settings = BertSettings::read(file)?;
    let (width, vocab_size) = (settings.hidden_size, settings.vocab_size);
    let normal = Initialisation::Normal { deviation: settings.initializer_range };
    let stem = "cls.predictions.transform";
    let layer = Linear::take_unprefixed(parameters, &format!("{stem}.dense"), [width, width], normal, true)?;
    let norm = LayerNorm::take_unprefixed(
        parameters,
        &format!("{stem}.LayerNorm"),
        width,
        settings.norm_epsilon,
        true,
    )?;
    let tied = "embeddings.word_embeddings.weight";
    let stored = "cls.predictions.decoder.weight";
    let padded =
        Initialisation::NormalButRow { deviation: settings.initializer_range, row: settings.pad_token_id };
    let weight = match parameters.has_stored_unprefixed(stored) {
        true => parameters.take_unprefixed(stored, &[vocab_size, width], normal)?,
        false => parameters.take_buffer(tied, &[vocab_size, width], padded)?,
    };
    let bias = match parameters.has_stored_unprefixed("cls.predictions.decoder.bias") {
        true => "cls.predictions.decoder.bias",
        false => "cls.predictions.bias",
    };
    let bias = parameters.take_unprefixed(bias, &[vocab_size], Initialisation::Zeros)?;
    Ok(Head::new(Some((layer, norm)), Linear::from_parts(weight, Some(bias))))
}

fn load(file: &ConfigFile, parameters: &mut Parameters) -> Result<LoadedEncoder, ModelError> {
    for key in ["pre_layer_norm", "last_layer_norm"] {
        expect_false(file, key)?;
    }
    let settings = BertSettings::read(file)?;
    let (spec, network) = BertStack::take(parameters, &settings, &LAYOUT, FAMILY.id, VERSION)?;
    let config_digest = Digest::of_value(&settings).map_err(|error| file.error(error.to_string()))?;
    Ok(LoadedEncoder { spec, network: Box::new(network), config_digest, vocab_size: settings.vocab_size })
}
