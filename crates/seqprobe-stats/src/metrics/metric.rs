//! The type of a metric: its properties, and the computation of scores.
//!
//! The metrics themselves are in `registry.rs`.

use crate::metrics::columns::Columns;
use crate::metrics::errors::{InputError, Undefined};
use crate::metrics::scale::Scale;
use crate::metrics::truth::Truth;
use crate::metrics::weighted::{MacroMean, plain_score};

/// The kinds of tasks that a metric applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricTask {
    /// Binary, multiclass and multilabel tasks.
    Classification,
    /// Regression tasks.
    Regression,
}

/// What a margin is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginScale {
    /// Of the score itself.
    Score,
    /// Of the target's standard deviation.
    Deviation,
    /// Of the target's variance.
    Variance,
}

/// A metric: its properties and a function pointer. All metrics are in [`METRICS`](crate::METRICS).
pub struct Metric {
    /// Identifier in cards, suites and results.
    pub id: &'static str,
    /// Other identifiers that [`metric()`](crate::metric()) accepts for it.
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
    pub task: MetricTask,
    /// What a margin on this metric is a share of; see [`Metric::margin_unit`].
    pub margin_scale: MarginScale,
    /// Raised when the same inputs give a different score. Part of the cell key.
    pub version: u32,
    /// Whether there is an interval where all bootstrap replicates have the same score. It needs a metric in which a
    /// single example of `n` in a class changes the score by about `1 / n`, as it changes a proportion. Other metrics
    /// have no interval in this case.
    pub(crate) has_zero_variance_bound: bool,
    /// Whether the score is made of squares of the true values, so that few large values can decide it.
    pub(crate) squares: bool,
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

impl Metric {
    /// Returns whether the metric applies to this kind of task.
    pub fn applies_to(&self, truth: &Truth<'_>) -> bool {
        (self.task == MetricTask::Regression) == matches!(truth, Truth::Regression { .. })
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

    /// Returns for each target, or each class against the rest, whether the true values define its score. The others are
    /// left out of the mean. The outputs do not matter.
    ///
    /// # Shapes
    /// `outputs`: as for [`Metric::score`].
    ///
    /// # Errors
    /// [`InputError`] where the inputs do not fit together.
    pub fn defined_by_truth(&self, truth: &Truth<'_>, outputs: &[f64]) -> Result<Vec<bool>, InputError> {
        let TargetScores { scores, .. } = self.score_targets(truth, outputs)?;
        Ok(scores.into_iter().map(|score| !score.is_err_and(|cause| cause.lies_in_truth())).collect())
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
