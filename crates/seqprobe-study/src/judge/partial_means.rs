//! Means over targets or classes that leave some of them out: those of which the true values of the split have only one.

use crate::judge::truth::{TruthLabels, overall_target};
use seqprobe_core::{Dataset, Split, TaskKind};
use seqprobe_report::record::{ScoreRecord, ScoreValue, Warning};
use seqprobe_stats::metric;

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

impl PartialMean {
    /// What the mean of the primary metric over a split leaves out; `None` where it is over all.
    pub(crate) fn of(dataset: &Dataset, split: Split) -> Option<Self> {
        let task = &dataset.task;
        let (names, what) = match task.kind {
            TaskKind::Binary => return None,
            TaskKind::Multiclass => (&task.classes, "classes"),
            TaskKind::Multilabel | TaskKind::Regression => (&task.targets, "targets"),
        };
        let truth = TruthLabels::of(dataset, split);
        let truth = truth.view();
        // A probability of every class; the outputs do not matter.
        let outputs = vec![1.0 / names.len() as f64; truth.n_examples() * truth.n_outputs()];
        let defined = metric(&dataset.metric)?.defined_by_truth(&truth, &outputs).ok()?;
        if defined.len() != names.len() {
            return None;
        }
        let left_out: Vec<String> = names
            .iter()
            .zip(defined)
            .filter(|(_, is_defined)| !is_defined)
            .map(|(name, _)| name.clone())
            .collect();
        let of = names.len();
        (!left_out.is_empty() && left_out.len() < of).then_some(Self { left_out, of, what })
    }

    /// `1 of 2 targets`.
    pub(crate) fn flag(&self) -> String {
        format!("{} of {} {}", self.of - self.left_out.len(), self.of, self.what)
    }
}

/// Flags the scores that are such means.
pub(crate) fn flag_partial_means(dataset: &Dataset, scores: &mut [ScoreRecord]) {
    let overall = overall_target(dataset);
    let partial = Split::ALL.map(|split| PartialMean::of(dataset, split));
    for score in scores.iter_mut().filter(|score| score.target == overall && score.primary) {
        let partial = Split::ALL.into_iter().zip(&partial).find(|(split, _)| *split == score.split);
        if let (Some((_, Some(partial))), ScoreValue::Estimate(estimate)) = (partial, &mut score.value) {
            estimate.flags.insert(0, partial.flag());
        }
    }
}

/// The warning of a dataset whose primary metric is such a mean.
pub(crate) fn partial_mean_warning(dataset: &Dataset) -> Option<Warning> {
    let partial = PartialMean::of(dataset, Split::Test)?;
    Some(Warning::PartialMean {
        dataset: dataset.id.clone(),
        metric: dataset.metric.clone(),
        scored: partial.of - partial.left_out.len(),
        of: partial.of,
        what: partial.what.to_owned(),
        left_out: partial.left_out,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_fixtures::dataset;
    use ndarray::Array2;
    use seqprobe_core::{Targets, Task};

    /// Two targets with 10 test examples; `value` gives the second.
    fn two_targets(kind: TaskKind, metric: &str, value: impl Fn(usize) -> Option<f64>) -> Dataset {
        let plain = dataset(10, false);
        let n = plain.n_examples();
        let values = Array2::from_shape_fn((n, 2), |(row, target)| match target {
            0 => Some((row % 2) as f64),
            _ => value(row),
        });
        Dataset {
            task: Task { kind, targets: vec!["a".to_owned(), "b".to_owned()], classes: Vec::new() },
            metric: metric.to_owned(),
            targets: Targets::Values { values },
            ..plain
        }
    }

    #[test]
    fn targets_without_a_score_are_named() {
        let flag = |dataset: &Dataset| PartialMean::of(dataset, Split::Test).map(|partial| partial.flag());
        let one = |row: usize| Some(f64::from(u8::from(row < 85 && row.is_multiple_of(3))));
        let both = |row: usize| Some(f64::from(u8::from(row.is_multiple_of(3))));
        let labels = |metric: &str| two_targets(TaskKind::Multilabel, metric, one);
        assert_eq!(flag(&labels("auroc")).as_deref(), Some("1 of 2 targets"));
        assert_eq!(PartialMean::of(&labels("mcc"), Split::Test).unwrap().left_out, ["b"]);
        assert_eq!(flag(&labels("accuracy")), None);
        assert_eq!(PartialMean::of(&labels("auroc"), Split::Train), None);
        assert_eq!(flag(&two_targets(TaskKind::Multilabel, "auroc", both)), None);
        let numbers = |value: fn(usize) -> Option<f64>| two_targets(TaskKind::Regression, "pearson", value);
        assert_eq!(flag(&numbers(|_| Some(0.5))).as_deref(), Some("1 of 2 targets"));
        assert_eq!(flag(&numbers(|row| (row < 85).then_some(row as f64))).as_deref(), Some("1 of 2 targets"));
        assert_eq!(flag(&numbers(|row| Some(row as f64))), None);
        assert_eq!(flag(&dataset(10, false)), None);
        let Some(Warning::PartialMean { left_out, scored, of, .. }) = partial_mean_warning(&labels("auroc"))
        else {
            panic!("a warning")
        };
        assert_eq!((left_out, scored, of), (vec!["b".to_owned()], 1, 2));
    }
}
