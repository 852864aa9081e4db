//! Settings of the matched probes. Every field changes a fit, so all of them are part of the cell key; the
//! defaults are the same for every representation and dataset.

use crate::settings::ranges::{at_least_one, below_one};
use crate::settings::training_settings::TrainingSettings;
use seqprobe_core::SettingsError;
use serde::{Deserialize, Serialize};

/// How the weights of the linear reduction are obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Fitted with the other weights.
    Learned,
    /// A fixed random projection drawn from the seed. It removes the advantage that a wide representation has through
    /// the many parameters of a learned reduction.
    FixedRandom,
}

impl Reduction {
    /// The identifier of a probe, which depends on its reduction.
    pub(crate) fn probe_id(self, learned: &'static str, fixed: &'static str) -> &'static str {
        match self {
            Self::Learned => learned,
            Self::FixedRandom => fixed,
        }
    }
}

/// The default `cnn`: a matched network for rows of any length of at least 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CnnSettings {
    /// Width to which each token vector is reduced. Everything after it is the same for all representations.
    pub reduction_width: usize,
    /// Learned, or a fixed random projection.
    pub reduction: Reduction,
    /// Number of channels of the convolutions.
    pub channels: usize,
    /// Probability of dropping a channel after the first convolution and after pooling, in 0…1.
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
    /// Width to which each token vector is reduced. Everything after it is the same for all representations.
    pub reduction_width: usize,
    /// Learned, or a fixed random projection.
    pub reduction: Reduction,
    /// Number of learned queries, each with its own weighted mean.
    pub heads: usize,
    /// Probability of dropping a pooled value, in 0…1.
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
    /// Width to which each vector is reduced. Everything after it is the same for all representations.
    pub reduction_width: usize,
    /// Learned, or a fixed random projection.
    pub reduction: Reduction,
    /// Number of units of the two hidden layers.
    pub hidden: [usize; 2],
    /// Probability of dropping a hidden unit, in 0…1.
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
