//! Settings of the neural probes. Every field changes a fit, so all of them stand in the cell key; the
//! defaults are the same for every representation and dataset.

use seqprobe_core::SettingsError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of features in memory while fitting: 512 MiB, so that five fits side by side stay within 4 GiB.
pub(crate) const DEFAULT_MEMORY_BUDGET_BYTES: usize = 512 << 20;

/// How the optimiser runs and when it stops; shared by all neural probes.
///
/// The optimiser works on the mean loss of a mini-batch. After every epoch the validation loss is taken; the
/// weights of the best epoch, and whatever else the network had gathered by then, are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// Examples in a mini-batch, at least 1.
    pub batch_size: usize,
    /// Most passes over the training rows, at least 1.
    pub max_epochs: usize,
    /// Most optimiser steps: training ends with the epoch in which they are reached. It bounds the time on large
    /// training splits without starving small ones.
    pub max_steps: usize,
    /// Epochs without a better validation loss after which training stops, at least 1.
    pub patience: usize,
    /// Optimiser steps before which training never stops early and the learning rate never falls: a network
    /// that must find two things at once shows no progress for a while.
    pub least_steps: usize,
    /// Adam or AdamW.
    pub optimiser: OptimiserKind,
    /// Added to the root of the second moment: 1e-8 in PyTorch, 1e-7 in Keras.
    pub epsilon: f64,
    /// Learning rate after the rise at the start.
    pub learning_rate: f64,
    /// Epochs over which the learning rate rises linearly from 0, at least 0.
    pub warm_up_epochs: f64,
    /// What the learning rate does after that.
    pub schedule: Schedule,
    /// Plateau: epochs without a better validation loss after which the learning rate is multiplied by
    /// `learning_rate_factor`.
    pub learning_rate_patience: usize,
    /// Plateau: what the learning rate is multiplied by.
    pub learning_rate_factor: f64,
    /// Plateau and cosine: the learning rate never falls below this.
    pub least_learning_rate: f64,
    /// Weight decay, on weights but not on biases and norms: decoupled from the gradient in AdamW, added to it in Adam.
    pub weight_decay: f64,
    /// Largest Euclidean norm of the gradient; a longer one is scaled down to it. `None` leaves it as it is.
    pub clip_norm: Option<f64>,
    /// What is minimised.
    pub loss: Loss,
    /// How classes are weighed; `None` weighs every example alike.
    pub class_weight: Option<ClassWeight>,
    /// The grid that learning rate and weight decay are chosen from; `None` takes them as they stand here.
    pub search: Option<Search>,
}

/// A search grid, the same for every representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// Six points: the learning rate times 0.3, 1 and 3, and a weight decay of 0.01 and 0.3.
    Small,
}

/// What is minimised. Which one suits follows from the task, except that regression has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// That of the task: cross-entropy for classes, squared error for regression.
    Auto,
    /// Cross-entropy of one of several classes.
    CrossEntropy,
    /// Cross-entropy of yes or no, for each target.
    Bce,
    /// Squared error of the standardised targets.
    Mse,
    /// Poisson regression with a log link, for counts: predictions are rates.
    Poisson,
}

impl Loss {
    /// Its word in suites.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::CrossEntropy => "cross-entropy",
            Self::Bce => "bce",
            Self::Mse => "mse",
            Self::Poisson => "poisson",
        }
    }
}

/// How classes are weighed in the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeight {
    /// Inversely to their number of training examples, so that all weigh the same.
    Balanced,
}

/// Which optimiser. Both have β = 0.9 and 0.999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Adam (Kingma & Ba 2015), decay as part of the gradient.
    Adam,
    /// AdamW (Loshchilov & Hutter 2019), decay apart from the gradient.
    AdamW,
}

/// What the learning rate does after its rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// It stays.
    Constant,
    /// It falls when the validation loss has not improved for some epochs.
    Plateau,
    /// It falls along half a cosine over the steps that are left, ending at `least_learning_rate` after
    /// `max_epochs` or `max_steps`.
    Cosine,
}

impl Default for TrainingSettings {
    fn default() -> Self {
        Self {
            batch_size: 64,
            max_epochs: 40,
            max_steps: 20_000,
            patience: 6,
            least_steps: 400,
            optimiser: OptimiserKind::AdamW,
            epsilon: 1e-8,
            learning_rate: 2e-3,
            warm_up_epochs: 1.0,
            schedule: Schedule::Plateau,
            learning_rate_patience: 3,
            learning_rate_factor: 0.3,
            least_learning_rate: 0.0,
            weight_decay: 1e-2,
            clip_norm: None,
            loss: Loss::Auto,
            class_weight: None,
            search: None,
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

impl TrainingSettings {
    /// The points of the grid that is asked for, each with what is particular to it; none without a search.
    pub(crate) fn points(&self) -> Vec<(BTreeMap<String, String>, Self)> {
        let Some(Search::Small) = self.search else { return Vec::new() };
        let mut points = Vec::new();
        for factor in [0.3, 1.0, 3.0] {
            for weight_decay in [0.01, 0.3] {
                let learning_rate = self.learning_rate * factor;
                let point = BTreeMap::from([
                    ("learning_rate".to_owned(), learning_rate.to_string()),
                    ("weight_decay".to_owned(), weight_decay.to_string()),
                ]);
                points.push((point, Self { learning_rate, weight_decay, search: None, ..self.clone() }));
            }
        }
        points
    }

    /// Checks that every setting lies in its range.
    ///
    /// # Errors
    /// [`SettingsError::Value`], which names the setting.
    pub fn check(&self) -> Result<(), SettingsError> {
        at_least_one("batch_size", self.batch_size)?;
        at_least_one("max_epochs", self.max_epochs)?;
        at_least_one("patience", self.patience)?;
        at_least_one("learning_rate_patience", self.learning_rate_patience)?;
        positive("learning_rate", self.learning_rate)?;
        positive("learning_rate_factor", self.learning_rate_factor)?;
        positive("epsilon", self.epsilon)?;
        if let Some(norm) = self.clip_norm {
            positive("clip_norm", norm)?;
        }
        at_least_zero("weight_decay", self.weight_decay)?;
        at_least_zero("warm_up_epochs", self.warm_up_epochs)?;
        at_least_zero("least_learning_rate", self.least_learning_rate)
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

fn at_least_one(name: &'static str, value: usize) -> Result<(), SettingsError> {
    if value == 0 { Err(SettingsError::value(name, &value, "at least 1")) } else { Ok(()) }
}

fn positive(name: &'static str, value: f64) -> Result<(), SettingsError> {
    within(value.is_finite() && value > 0.0, name, value, "a number above 0")
}

fn at_least_zero(name: &'static str, value: f64) -> Result<(), SettingsError> {
    within(value.is_finite() && value >= 0.0, name, value, "a number of at least 0")
}

fn below_one(name: &'static str, value: f64) -> Result<(), SettingsError> {
    within((0.0..1.0).contains(&value), name, value, "at least 0 and below 1")
}

fn within(holds: bool, name: &'static str, value: f64, expected: &str) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::value(name, &value, expected)) }
}
