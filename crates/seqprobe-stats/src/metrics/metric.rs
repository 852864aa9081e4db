//! The registry of metrics: names, tasks, direction, range, chance level, and the function that prepares each.

use crate::metrics::columns::Columns;
use crate::metrics::decisions::{accuracy, macro_f1, matthews};
use crate::metrics::probabilities::{brier, log_loss};
use crate::metrics::ranking::{auroc, average_precision};
use crate::metrics::regression::{mean_squared_error, pearson, r_squared, root_mean_squared_error, spearman};
use crate::metrics::scale::Scale;
use crate::metrics::truth::{InputError, Truth, Undefined};
use crate::metrics::weighted::{MacroMean, plain_score};

/// The kinds of tasks that a metric applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Binary, multiclass and multilabel tasks.
    Classes,
    /// Regression tasks.
    Values,
}

/// A metric: its properties and a function pointer. All metrics are in [`METRICS`].
pub struct Metric {
    /// Identifier in cards, suites and results.
    pub id: &'static str,
    /// Other identifiers that [`metric`] accepts for it.
    pub aliases: &'static [&'static str],
    /// Short name for headings and sentences: `AUROC`.
    pub title: &'static str,
    /// Name written out: `area under the ROC curve`.
    pub full_name: &'static str,
    /// Score of predictions that do not depend on the truth; `None` where that score depends on the data (class
    /// balance, spread of the values), so that only a constant prediction on the same data can show it.
    pub chance: Option<f64>,
    /// What exactly is computed, in one line.
    pub note: &'static str,
    /// Whether a larger score is better.
    pub higher_is_better: bool,
    /// Smallest and largest possible score. Intervals are clipped to this range.
    pub range: (f64, f64),
    /// The kinds of tasks that it applies to.
    pub needs: Needs,
    /// Raised when the same inputs give a different score. Part of the cell key.
    pub version: u32,
    /// Whether there is an interval where all bootstrap replicates have the same score. It needs a metric in which a
    /// single example of `n` in a class changes the score by about `1 / n`, as it changes a proportion. Other metrics
    /// have no interval in this case.
    pub(crate) has_zero_variance_bound: bool,
    /// The scale on which the interval of a single score is computed.
    pub(crate) scale: Scale,
    pub(crate) prepare: fn(&Truth<'_>, &[f64]) -> Result<Columns, InputError>,
}

impl std::fmt::Debug for Metric {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Metric").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The scores of the single targets, and how many of them are defined.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetScores {
    /// One per target; one per class for one-versus-rest metrics; else a single score.
    pub scores: Vec<Result<f64, Undefined>>,
    /// How many are defined.
    pub n_defined: usize,
}

