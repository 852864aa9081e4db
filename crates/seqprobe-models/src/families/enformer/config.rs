//! Enformer's settings: `config.json` of its checkpoints, with the defaults of enformer-pytorch.

use super::positions;
use super::tower::widths;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;

/// The authors' weights, converted from TensorFlow.
pub(super) const OFFICIAL: &str = "EleutherAI/enformer-official-rough";

/// Settings that change values.
#[derive(serde::Serialize)]
pub(super) struct Config {
    pub(super) dim: usize,
    pub(super) depth: usize,
    pub(super) heads: usize,
    pub(super) attn_dim_key: usize,
    pub(super) num_downsamples: usize,
    pub(super) dim_divisible_by: usize,
    pub(super) use_tf_gamma: bool,
}

impl Config {
    pub(super) fn read(file: &ConfigFile) -> Result<Self, ModelError> {
        if let Some(value) = file.value("use_convnext").filter(|value| value.as_bool() != Some(false)) {
            return Err(file.error(format!(
                "key \"use_convnext\" is {value}, expected false\n  hint: Enformer with ConvNeXt blocks is not supported"
            )));
        }
        let config = Self {
            dim: file.size_or("dim", 1536)?,
            depth: file.size_or("depth", 11)?,
            heads: file.size_or("heads", 8)?,
            attn_dim_key: file.size_or("attn_dim_key", 64)?,
            num_downsamples: file.size_or("num_downsamples", 7)?,
            dim_divisible_by: file.size_or("dim_divisible_by", 128)?,
            use_tf_gamma: use_tf_gamma(file)?,
        };
        if !(3..=16).contains(&config.num_downsamples) {
            return Err(file
                .error(format!("key \"num_downsamples\" is {}, expected 3 to 16", config.num_downsamples)));
        }
        if config.position_features() == 0 || !config.position_features().is_multiple_of(positions::KINDS) {
            return Err(file.error(format!(
                "key \"dim\" {} over \"heads\" {} is {}, expected a multiple of {}: so many kinds of positional features share it",
                config.dim,
                config.heads,
                config.position_features(),
                positions::KINDS
            )));
        }
        let widths = widths(config.dim, config.num_downsamples, config.dim_divisible_by);
        if widths.contains(&0) || widths.last() != Some(&config.dim) {
            return Err(file.error(format!(
                "key \"dim\" is {}, but the tower's widths in multiples of \"dim_divisible_by\" {} are {widths:?}, expected the last to be \"dim\" and none to be 0",
                config.dim, config.dim_divisible_by
            )));
        }
        Ok(config)
    }

    /// Values per head, which is also the number of features per distance.
    pub(super) fn position_features(&self) -> usize {
        self.dim / self.heads
    }

    /// Bases of a bin.
    pub(super) fn bin(&self) -> usize {
        1 << self.num_downsamples
    }
}

/// Whether the gamma features are scaled as in TensorFlow, where the authors' weights were trained. Their
/// config does not say so; the package decides by the name of the repository, and so do we.
fn use_tf_gamma(file: &ConfigFile) -> Result<bool, ModelError> {
    let (_, official) = OFFICIAL.split_once('/').unwrap_or(("", OFFICIAL));
    let in_official =
        || file.path().components().any(|part| part.as_os_str().to_string_lossy().ends_with(official));
    match file.value("use_tf_gamma") {
        Some(value) => value
            .as_bool()
            .ok_or_else(|| file.error(format!("key \"use_tf_gamma\" is {value}, expected true or false"))),
        None if in_official() => Ok(true),
        None => Err(file.error(format!(
            "key \"use_tf_gamma\" is missing, expected true or false\n  hint: true for the authors' weights ({OFFICIAL} and copies of it, where enformer-pytorch sets it by the repository's name), false for weights trained with enformer-pytorch"
        ))),
    }
}
