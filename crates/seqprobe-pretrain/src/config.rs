//! The config of a pretraining run: what is trained, on which data, and for how long. This file reads and checks it;
//! it opens no data.

use crate::error::PretrainError;
use seqprobe_core::Digest;
use seqprobe_core::config::parse_toml;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A config, as written in TOML. An unknown key is an error.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PretrainConfig {
    /// Version of this format: 1.
    pub schema: u32,
    /// Name of the model.
    pub name: String,
    /// Seed of every random choice.
    #[serde(default)]
    pub seed: u64,
    /// The content of `config.json`; `model_type` names the family.
    pub model: serde_json::Map<String, serde_json::Value>,
    /// Training data.
    pub data: DataConfig,
    /// Training.
    pub training: TrainingConfig,
    /// The file, as the user named it.
    #[serde(skip)]
    pub file: String,
    /// Its folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// The sequences to train on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// FASTA files, plain or gzip. Lower case marks soft-masked repeats.
    pub files: Vec<FileConfig>,
    /// Names of the records used for validation. Windows that share a 31-mer with them are not trained on.
    pub valid: Vec<String>,
    /// Dataset cards (ids or paths) whose validation and test sequences are left out; `["all"]` means all cards that
    /// are found.
    #[serde(default)]
    pub exclude_cards: Vec<String>,
    /// Minimum share of the smaller sequence's 16-mers that a near-duplicate of such a sequence has.
    #[serde(default = "near")]
    pub near: f64,
    /// Bases of a window.
    pub window: usize,
    /// Bases from the start of one training window to that of the next.
    pub stride: usize,
    /// Maximum share of N in a window.
    #[serde(default = "most_n")]
    pub most_n: f64,
    /// Weight of the loss of soft-masked bases; 1 for all others.
    #[serde(default = "soft_masked_weight")]
    pub soft_masked_weight: f64,
    /// Whether each window is read from a random strand, each with probability 1/2.
    #[serde(default = "yes")]
    pub reverse_complement: bool,
}

/// A file of training data.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileConfig {
    /// Path relative to the config's folder or to a data folder.
    pub path: String,
    /// SHA-256 digest the file must have.
    pub sha256: Option<String>,
}

/// How to train.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingConfig {
    /// Steps of the optimiser.
    pub steps: u64,
    /// Windows per step.
    pub batch: usize,
    /// Maximum learning rate.
    pub learning_rate: f64,
    /// Steps over which the rate rises from 0. It then falls along a cosine to `final_rate` of the maximum.
    #[serde(default)]
    pub warm_up_steps: u64,
    /// Rate of the last step, as a share of the maximum.
    #[serde(default)]
    pub final_rate: f64,
    /// Weight decay. Norms and biases do not decay.
    #[serde(default = "weight_decay")]
    pub weight_decay: f64,
    /// Maximum norm of the gradient.
    #[serde(default = "clip_norm")]
    pub clip_norm: f64,
    /// Share of bases that are targets (masked models).
    #[serde(default = "mask")]
    pub mask: f64,
    /// Share of targets that are replaced by the mask token.
    #[serde(default = "as_mask")]
    pub as_mask: f64,
    /// Share of targets that are replaced by a random base. The rest stay unchanged.
    #[serde(default = "as_random")]
    pub as_random: f64,
    /// Number type of the computation. Parameters and optimiser use 32 bits.
    #[serde(default)]
    pub precision: TrainingPrecision,
    /// Number type in `model.safetensors`.
    #[serde(default)]
    pub stored: StoredPrecision,
    /// Steps between two rows of the loss table.
    pub valid_every: u64,
    /// Validation windows per row, spread evenly. The final loss uses all of them.
    #[serde(default = "valid_windows")]
    pub valid_windows: usize,
    /// Seconds between two checkpoints.
    #[serde(default = "checkpoint_seconds")]
    pub checkpoint_seconds: f64,
}

/// Number type of the computation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainingPrecision {
    /// 32 bits.
    #[default]
    F32,
    /// bfloat16, for devices on which it is faster.
    Bf16,
}

/// Type of the stored numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredPrecision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits.
    F16,
}