/// All metrics.
pub static METRICS: &[Metric] = &[
    Metric {
        id: "auroc",
        aliases: &["auc", "roc-auc"],
        title: "AUROC",
        full_name: "area under the ROC curve",
        chance: Some(0.5),
        note: "probability that a positive ranks above a negative, ties count one half; macro one-versus-rest",
        higher_is_better: true,
        range: (0.0, 1.0),
        needs: Needs::Classes,
        version: 1,
        has_zero_variance_bound: true,
        scale: Scale::Logit,
        prepare: auroc,
    },
    Metric {
        id: "average-precision",
        aliases: &["auprc", "pr-auc"],
        title: "average precision",
        full_name: "average precision",
        chance: None,
        note: "step-wise area under the precision-recall curve, no interpolation; macro one-versus-rest",
        higher_is_better: true,
        range: (0.0, 1.0),
        needs: Needs::Classes,
        version: 1,
        has_zero_variance_bound: true,
        scale: Scale::Logit,
        prepare: average_precision,
    },
    Metric {
        id: "mcc",
        aliases: &["matthews"],
        title: "MCC",
        full_name: "Matthews correlation coefficient",
        chance: Some(0.0),
        note: "R_K for several classes; undefined where all decisions are the same; macro over targets",
        higher_is_better: true,
        range: (-1.0, 1.0),
        needs: Needs::Classes,
        version: 1,
        has_zero_variance_bound: true,
        scale: Scale::Fisher,
        prepare: matthews,
    },
    Metric {
        id: "accuracy",
        aliases: &[],
        title: "accuracy",
        full_name: "accuracy",
        chance: None,
        note: "share of correct decisions: largest probability, or at least 0.5; macro over targets",
        higher_is_better: true,
        range: (0.0, 1.0),
        needs: Needs::Classes,
        version: 1,
        has_zero_variance_bound: true,
        scale: Scale::Logit,
        prepare: accuracy,
    },
    Metric {
        id: "macro-f1",
        aliases: &["f1-macro"],
        title: "macro F1",
        full_name: "macro F1",
        chance: None,
        note: "mean F1 of the classes that occur in truth or decisions; multilabel: mean F1 of `true` over targets",
        higher_is_better: true,
        range: (0.0, 1.0),
        needs: Needs::Classes,
        version: 1,
        has_zero_variance_bound: true,
        scale: Scale::Logit,
        prepare: macro_f1,
    },
    Metric {
        id: "log-loss",
        aliases: &["cross-entropy"],
        title: "log loss",
        full_name: "log loss",
        chance: None,
        note: "mean −ln of the true class's probability, in nats; probabilities clipped to 2.2e-16 … 1 − 2.2e-16",
        higher_is_better: false,
        range: (0.0, f64::INFINITY),
        needs: Needs::Classes,
        version: 1,
        has_zero_variance_bound: false,
        scale: Scale::Log,
        prepare: log_loss,
    },
    Metric {
        id: "brier",
        aliases: &["brier-score"],
        title: "Brier score",
        full_name: "Brier score",
        chance: None,
        note: "mean squared error of the probability: 0 … 1; summed over classes when multiclass: 0 … 2",
        higher_is_better: false,
        range: (0.0, 2.0),
        needs: Needs::Classes,
        version: 1,
        has_zero_variance_bound: false,
        scale: Scale::Log,
        prepare: brier,
    },
    Metric {
        id: "pearson",
        aliases: &[],
        title: "Pearson correlation",
        full_name: "Pearson correlation",
        chance: Some(0.0),
        note: "linear correlation of prediction and truth; macro over targets",
        higher_is_better: true,
        range: (-1.0, 1.0),
        needs: Needs::Values,
        version: 1,
        has_zero_variance_bound: false,
        scale: Scale::Fisher,
        prepare: pearson,
    },
    Metric {
        id: "spearman",
        aliases: &[],
        title: "Spearman correlation",
        full_name: "Spearman correlation",
        chance: Some(0.0),
        note: "Pearson correlation of mid-ranks; macro over targets",
        higher_is_better: true,
        range: (-1.0, 1.0),
        needs: Needs::Values,
        version: 1,
        has_zero_variance_bound: false,
        scale: Scale::Fisher,
        prepare: spearman,
    },
    Metric {
        id: "r2",
        aliases: &["r-squared"],
        title: "R²",
        full_name: "coefficient of determination",
        chance: None,
        note: "1 − residual / total sum of squares; negative where worse than the mean; macro over targets",
        higher_is_better: true,
        range: (f64::NEG_INFINITY, 1.0),
        needs: Needs::Values,
        version: 1,
        has_zero_variance_bound: false,
        scale: Scale::LogOfRest,
        prepare: r_squared,
    },
    Metric {
        id: "rmse",
        aliases: &[],
        title: "RMSE",
        full_name: "root mean squared error",
        chance: None,
        note: "in units of the target; macro over targets",
        higher_is_better: false,
        range: (0.0, f64::INFINITY),
        needs: Needs::Values,
        version: 1,
        has_zero_variance_bound: false,
        scale: Scale::Log,
        prepare: root_mean_squared_error,
    },
    Metric {
        id: "mse",
        aliases: &[],
        title: "MSE",
        full_name: "mean squared error",
        chance: None,
        note: "in squared units of the target; macro over targets",
        higher_is_better: false,
        range: (0.0, f64::INFINITY),
        needs: Needs::Values,
        version: 1,
        has_zero_variance_bound: false,
        scale: Scale::Log,
        prepare: mean_squared_error,
    },
];

