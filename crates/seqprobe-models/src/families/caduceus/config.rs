//! Caduceus' settings: `config.json` of its checkpoints, with the defaults of `configuration_caduceus.py` and
//! of Mamba.

use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use serde_json::{Value, json};

/// Settings that change values.
#[derive(serde::Serialize)]
pub(super) struct Config {
    /// Rows of the embedding: the vocabulary size, rounded up to a multiple.
    pub(super) vocab_rows: usize,
    pub(super) width: usize,
    pub(super) n_layers: usize,
    /// Channels of a mixer.
    pub(super) inner_width: usize,
    /// State values of a channel.
    pub(super) n_states: usize,
    pub(super) taps: usize,
    /// Width from which the time steps are computed.
    pub(super) step_rank: usize,
    pub(super) time_step: TimeStep,
    pub(super) norm_epsilon: f64,
    pub(super) initializer_range: f64,
    /// Divisor of the initial weights that add to the residual stream.
    pub(super) residual_scale: f64,
    /// The two strands share parameters (Caduceus-PS): a token has two halves.
    pub(super) is_equivariant: bool,
    /// The halves are swapped in every block, as in the authors' fused kernels.
    pub(super) swaps_halves: bool,
    /// The complement of each id; empty for a model of one strand.
    pub(super) complements: Vec<i64>,
}

/// The initialisation of time steps.
#[derive(serde::Serialize)]
pub(super) struct TimeStep {
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) floor: f64,
    pub(super) scale: f64,
}

impl Config {
    pub(super) fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        file.expect(&[
            ("rms_norm", json!(true)),
            ("bidirectional", json!(true)),
            ("bidirectional_strategy", json!("add")),
            ("bidirectional_weight_tie", json!(true)),
        ])?;
        let ssm = match file.section("ssm_cfg")? {
            Some(ssm) => ssm,
            None => ConfigFile::from_value(file.path().to_owned(), json!({}))?,
        };
        ssm.expect(&[
            ("layer", json!("Mamba1")),
            ("conv_bias", json!(true)),
            ("bias", json!(false)),
            ("dt_init", json!("random")),
        ])?;
        let width = file.size("d_model")?;
        let multiple = file.size_or("pad_vocab_size_multiple", 8)?;
        let vocab_rows = file.size("vocab_size")?.div_ceil(multiple) * multiple;
        let n_layers = file.size("n_layer")?;
        let start = match file.section("initializer_cfg")? {
            Some(start) => start,
            None => ConfigFile::from_value(file.path().to_owned(), json!({}))?,
        };
        let rescales = flag_or(&start, "rescale_prenorm_residual", true)?;
        let n_sums = start.size_or("n_residuals_per_layer", 1)? * n_layers;
        let is_equivariant = flag_or(file, "rcps", false)?;
        Ok(Self {
            vocab_rows,
            width,
            n_layers,
            inner_width: width * ssm.size_or("expand", 2)?,
            n_states: ssm.size_or("d_state", 16)?,
            taps: ssm.size_or("d_conv", 4)?,
            step_rank: match ssm.text("dt_rank") {
                Some("auto") => width.div_ceil(16),
                _ => ssm.size_or("dt_rank", width.div_ceil(16))?,
            },
            time_step: TimeStep {
                least: ssm.positive_or("dt_min", 0.001)?,
                most: ssm.positive_or("dt_max", 0.1)?,
                floor: ssm.positive_or("dt_init_floor", 1e-4)?,
                scale: ssm.positive_or("dt_scale", 1.0)?,
            },
            norm_epsilon: file.positive_or("norm_epsilon", 1e-5)?,
            initializer_range: start.positive_or("initializer_range", 0.02)?,
            residual_scale: if rescales { (n_sums as f64).sqrt() } else { 1.0 },
            is_equivariant,
            swaps_halves: is_equivariant && flag_or(file, "fused_add_norm", true)?,
            complements: if is_equivariant { complements(file, vocab_rows)? } else { Vec::new() },
        })
    }
}

/// Returns the complement of each id, by its key. The order of the table does not matter (rewritten files have it
/// sorted as text). Ids beyond the table are their own complement.
fn complements(file: &ConfigFile, vocab_rows: usize) -> Result<Vec<i64>, ModelError> {
    let error = |found: &str| {
        file.error(format!(
            "key \"complement_map\" {found}, expected a table from each id below {vocab_rows} to the id of its complement\n  hint: models with \"rcps\": true need it; use the config.json that was published with the weights"
        ))
    };
    let Some(Value::Object(table)) = file.value("complement_map") else {
        return Err(error("is missing or not a table"));
    };
    let mut complements: Vec<i64> = (0..vocab_rows as i64).collect();
    for (id, complement) in table {
        let slot = id.parse::<usize>().ok().and_then(|id| complements.get_mut(id));
        let value = complement.as_i64().filter(|value| (0..vocab_rows as i64).contains(value));
        match (slot, value) {
            (Some(slot), Some(value)) => *slot = value,
            _ => return Err(error(&format!("contains {id:?}: {complement}"))),
        }
    }
    Ok(complements)
}

fn flag_or(file: &ConfigFile, key: &str, default: bool) -> Result<bool, ModelError> {
    match file.value(key) {
        None => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(file.error(format!("key {key:?} is {other}, expected true or false"))),
    }
}
