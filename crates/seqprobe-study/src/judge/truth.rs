//! What cells predict, and what is true: the two sides of every score.

use ndarray::Array2;
use seqprobe_core::{Dataset, Split, Targets, TaskKind};
use seqprobe_report::record::ScoredTarget;
use seqprobe_stats::Truth;
use std::borrow::Cow;

/// Predictions of the fits of a cell on one split.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Predictions(Vec<Array2<f64>>);

impl Predictions {
    /// # Shapes
    /// `[examples, outputs]` per fit
    pub(crate) fn new(fits: Vec<Array2<f64>>) -> Self {
        let rows_in_order = |matrix: Array2<f64>| match matrix.is_standard_layout() {
            true => matrix,
            false => matrix.as_standard_layout().into_owned(),
        };
        Self(fits.into_iter().map(rows_in_order).collect())
    }

    /// # Shapes
    /// `[examples, outputs]` per fit
    pub(crate) fn fits(&self) -> &[Array2<f64>] {
        &self.0
    }

    /// The values of each fit, row by row.
    pub(crate) fn slices(&self) -> Vec<&[f64]> {
        // Never empty of a slice: `new` puts the rows in order.
        self.0.iter().map(|matrix| matrix.as_slice().unwrap_or_default()).collect()
    }

    /// The values of the only fit; `None` where there are several.
    pub(crate) fn only(&self) -> Option<&[f64]> {
        match self.slices()[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    /// One output of a task with `n` outputs, of each fit.
    pub(crate) fn column(&self, index: usize, n: usize) -> Vec<Vec<f64>> {
        let column = |values: &[f64]| values.iter().skip(index).step_by(n).copied().collect();
        self.slices().into_iter().map(column).collect()
    }

    /// True when every fit predicts the same for all examples.
    pub(crate) fn are_constant(&self) -> bool {
        let is_constant = |matrix: &Array2<f64>| {
            let mut columns = matrix.columns().into_iter();
            columns.all(|column| column.iter().all(|value| Some(value) == column.first()))
        };
        !self.0.is_empty() && self.0.iter().all(is_constant)
    }
}

/// The true values of a split as the files of predictions have them: classes as 0 and 1, one column per class.
///
/// # Shapes
/// `[examples, outputs]`, row-major
pub(crate) fn truth_columns(dataset: &Dataset, split: Split) -> Vec<Option<f64>> {
    match dataset.targets.select(dataset.splits.rows(split)) {
        Targets::Classes { labels, .. } if dataset.task.kind == TaskKind::Binary => {
            labels.iter().map(|&label| Some(f64::from(label))).collect()
        }
        Targets::Classes { labels, n_classes } => {
            let is_class = |label: u32, class: usize| Some(f64::from(u8::from(class == label as usize)));
            let row = |&label: &u32| (0..n_classes).map(move |class| is_class(label, class));
            labels.iter().flat_map(row).collect()
        }
        Targets::Values { values } => values.iter().copied().collect(),
    }
}

/// What a score over all targets is about.
pub(crate) fn overall_target(dataset: &Dataset) -> ScoredTarget {
    match dataset.task.targets.as_slice() {
        [one] => ScoredTarget::Column(one.clone()),
        _ => ScoredTarget::Macro,
    }
}

/// What is scored of a split: a target, its true values, and what each fit predicts for it.
pub(crate) struct ScoredOutputs<'p> {
    pub(crate) target: ScoredTarget,
    pub(crate) truth: TruthLabels,
    pub(crate) outputs: Vec<Cow<'p, [f64]>>,
}

/// All targets of a split together, then one by one where there are several.
pub(crate) fn targets_of<'p>(
    dataset: &Dataset,
    split: Split,
    predictions: &'p Predictions,
) -> Vec<ScoredOutputs<'p>> {
    let truth = TruthLabels::of(dataset, split);
    let n_targets = truth.n_targets();
    let mut each = Vec::new();
    if n_targets > 1 {
        for (index, name) in dataset.task.targets.iter().enumerate() {
            if let Some(truth) = truth.target(index) {
                let outputs = predictions.column(index, n_targets).into_iter().map(Cow::Owned).collect();
                each.push(ScoredOutputs { target: ScoredTarget::Column(name.clone()), truth, outputs });
            }
        }
    }
    let outputs = predictions.slices().into_iter().map(Cow::Borrowed).collect();
    let all = ScoredOutputs { target: overall_target(dataset), truth, outputs };
    std::iter::once(all).chain(each).collect()
}

/// The true values of one split, in the form that the statistics read.
pub(crate) enum TruthLabels {
    Binary(Vec<bool>),
    Classes { labels: Vec<u32>, n_classes: usize },
    Multilabel { values: Vec<Option<bool>>, n_targets: usize },
    Regression { values: Vec<Option<f64>>, n_targets: usize },
}

impl TruthLabels {
    /// The true values of a split.
    pub(crate) fn of(dataset: &Dataset, split: Split) -> Self {
        match (dataset.targets.select(dataset.splits.rows(split)), dataset.task.kind) {
            (Targets::Classes { labels, .. }, TaskKind::Binary) => {
                Self::Binary(labels.iter().map(|&label| label == 1).collect())
            }
            (Targets::Classes { labels, n_classes }, _) => Self::Classes { labels, n_classes },
            (Targets::Values { values }, TaskKind::Multilabel) => {
                let n_targets = values.ncols();
                Self::Multilabel {
                    values: values.iter().map(|value| value.map(|value| value >= 0.5)).collect(),
                    n_targets,
                }
            }
            (Targets::Values { values }, _) => {
                let n_targets = values.ncols();
                Self::Regression { values: values.iter().copied().collect(), n_targets }
            }
        }
    }

    /// Borrowed.
    pub(crate) fn view(&self) -> Truth<'_> {
        match self {
            Self::Binary(labels) => Truth::Binary(labels),
            Self::Classes { labels, n_classes } => Truth::Classes { labels, n_classes: *n_classes },
            Self::Multilabel { values, n_targets } => Truth::Multilabel { values, n_targets: *n_targets },
            Self::Regression { values, n_targets } => Truth::Regression { values, n_targets: *n_targets },
        }
    }

    /// Number of targets that are scored one by one; 1 for binary and multiclass.
    pub(crate) fn n_targets(&self) -> usize {
        match self {
            Self::Binary(_) | Self::Classes { .. } => 1,
            Self::Multilabel { n_targets, .. } | Self::Regression { n_targets, .. } => *n_targets,
        }
    }

    /// One target of a multi-target task.
    pub(crate) fn target(&self, index: usize) -> Option<Self> {
        fn column<T: Copy>(values: &[T], n_targets: usize, index: usize) -> Vec<T> {
            values.iter().skip(index).step_by(n_targets).copied().collect()
        }
        match self {
            Self::Binary(_) | Self::Classes { .. } => None,
            Self::Multilabel { values, n_targets } => {
                Some(Self::Multilabel { values: column(values, *n_targets, index), n_targets: 1 })
            }
            Self::Regression { values, n_targets } => {
                Some(Self::Regression { values: column(values, *n_targets, index), n_targets: 1 })
            }
        }
    }
}
