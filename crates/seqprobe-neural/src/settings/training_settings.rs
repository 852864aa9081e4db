//! How a neural probe is trained. Every field changes a fit, so all of them are part of the cell key.

use crate::settings::ranges::{at_least_one, at_least_zero, positive};
use seqprobe_core::{ClassWeight, SettingsError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the optimiser runs and when it stops; the same for all neural probes.
///
/// The optimiser minimises the mean loss of a mini-batch. The validation loss is computed after every epoch. The
/// parameters of the best epoch are kept, including the running means of batch norms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSettings {
    /// Examples in a mini-batch, at least 1.
    pub batch_size: usize,
    /// Maximum number of passes over the training rows, at least 1.
    pub max_epochs: usize,
    /// Maximum number of optimiser steps: training ends with the epoch that reaches it. It bounds the time on large
    /// training splits and does not affect small ones.
    pub max_steps: usize,
    /// Epochs without a better validation loss after which training stops, at least 1.
    pub patience: usize,
    /// Minimum number of optimiser steps before training may stop early or the learning rate may fall: a network that
    /// must learn two things at once makes no progress at first.
    pub least_steps: usize,
    /// Adam or AdamW.
    pub optimiser: OptimiserKind,
    /// Added to the root of the second moment: 1e-8 in PyTorch, 1e-7 in Keras.
    pub epsilon: f64,
    /// Learning rate after warm-up.
    pub learning_rate: f64,
    /// Epochs of warm-up, in which the learning rate rises linearly from 0; at least 0.
    pub warm_up_epochs: f64,
    /// The learning rate after warm-up.
    pub schedule: Schedule,
    /// Plateau: epochs without a better validation loss before the learning rate is multiplied by
    /// `learning_rate_factor`.
    pub learning_rate_patience: usize,
    /// Plateau: factor of the learning rate.
    pub learning_rate_factor: f64,
    /// Plateau and cosine: minimum learning rate.
    pub least_learning_rate: f64,
    /// Weight decay of weights, but not of biases and norms: decoupled from the gradient in AdamW, added to it in Adam.
    pub weight_decay: f64,
    /// Maximum Euclidean norm of the gradient; a longer gradient is scaled down to it. `None` means no limit.
    pub clip_norm: Option<f64>,
    /// What is minimised.
    pub loss: Loss,
    /// The weights of classes; `None` gives every example the same weight.
    pub class_weight: Option<ClassWeight>,
    /// The grid from which learning rate and weight decay are chosen; `None` uses the values above.
    pub search: Option<Search>,
}

/// A search grid, the same for every representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// Six points: 0.3, 1 and 3 times the learning rate, each with a weight decay of 0.01 and 0.3.
    Small,
}

/// What is minimised. It follows from the task, but regression has a choice of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// The default of the task: cross-entropy for classes, squared error for regression.
    Auto,
    /// Cross-entropy of one of several classes.
    CrossEntropy,
    /// Binary cross-entropy of each target.
    Bce,
    /// Squared error of standardised targets.
    Mse,
    /// Poisson regression with a log link, for counts: predictions are rates.
    Poisson,
}

impl Loss {
    /// Its name in suites.
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

/// The optimiser. Both have β₁ = 0.9 and β₂ = 0.999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimiserKind {
    /// Adam (Kingma & Ba 2015); weight decay is part of the gradient.
    Adam,
    /// AdamW (Loshchilov & Hutter 2019); weight decay is separate from the gradient.
    AdamW,
}

/// The learning rate after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// It stays the same.
    Constant,
    /// It falls if the validation loss has not improved for some epochs.
    Plateau,
    /// It falls along half a cosine over the remaining steps, and reaches `least_learning_rate` after
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

impl TrainingSettings {
    /// The points of the grid, each with the values that it chooses; none without a search.
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
