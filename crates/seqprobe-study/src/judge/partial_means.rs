//! Means over targets or classes that leave some of them out: those of which the true values of the split have only one.

use crate::judge::truth::overall_target;
use seqprobe_core::{Dataset, Split, Targets, TaskKind};
use seqprobe_report::record::{ScoreRecord, ScoreValue, Warning};

/// What a mean is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartialMean {
    /// Names of the targets or classes that are left out.
    pub(crate) left_out: Vec<String>,
    /// All of them.
    pub(crate) of: usize,
    /// `targets` or `classes`.
    pub(crate) what: &'static str,
}

/// Metrics that are the mean over classes, each against the rest.
const ONE_AGAINST_REST: &[&str] = &["auroc", "average-precision"];

impl PartialMean {
    /// What the mean of a metric over the true values of a split leaves out; `None` where it is over all.
    pub(crate) fn of(dataset: &Dataset, split: Split, metric: &str) -> Option<Self> {
        let rows = dataset.splits.rows(split);
        let (left_out, of, what) = match (&dataset.targets, dataset.task.kind) {
            (Targets::Classes { labels, n_classes }, TaskKind::Multiclass) if ONE_AGAINST_REST.contains(&metric) => {
                let n_of = |class: usize| rows.iter().filter(|&&row| labels[row] as usize == class).count();
                let is_out = |class: &usize| matches!(n_of(*class), n if n == 0 || n == rows.len());
                let names = (0..*n_classes).filter(is_out).map(|class| dataset.task.classes[class].clone());
                (names.collect::<Vec<_>>(), *n_classes, "classes")
            }
            (Targets::Values { values }, kind) if values.ncols() > 1 => {
                let needs_two = !NEEDS_ONE_VALUE.contains(&metric);
                let is_out = |target: &usize| {
                    let mut known = rows.iter().filter_map(|&row| values[[row, *target]]);
                    let Some(first) = known.next() else { return true };
                    let is_same = |value: f64| match kind {
                        TaskKind::Multilabel => (value >= 0.5) == (first >= 0.5),
                        _ => value.total_cmp(&first).is_eq(),
                    };
                    needs_two && known.all(is_same)
                };
                let names = (0..values.ncols()).filter(is_out).map(|target| dataset.task.targets[target].clone());
                (names.collect(), values.ncols(), "targets")
            }
            _ => return None,
        };
        (!left_out.is_empty() && left_out.len() < of).then_some(Self { left_out, of, what })
    }

    /// `1 of 2 targets`.
    pub(crate) fn flag(&self) -> String {
        format!("{} of {} {}", self.of - self.left_out.len(), self.of, self.what)
    }
}

/// Metrics that true values of one label or of one number define.
const NEEDS_ONE_VALUE: &[&str] = &["accuracy", "macro-f1", "log-loss", "brier", "rmse", "mse"];

/// Flags the scores that are such means.
pub(crate) fn flag_partial_means(dataset: &Dataset, scores: &mut [ScoreRecord]) {
    let overall = overall_target(dataset);
    for score in scores.iter_mut().filter(|score| score.target == overall) {
        if let (Some(partial), ScoreValue::Estimate(estimate)) =
            (PartialMean::of(dataset, score.split, &score.metric), &mut score.value)
        {
            estimate.flags.insert(0, partial.flag());
        }
    }
}

/// The warning of a dataset whose primary metric is such a mean.
pub(crate) fn partial_mean_warning(dataset: &Dataset) -> Option<Warning> {
    let partial = PartialMean::of(dataset, Split::Test, &dataset.metric)?;
    Some(Warning::PartialMean {
        dataset: dataset.id.clone(),
        metric: dataset.metric.clone(),
        scored: partial.of - partial.left_out.len(),
        of: partial.of,
        what: partial.what.to_owned(),
        left_out: partial.left_out,
    })
}