/// Returns the metric with this identifier or alias.
///
/// # Examples
/// ```
/// let metric = seqprobe_stats::metric("auprc").expect("an alias of average precision");
/// assert_eq!(metric.id, "average-precision");
/// ```
pub fn metric(id_or_alias: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.id == id_or_alias || metric.aliases.contains(&id_or_alias))
}

impl Metric {
    /// Returns whether the metric applies to this kind of task.
    pub fn applies_to(&self, truth: &Truth<'_>) -> bool {
        (self.needs == Needs::Values) == matches!(truth, Truth::Regression { .. })
    }

    /// Returns the score. For several targets or classes it is the mean over those that the true values define.
    ///
    /// # Shapes
    /// `outputs`: `[examples, outputs]`, row-major. Binary: the probability of `true`; multiclass: one probability
    /// per class; multilabel: one per target; regression: one value per target, on the untransformed scale.
    ///
    /// # Errors
    /// [`Undefined`] is the reason why there is no score: one class, constant values, or [`Undefined::Input`] where the
    /// inputs do not fit together. A target that is undefined because of its true values is left out. A target that is
    /// undefined because of its *predictions* makes the whole score undefined: leaving it out would reward constant
    /// predictions.
    pub fn score(&self, truth: &Truth<'_>, outputs: &[f64]) -> Result<f64, Undefined> {
        let (prepared, _) = self.prepare(truth, outputs)?;
        plain_score(&prepared, truth.n_examples())
    }

    /// Returns the score of each target, or of each class against the rest.
    ///
    /// # Shapes
    /// `outputs`: as for [`Metric::score`].
    ///
    /// # Errors
    /// [`InputError`] where the inputs do not fit together.
    pub fn score_targets(&self, truth: &Truth<'_>, outputs: &[f64]) -> Result<TargetScores, InputError> {
        let columns = self.columns(truth, outputs)?;
        let scores: Vec<_> =
            columns.iter().map(|column| plain_score(column.as_ref(), truth.n_examples())).collect();
        let n_defined = scores.iter().filter(|score| score.is_ok()).count();
        Ok(TargetScores { scores, n_defined })
    }

    fn columns(&self, truth: &Truth<'_>, outputs: &[f64]) -> Result<Columns, InputError> {
        if !self.applies_to(truth) {
            return Err(InputError::NotApplicable { metric: self.id, kind: truth.kind() });
        }
        truth.check(outputs)?;
        (self.prepare)(truth, outputs)
    }

    /// Prepares the score and computes it. Fails where the score is undefined.
    pub(crate) fn prepare(&self, truth: &Truth<'_>, outputs: &[f64]) -> Result<(MacroMean, f64), Undefined> {
        let n_rows = truth.n_examples();
        let columns = self.columns(truth, outputs)?;
        let n_targets = columns.len();
        let mut defined = Vec::with_capacity(n_targets);
        let mut first = None;
        for (target, column) in columns.into_iter().enumerate() {
            match plain_score(column.as_ref(), n_rows) {
                Err(cause) if cause.lies_in_truth() => {
                    first.get_or_insert(cause);
                }
                _ => defined.push((target, column)),
            }
        }
        if defined.is_empty() {
            let first = first.unwrap_or(Undefined::NoValues);
            return Err(match n_targets {
                0 | 1 => first,
                _ => Undefined::NoDefinedTarget { n_targets, first: Box::new(first) },
            });
        }
        let prepared = MacroMean { columns: defined, n_targets };
        let point = plain_score(&prepared, n_rows)?;
        Ok((prepared, point))
    }
}
