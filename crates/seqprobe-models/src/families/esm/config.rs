//! The keys of an ESM `config.json` that change values, and those with values that this program does not support.

use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use serde_json::Value;

/// Settings that change values.
#[derive(serde::Serialize)]
pub(super) struct Config {
    pub(super) vocab_size: usize,
    pub(super) hidden_size: usize,
    pub(super) n_layers: usize,
    pub(super) n_heads: usize,
    pub(super) intermediate_size: usize,
    pub(super) max_positions: usize,
    pub(super) pad_token_id: usize,
    pub(super) norm_epsilon: f64,
    pub(super) initializer_range: f64,
    pub(super) has_embedding_norm: bool,
    pub(super) positions: PositionKind,
    pub(super) feed_forward: FeedForward,
    /// The mask token, if token dropout is on.
    pub(super) dropped_token: Option<usize>,
}

/// The kind of positions.
#[derive(Clone, Copy, serde::Serialize)]
pub(super) enum PositionKind {
    /// A learned vector is added to the embedding.
    Learned,
    /// Queries and keys are rotated.
    Rotary { base: f64 },
}

/// The feed-forward part of a block.
#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(super) enum FeedForward {
    Gelu,
    /// SwiGLU: `silu(first half) · second half`.
    Gated {
        has_bias: bool,
    },
}

impl Config {
    pub(super) fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        for key in ["is_decoder", "add_cross_attention", "is_folding_model"] {
            if flag(file, key)? == Some(true) {
                return Err(file.error(format!("key {key:?} is true, expected false")));
            }
        }
        for key in ["rope_scaling", "rescaling_factor"] {
            if let Some(value) = file.value(key) {
                return Err(file.error(format!(
                    "key {key:?} is {value}, expected none\n  hint: rescaled rotary positions are not supported"
                )));
            }
        }
        let config = Self {
            vocab_size: file.size("vocab_size")?,
            hidden_size: file.size("hidden_size")?,
            n_layers: file.size("num_hidden_layers")?,
            n_heads: file.size("num_attention_heads")?,
            intermediate_size: file.size("intermediate_size")?,
            max_positions: file.size("max_position_embeddings")?,
            pad_token_id: id(file, "pad_token_id")?,
            norm_epsilon: file.positive_or("layer_norm_eps", 1e-12)?,
            initializer_range: file.positive_or("initializer_range", 0.02)?,
            has_embedding_norm: flag(file, "emb_layer_norm_before")?.unwrap_or(false),
            positions: positions(file)?,
            feed_forward: feed_forward(file)?,
            dropped_token: match flag(file, "token_dropout")? {
                Some(true) => Some(id(file, "mask_token_id")?),
                _ => None,
            },
        };
        if !config.hidden_size.is_multiple_of(config.n_heads) {
            return Err(file.error(format!(
                "key \"hidden_size\" is {}, expected a multiple of \"num_attention_heads\" {}",
                config.hidden_size, config.n_heads
            )));
        }
        if matches!(config.positions, PositionKind::Rotary { .. }) && !config.head_width().is_multiple_of(2) {
            return Err(file.error(format!(
                "heads have {} values, expected an even number for rotary positions",
                config.head_width()
            )));
        }
        if config.max_positions < config.pad_token_id + 2 {
            return Err(file.error(format!(
                "key \"max_position_embeddings\" is {}, expected at least 2 more than \"pad_token_id\" {}",
                config.max_positions, config.pad_token_id
            )));
        }
        Ok(config)
    }

    pub(super) fn head_width(&self) -> usize {
        self.hidden_size / self.n_heads
    }

    /// Positions begin after that of the padding token. Rotary positions have no table; the limit is then the
    /// length for which the model was made.
    pub(super) fn max_tokens(&self) -> usize {
        self.max_positions - self.pad_token_id - 1
    }
}

fn positions(file: &ConfigFile) -> Result<PositionKind, ModelError> {
    match file.value("position_embedding_type").map(Value::as_str) {
        None | Some(Some("absolute")) => Ok(PositionKind::Learned),
        Some(Some("rotary")) => Ok(PositionKind::Rotary { base: file.positive_or("rope_theta", 10_000.0)? }),
        _ => Err(file.error(format!(
            "key \"position_embedding_type\" is {}, expected \"absolute\" or \"rotary\"",
            file.value("position_embedding_type").unwrap_or(&Value::Null)
        ))),
    }
}

/// The second generation's own code has a gated feed-forward and the key `add_bias_fnn` (sic), whose default
/// is true; the library's code has neither.
fn feed_forward(file: &ConfigFile) -> Result<FeedForward, ModelError> {
    let brings_code = file.value("auto_map").is_some_and(|map| map.to_string().contains("modeling_esm."));
    match flag(file, "add_bias_fnn")? {
        Some(has_bias) => Ok(FeedForward::Gated { has_bias }),
        None if brings_code => Ok(FeedForward::Gated { has_bias: true }),
        None => Ok(FeedForward::Gelu),
    }
}

fn flag(file: &ConfigFile, key: &str) -> Result<Option<bool>, ModelError> {
    match file.value(key) {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(value) => Err(file.error(format!("key {key:?} is {value}, expected true or false"))),
    }
}

/// The id of a token.
fn id(file: &ConfigFile, key: &str) -> Result<usize, ModelError> {
    let vocab_size = file.size("vocab_size")?;
    match file.value(key).map(Value::as_u64) {
        Some(Some(id)) if id < vocab_size as u64 => Ok(id as usize),
        _ => Err(file.error(format!(
            "key {key:?} is {}, expected an id below \"vocab_size\" {vocab_size}",
            file.value(key).unwrap_or(&Value::Null)
        ))),
    }
}