fn near() -> f64 {
    seqprobe_core::audit::NEAR_THRESHOLD
}
fn most_n() -> f64 {
    0.5
}
fn soft_masked_weight() -> f64 {
    0.1
}
fn yes() -> bool {
    true
}
fn weight_decay() -> f64 {
    0.01
}
fn clip_norm() -> f64 {
    1.0
}
fn mask() -> f64 {
    0.15
}
fn as_mask() -> f64 {
    0.8
}
fn as_random() -> f64 {
    0.1
}
fn valid_windows() -> usize {
    1000
}
fn checkpoint_seconds() -> f64 {
    60.0
}

impl PretrainConfig {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`PretrainError`] naming the file and the key.
    pub fn read(path: &Path) -> Result<Self, PretrainError> {
        let text = std::fs::read_to_string(path).map_err(PretrainError::io(path))?;
        let mut config: Self = parse_toml(&text, &path.display().to_string())?;
        config.file = path.display().to_string();
        config.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        config.check()?;
        Ok(config)
    }

    /// Digest of everything except the name, the seconds between checkpoints and the location of the file. Runs with
    /// different digests are different runs.
    ///
    /// # Errors
    /// [`PretrainError::Config`] for a value that cannot be written as JSON.
    pub fn digest(&self) -> Result<Digest, PretrainError> {
        let mut same = self.clone();
        same.name = String::new();
        same.training.checkpoint_seconds = 0.0;
        Digest::of_value(&same).map_err(|error| self.error(error.to_string()))
    }

    /// An error about this file.
    pub(crate) fn error(&self, message: impl Into<String>) -> PretrainError {
        PretrainError::Config { file: self.file.clone(), message: message.into() }
    }

    fn check(&self) -> Result<(), PretrainError> {
        let (data, training) = (&self.data, &self.training);
        if self.schema != 1 {
            return Err(self.error(format!("key \"schema\" is {}, expected 1", self.schema)));
        }
        let at_least_one = [
            ("data.window", data.window as u64),
            ("data.stride", data.stride as u64),
            ("training.steps", training.steps),
            ("training.batch", training.batch as u64),
            ("training.valid_every", training.valid_every),
            ("training.valid_windows", training.valid_windows as u64),
        ];
        if let Some((key, _)) = at_least_one.into_iter().find(|(_, value)| *value == 0) {
            return Err(self.error(format!("key {key:?} is 0, expected at least 1")));
        }
        let positive = [
            ("training.learning_rate", training.learning_rate),
            ("training.clip_norm", training.clip_norm),
            ("training.mask", training.mask),
            ("data.near", data.near),
        ];
        if let Some((key, value)) =
            positive.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0))
        {
            return Err(self.error(format!("key {key:?} is {value}, expected a positive number")));
        }
        let shares = [
            ("training.mask", training.mask),
            ("training.as_mask", training.as_mask),
            ("training.as_random", training.as_random),
            ("training.as_mask + training.as_random", training.as_mask + training.as_random),
            ("training.final_rate", training.final_rate),
            ("training.weight_decay", training.weight_decay),
            ("data.near", data.near),
            ("data.most_n", data.most_n),
            ("data.soft_masked_weight", data.soft_masked_weight),
        ];
        if let Some((key, value)) = shares.into_iter().find(|(_, value)| !(0.0..=1.0 + 1e-12).contains(value))
        {
            return Err(self.error(format!("key {key:?} is {value}, expected 0 to 1")));
        }
        if training.warm_up_steps >= training.steps {
            let message = format!(
                "key \"training.warm_up_steps\" is {}, expected less than \"training.steps\" {}",
                training.warm_up_steps, training.steps
            );
            return Err(self.error(message));
        }
        if !(training.checkpoint_seconds.is_finite() && training.checkpoint_seconds >= 0.0) {
            return Err(self.error("key \"training.checkpoint_seconds\" must be 0 or more".to_owned()));
        }
        if data.files.is_empty() {
            return Err(self.error("key \"data.files\" is empty, expected a FASTA file".to_owned()));
        }
        if data.valid.is_empty() {
            return Err(self.error(
                "key \"data.valid\" is empty, expected the name of a record\n  hint: name a record that is not \
                 trained on, to choose a model on held-out sequence".to_owned(),
            ));
        }
        Ok(())
    }
}
