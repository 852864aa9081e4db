//! Settings of the matched probes. Every field changes a fit, so all of them are part of the cell key; the
//! defaults are the same for every representation and dataset.

use crate::settings::ranges::{at_least_one, below_one};
use crate::settings::training_settings::TrainingSettings;
use seqprobe_core::SettingsError;
use serde::{Deserialize, Serialize};

/// Where the linear reduction of each token vector comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Fitted with the rest.
    Learned,
    /// A fixed random projection drawn from the seed: what a wide representation gains from the
    /// parameters of a learned reduction is taken away.
    FixedRandom,
}

impl Reduction {
    /// The identifier of a probe, which tells what kind of reduction it has.
    pub(crate) fn probe_id(self, learned: &'static str, fixed: &'static str) -> &'static str {
        match self {
            Self::Learned => learned,
            Self::FixedRandom => fixed,
        }
    }
}

/// The default `cnn`: a matched network that takes any length of at least 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CnnSettings {
    /// Width that each token vector is reduced to; everything after it is the same for all representations.
    pub reduction_width: usize,
    /// Learned, or a fixed random projection.
    pub reduction: Reduction,
    /// Channels of the convolutions.
    pub channels: usize,
    /// Probability with which a channel is dropped after the first convolution and after pooling, in 0…1.
    pub dropout: f64,
    /// The training loop.
    pub training: TrainingSettings,
}

impl Default for CnnSettings {
    fn default() -> Self {
        Self {
            reduction_width: 64,
            reduction: Reduction::Learned,
            channels: 64,
            dropout: 0.1,
            training: TrainingSettings::default(),
        }
    }
}

/// The `attention` probe on token features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttentionSettings {
    /// Width that each token vector is reduced to; everything after it is the same for all representations.
    pub reduction_width: usize,
    /// Learned, or a fixed random projection.
    pub reduction: Reduction,
    /// Learned queries, each with a weighted mean of its own.
    pub heads: usize,
    /// Probability with which a pooled number is dropped, in 0…1.
    pub dropout: f64,
    /// The training loop.
    pub training: TrainingSettings,
}

impl Default for AttentionSettings {
    fn default() -> Self {
        Self {
            reduction_width: 64,
            reduction: Reduction::Learned,
            heads: 1,
            dropout: 0.1,
            training: TrainingSettings::default(),
        }
    }
}

/// The `mlp` on pooled features: a matched network of two hidden layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MlpSettings {
    /// Width that each vector is reduced to; everything after it is the same for all representations.
    pub reduction_width: usize,
    /// Learned, or a fixed random projection.
    pub reduction: Reduction,
    /// Units of the two hidden layers.
    pub hidden: [usize; 2],
    /// Probability with which a hidden unit is dropped, in 0…1.
    pub dropout: f64,
    /// The training loop.
    pub training: TrainingSettings,
}

impl Default for MlpSettings {
    fn default() -> Self {
        Self {
            reduction_width: 64,
            reduction: Reduction::Learned,
            hidden: [128, 64],
            dropout: 0.2,
            training: TrainingSettings { learning_rate: 1e-3, ..TrainingSettings::default() },
        }
    }
}

impl CnnSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        at_least_one("reduction_width", self.reduction_width)?;
        at_least_one("channels", self.channels)?;
        below_one("dropout", self.dropout)?;
        self.training.check()
    }
}

impl AttentionSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        at_least_one("reduction_width", self.reduction_width)?;
        at_least_one("heads", self.heads)?;
        below_one("dropout", self.dropout)?;
        self.training.check()
    }
}

impl MlpSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        at_least_one("reduction_width", self.reduction_width)?;
        for units in self.hidden {
            at_least_one("hidden", units)?;
        }
        below_one("dropout", self.dropout)?;
        self.training.check()
    }
}
