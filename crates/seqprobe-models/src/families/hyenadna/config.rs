//! HyenaDNA's settings, in either dialect: the first files (`d_model`, `n_layer` and a section `layer`, no
//! `model_type`) and the `-hf` files (`model_type` `hyenadna`, everything on one level).

use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use serde_json::{Value, json};

/// Taps of the short convolution; the authors' code supports no other number.
pub(super) const SHORT_TAPS: usize = 3;

/// Settings that change values.
#[derive(serde::Serialize)]
pub(super) struct Config {
    /// Rows of the embedding: the vocabulary size, rounded up to a multiple.
    pub(super) vocab_rows: usize,
    pub(super) width: usize,
    pub(super) n_layers: usize,
    pub(super) inner_width: usize,
    /// Length to which the positions of the filters are scaled. Longer inputs have no filter.
    pub(super) max_length: usize,
    /// Values that describe a position: the time, and a cosine and a sine per band.
    pub(super) n_features: usize,
    pub(super) filter_width: usize,
    pub(super) n_inner_filter_layers: usize,
    /// Initial frequency of the sine activations.
    pub(super) frequency: f64,
    pub(super) window: Window,
    pub(super) norm_epsilon: f64,
    pub(super) initializer_range: f64,
    pub(super) rescales_residual: bool,
}

/// The window over a filter: `exp(−t·|rate|) + shift`, rates evenly spaced between `ln(target) / slow` and
/// `ln(target) / fast`.
#[derive(serde::Serialize)]
pub(super) struct Window {
    pub(super) fast: f64,
    pub(super) slow: f64,
    pub(super) target: f64,
    pub(super) shift: f64,
}

impl Window {
    /// The values of the authors' inference code. The training code of the same repository has a shift of 0
    /// if a config names none; the published weights are used with 0.05.
    const DEFAULT: Self = Self { fast: 0.3, slow: 1.5, target: 1e-2, shift: 0.05 };
}

/// Whether a config is of the first dialect.
pub(super) fn is_first_dialect(file: &ConfigFile) -> bool {
    file.value("layer").is_some()
}

impl Config {
    pub(super) fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        let config = match file.section("layer")? {
            Some(layer) => Self::read_first_dialect(file, &layer)?,
            None => Self::read_hf_dialect(file)?,
        };
        if config.n_features < 3 || config.n_features.is_multiple_of(2) {
            return Err(file.error(format!(
                "key \"emb_dim\" is {}, expected an odd number of at least 3",
                config.n_features
            )));
        }
        Ok(config)
    }

    fn read_first_dialect(file: &ConfigFile, layer: &ConfigFile) -> Result<Self, ModelError> {
        if file.value("attn_layer_idx").is_some_and(|value| *value != json!([])) {
            return Err(file.error(
                "key \"attn_layer_idx\" is given, expected none: blocks with attention are not supported"
                    .to_owned(),
            ));
        }
        file.expect(&[("max_position_embeddings", json!(0)), ("identity_mlp", json!(false))])?;
        layer.expect(&[
            ("_name_", json!("hyena")),
            ("order", json!(2)),
            ("short_filter_order", json!(SHORT_TAPS)),
            ("num_heads", json!(1)),
            ("inner_factor", json!(1)),
            ("num_blocks", json!(1)),
            ("activation", json!("id")),
            ("modulate", json!(true)),
            ("bias", json!(true)),
            ("outer_mixing", json!(false)),
            ("post_order_ffn", json!(false)),
            ("normalized", json!(false)),
            ("bidirectional", json!(false)),
            ("linear_mixer", json!(false)),
        ])?;
        let width = file.size("d_model")?;
        layer.expect(&[("d_model", json!(width))])?;
        let start = file.section("initializer_cfg")?;
        let window = Window::DEFAULT;
        Ok(Self {
            vocab_rows: padded(file.size("vocab_size")?, file.size_or("pad_vocab_size_multiple", 1)?),
            width,
            n_layers: file.size("n_layer")?,
            inner_width: file.size_or("d_inner", 4 * width)?,
            max_length: layer.size("l_max")?,
            n_features: layer.size_or("emb_dim", 3)?,
            filter_width: layer.size_or("filter_order", 64)?,
            n_inner_filter_layers: layer.size_or("num_inner_mlps", 2)?,
            frequency: layer.positive_or("w", 1.0)?,
            window: Window {
                fast: layer.positive_or("fast_decay_pct", window.fast)?,
                slow: layer.positive_or("slow_decay_pct", window.slow)?,
                target: layer.positive_or("target", window.target)?,
                shift: number_or(layer, "shift", window.shift)?,
            },
            norm_epsilon: file.positive_or("layer_norm_epsilon", 1e-5)?,
            initializer_range: match &start {
                Some(start) => start.positive_or("initializer_range", 0.02)?,
                None => 0.02,
            },
            rescales_residual: start
                .as_ref()
                .and_then(|start| start.value("rescale_prenorm_residual"))
                .and_then(Value::as_bool)
                .unwrap_or(true),
        })
    }

    fn read_hf_dialect(file: &ConfigFile) -> Result<Self, ModelError> {
        file.expect(&[
            ("hyena_order", json!(2)),
            ("short_filter_order", json!(SHORT_TAPS)),
            ("use_bias", json!(true)),
            ("train_freq", json!(true)),
            // The blocks of the authors' code have this value and ignore the key.
            ("layer_norm_epsilon", json!(1e-5)),
        ])?;
        let width = file.size("d_model")?;
        Ok(Self {
            vocab_rows: padded(file.size_or("vocab_size", 12)?, file.size_or("pad_vocab_size_multiple", 8)?),
            width,
            n_layers: file.size("n_layer")?,
            inner_width: file.size_or("d_inner", 4 * width)?,
            max_length: file.size("max_seq_len")?,
            n_features: file.size_or("emb_dim", 3)?,
            filter_width: file.size_or("filter_order", 64)?,
            n_inner_filter_layers: file.size_or("num_inner_mlps", 2)?,
            frequency: file.positive_or("activation_freq", 1.0)?,
            window: Window::DEFAULT,
            norm_epsilon: 1e-5,
            initializer_range: file.positive_or("initializer_range", 0.02)?,
            rescales_residual: true,
        })
    }
}

fn padded(vocab_size: usize, multiple: usize) -> usize {
    vocab_size.div_ceil(multiple) * multiple
}

fn number_or(file: &ConfigFile, key: &str, default: f64) -> Result<f64, ModelError> {
    match file.value(key) {
        None => Ok(default),
        Some(value) => match value.as_f64() {
            Some(number) if number.is_finite() => Ok(number),
            _ => Err(file.error(format!("key {key:?} is {value}, expected a number"))),
        },
    }
}
