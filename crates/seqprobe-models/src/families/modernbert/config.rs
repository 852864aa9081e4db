//! The settings of ModernBERT: the old keys (`global_rope_theta`, `global_attn_every_n_layers`) and the new
//! ones (`rope_parameters`, `layer_types`), with the defaults of the authors' code.

use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use crate::parameters::initialise::Initialisation;
use serde_json::Value;

/// More positions than any model has. A table of them is computed when a model is loaded.
const MAX_POSITIONS: usize = 1 << 20;

/// Settings that change values.
#[derive(serde::Serialize)]
pub(super) struct Config {
    pub(super) vocab_size: usize,
    pub(super) hidden_size: usize,
    pub(super) n_layers: usize,
    pub(super) n_heads: usize,
    pub(super) intermediate_size: usize,
    pub(super) max_positions: usize,
    pub(super) norm_epsilon: f64,
    pub(super) norm_bias: bool,
    pub(super) attention_bias: bool,
    pub(super) mlp_bias: bool,
    pub(super) global_theta: f64,
    pub(super) local_theta: f64,
    /// Tokens on either side that a local block sees: half of `local_attention`.
    pub(super) reach: i64,
    /// Of each block.
    pub(super) is_local: Vec<bool>,
    initializer_range: f64,
    initializer_cutoff_factor: f64,
}

impl Config {
    pub(super) fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        if let Some(value) = file.value("hidden_activation").filter(|value| value.as_str() != Some("gelu")) {
            return Err(file.error(format!("key \"hidden_activation\" is {value}, expected \"gelu\"")));
        }
        if let Some(value) = file.value("rope_scaling") {
            return Err(file.error(format!("key \"rope_scaling\" is {value}, expected none")));
        }
        // Versions of the authors' code disagree about this value.
        if file.is_null("local_rope_theta") {
            return Err(file.error("key \"local_rope_theta\" is null, expected a positive number".to_owned()));
        }
        let n_layers = file.size("num_hidden_layers")?;
        let config = Self {
            vocab_size: file.size("vocab_size")?,
            hidden_size: file.size("hidden_size")?,
            n_layers,
            n_heads: file.size("num_attention_heads")?,
            intermediate_size: file.size("intermediate_size")?,
            max_positions: file.size_or("max_position_embeddings", 8192)?,
            norm_epsilon: file.positive_or("norm_eps", 1e-5)?,
            norm_bias: switch(file, "norm_bias")?,
            attention_bias: switch(file, "attention_bias")?,
            mlp_bias: switch(file, "mlp_bias")?,
            global_theta: theta(file, "full_attention", "global_rope_theta", 160_000.0)?,
            local_theta: theta(file, "sliding_attention", "local_rope_theta", 10_000.0)?,
            reach: (file.size_or("local_attention", 128)? / 2) as i64,
            is_local: locality(file, n_layers)?,
            initializer_range: file.positive_or("initializer_range", 0.02)?,
            initializer_cutoff_factor: file.positive_or("initializer_cutoff_factor", 2.0)?,
        };
        if config.max_positions > MAX_POSITIONS {
            return Err(file.error(format!(
                "key \"max_position_embeddings\" is {}, expected at most {MAX_POSITIONS}",
                config.max_positions
            )));
        }
        if !config.hidden_size.is_multiple_of(2 * config.n_heads) {
            return Err(file.error(format!(
                "key \"hidden_size\" is {}, expected a multiple of twice \"num_attention_heads\" {}",
                config.hidden_size, config.n_heads
            )));
        }
        Ok(config)
    }

    /// Returns the authors' initialisation of weights, with `factor` times the usual deviation.
    pub(super) fn start(&self, factor: f64) -> Initialisation {
        let deviation = self.initializer_range * factor;
        Initialisation::TruncatedNormal { deviation, cutoff: self.initializer_cutoff_factor }
    }
}

/// Returns a switch that is off if it is absent.
fn switch(file: &ConfigFile, key: &str) -> Result<bool, ModelError> {
    match file.value(key) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(value) => Err(file.error(format!("key {key:?} is {value}, expected true or false"))),
    }
}

/// Returns the base of the rotary angles of one kind of attention.
fn theta(file: &ConfigFile, kind: &str, old_key: &str, default: f64) -> Result<f64, ModelError> {
    let Some(settings) = file.value("rope_parameters").and_then(|kinds| kinds.get(kind)) else {
        return file.positive_or(old_key, default);
    };
    let rope_type = settings.get("rope_type").filter(|value| !value.is_null());
    if let Some(value) = rope_type.filter(|value| value.as_str() != Some("default")) {
        return Err(
            file.error(format!("key \"rope_parameters.{kind}.rope_type\" is {value}, expected \"default\""))
        );
    }
    match settings.get("rope_theta") {
        None => file.positive_or(old_key, default),
        Some(value) => match value.as_f64() {
            Some(theta) if theta.is_finite() && theta > 0.0 => Ok(theta),
            _ => Err(file.error(format!(
                "key \"rope_parameters.{kind}.rope_theta\" is {value}, expected a positive number"
            ))),
        },
    }
}

/// Returns which blocks see only a window: by `layer_types`, else all except every n-th, starting with the first.
fn locality(file: &ConfigFile, n_layers: usize) -> Result<Vec<bool>, ModelError> {
    let Some(types) = file.value("layer_types") else {
        let every = file.size_or("global_attn_every_n_layers", 3)?;
        return Ok((0..n_layers).map(|index| index % every != 0).collect());
    };
    let names: Vec<&str> = types.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let is_known = |name: &&str| ["full_attention", "sliding_attention"].contains(name);
    if names.len() != n_layers || !names.iter().all(is_known) {
        return Err(file.error(format!(
            "key \"layer_types\" is {types}, expected {n_layers} times \"full_attention\" or \"sliding_attention\""
        )));
    }
    Ok(names.into_iter().map(|name| name == "sliding_attention").collect())
}
