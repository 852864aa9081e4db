//! The settings that all BERT-like families read the same way from `config.json`.

use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;

/// Heads and constants that checkpoints of BERT-like models contain and the encoder does not use.
pub(crate) const HEADS: &[&str] =
    &["cls.*", "classifier.*", "pooler.*", "embeddings.position_ids", "embeddings.token_type_ids"];

/// Sizes and constants, part of the digest of a model.
#[derive(serde::Serialize)]
pub(crate) struct BertSettings {
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) n_layers: usize,
    pub(crate) n_heads: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) max_positions: usize,
    pub(crate) n_token_types: usize,
    pub(crate) norm_epsilon: f64,
    pub(crate) initializer_range: f64,
    pub(crate) pad_token_id: usize,
}

impl BertSettings {
    /// Reads the keys that mean the same in all BERT-like families.
    ///
    /// # Errors
    /// [`ModelError::Config`] naming the key.
    pub(crate) fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        let fixed =
            [("hidden_act", "gelu", "\"gelu\""), ("position_embedding_type", "absolute", "\"absolute\"")];
        for (key, expected, shown) in fixed {
            if let Some(value) = file.value(key).filter(|value| value.as_str() != Some(expected)) {
                return Err(file.error(format!("key {key:?} is {value}, expected {shown}")));
            }
        }
        for key in ["is_decoder", "add_cross_attention"] {
            expect_false(file, key)?;
        }
        let settings = Self {
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
        if !settings.hidden_size.is_multiple_of(settings.n_heads) {
            return Err(file.error(format!(
                "key \"hidden_size\" is {}, expected a multiple of \"num_attention_heads\" {}",
                settings.hidden_size, settings.n_heads
            )));
        }
        Ok(settings)
    }
}

/// Checks that a switch is absent or off.
///
/// # Errors
/// [`ModelError::Config`] naming the key.
pub(crate) fn expect_false(file: &ConfigFile, key: &str) -> Result<(), ModelError> {
    match file.value(key).filter(|value| value.as_bool() != Some(false)) {
        Some(value) => Err(file.error(format!("key {key:?} is {value}, expected false"))),
        None => Ok(()),
    }
}
