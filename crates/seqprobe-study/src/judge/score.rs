//! From predictions to scores: each metric that applies, per target and macro, with its interval.

use crate::judge::truth::{Predictions, TruthLabels};
use seqprobe_core::{Dataset, Seed, Split};
use seqprobe_report::record::{ScoreRecord, ScoredTarget};
use seqprobe_stats::{IntervalMethod, METRICS, Metric, Resampling, estimate};

/// Confidence level of every interval.
pub(crate) const LEVEL: f64 = 0.95;

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

/// What a score over all targets is about.
pub(crate) fn overall_target(dataset: &Dataset) -> ScoredTarget {
    match dataset.task.targets.as_slice() {
        [one] => ScoredTarget::Column(one.clone()),
        _ => ScoredTarget::Macro,
    }
}

/// Scores on one split: every metric on test, the primary one on validation.
pub(crate) fn score_split(
    dataset: &Dataset,
    split: Split,
    predictions: &Predictions,
    replicates: usize,
) -> Vec<ScoreRecord> {
    let truth = TruthLabels::of(dataset, split);
    let resampling = SplitResampling::of(dataset, split, replicates);
    let mut records = Vec::new();
    for metric in METRICS.iter().filter(|metric| metric.applies_to(&truth.view())) {
        let primary = metric.id == dataset.metric;
        if split != Split::Test && !primary {
            continue;
        }
        let mut record = |target: ScoredTarget, truth: &TruthLabels, outputs: &[&[f64]]| {
            let result = estimate(metric, &truth.view(), outputs, &resampling.view());
            let n = match &result {
                Ok(estimate) => estimate.n,
                Err(_) => truth.view().n_examples(),
            };
            let metric = metric.id.to_owned();
            records.push(ScoreRecord { split, target, metric, primary, n, value: result.into() });
        };
        record(overall_target(dataset), &truth, &predictions.slices());
        let n_targets = truth.n_targets();
        if n_targets > 1 {
            for (index, name) in dataset.task.targets.iter().enumerate() {
                if let Some(column) = truth.target(index) {
                    let outputs = predictions.column(index, n_targets);
                    let outputs: Vec<&[f64]> = outputs.iter().map(Vec::as_slice).collect();
                    record(ScoredTarget::Column(name.clone()), &column, &outputs);
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
