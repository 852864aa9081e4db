//! From predictions to scores: each metric that applies, per target and macro, with its interval.

use ndarray::Array2;
use seqprobe_core::{Dataset, Seed, Split, Targets, TaskKind};
use seqprobe_report::record::ScoreRecord;
use seqprobe_stats::{IntervalMethod, METRICS, Metric, Resampling, Truth, estimate};

/// Confidence level of every interval.
pub(crate) const LEVEL: f64 = 0.95;

/// True values of one split in the form the statistics read.
pub(crate) enum OwnedTruth {
    Binary(Vec<bool>),
    Classes { labels: Vec<u32>, n_classes: usize },
    Multilabel { values: Vec<Option<bool>>, n_targets: usize },
    Regression { values: Vec<Option<f64>>, n_targets: usize },
}

impl OwnedTruth {
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
    fn n_targets(&self) -> usize {
        match self {
            Self::Binary(_) | Self::Classes { .. } => 1,
            Self::Multilabel { n_targets, .. } | Self::Regression { n_targets, .. } => *n_targets,
        }
    }

    /// One target of a multi-target task.
    fn target(&self, index: usize) -> Option<Self> {
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

/// Resampling of a split: whole clusters where the dataset has them; the same resamples for every cell.
pub(crate) struct SplitResampling {
    clusters: Option<Vec<u32>>,
    replicates: usize,
    seed: u64,
}

impl SplitResampling {
    pub(crate) fn of(dataset: &Dataset, split: Split, replicates: usize) -> Self {
        let clusters = dataset
            .clusters
            .as_ref()
            .map(|clusters| dataset.splits.rows(split).iter().map(|&row| clusters.ids()[row]).collect());
        let seed = Seed(0).derive(&format!("bootstrap/{}/{}", dataset.id, split.as_str())).0;
        Self { clusters, replicates, seed }
    }

    pub(crate) fn view(&self) -> Resampling<'_> {
        Resampling {
            replicates: self.replicates,
            clusters: self.clusters.as_deref(),
            seed: self.seed,
            level: LEVEL,
            method: IntervalMethod::Default,
        }
    }
}

/// What stands in the `target` column for a score over all targets.
pub(crate) fn overall_target(dataset: &Dataset) -> String {
    match dataset.task.targets.as_slice() {
        [one] => one.clone(),
        _ => "macro".to_owned(),
    }
}

/// Scores on one split: every metric on test, the primary one on validation.
pub(crate) fn score_split(
    dataset: &Dataset,
    split: Split,
    outputs: &[Array2<f64>],
    replicates: usize,
) -> Vec<ScoreRecord> {
    let truth = OwnedTruth::of(dataset, split);
    let resampling = SplitResampling::of(dataset, split, replicates);
    let by_seed: Vec<Vec<f64>> = outputs.iter().map(|matrix| matrix.iter().copied().collect()).collect();
    let mut records = Vec::new();
    for metric in METRICS.iter().filter(|metric| metric.applies_to(&truth.view())) {
        let primary = metric.id == dataset.metric;
        if split != Split::Test && !primary {
            continue;
        }
        let mut record = |target: String, truth: &OwnedTruth, outputs: &[Vec<f64>]| {
            let slices: Vec<&[f64]> = outputs.iter().map(Vec::as_slice).collect();
            let result = estimate(metric, &truth.view(), &slices, &resampling.view());
            let n = match &result {
                Ok(estimate) => estimate.n,
                Err(_) => truth.view().n_examples(),
            };
            records.push(ScoreRecord {
                split: split.as_str().to_owned(),
                target,
                metric: metric.id.to_owned(),
                primary,
                n,
                value: result.into(),
            });
        };
        record(overall_target(dataset), &truth, &by_seed);
        let n_targets = truth.n_targets();
        if n_targets > 1 {
            for (index, name) in dataset.task.targets.iter().enumerate() {
                if let Some(column) = truth.target(index) {
                    let outputs: Vec<Vec<f64>> = by_seed
                        .iter()
                        .map(|values| values.iter().skip(index).step_by(n_targets).copied().collect())
                        .collect();
                    record(name.clone(), &column, &outputs);
                }
            }
        }
    }
    records
}

/// Identifiers and versions of the metrics, for keys.
pub(crate) fn metric_versions() -> Vec<(&'static str, u32)> {
    METRICS.iter().map(|metric: &Metric| (metric.id, metric.version)).collect()
}
