//! Settings of the neural probes. Every field changes a fit, so all of them stand in the cell key; the
//! defaults are the same for every representation and dataset.

use serde::{Deserialize, Serialize};

/// How the optimiser runs and when it stops; shared by all neural probes.
///
/// The optimiser is AdamW (Loshchilov & Hutter 2019, β = 0.9 and 0.999, ε = 1e-8) on the mean loss of a
/// mini-batch. After every epoch the validation loss is taken; the weights of the best epoch are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// Examples in a mini-batch, at least 1.
    pub batch_size: usize,
    /// Most passes over the training rows, at least 1.
    pub max_epochs: usize,
    /// Epochs without a better validation loss after which training stops, at least 1.
    pub patience: usize,
    /// First learning rate; it rises linearly to this over the first epoch.
    pub learning_rate: f64,
    /// Epochs without a better validation loss after which the learning rate is multiplied by `learning_rate_factor`.
    pub learning_rate_patience: usize,
    /// What the learning rate is multiplied by.
    pub learning_rate_factor: f64,
    /// Decoupled weight decay, on weights but not on biases and norms.
    pub weight_decay: f64,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            batch_size: 64,
            max_epochs: 40,
            patience: 6,
            learning_rate: 2e-3,
            learning_rate_patience: 3,
            learning_rate_factor: 0.3,
            weight_decay: 1e-2,
        }
    }
}

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

/// The `mlp` on pooled features: two hidden layers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MlpSettings {
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
            hidden: [128, 64],
            dropout: 0.2,
            training: TrainingSettings { learning_rate: 1e-3, ..TrainingSettings::default() },
        }
    }
}
