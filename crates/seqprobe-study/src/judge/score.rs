//! From predictions to scores: each metric that applies, per target and macro, with its interval.

use crate::judge::independent_units::units_of;
use crate::judge::truth::{Predictions, ScoredOutputs, targets_of};
use crate::store::cell_store::CellResult;
use seqprobe_core::{Dataset, Seed, Split};
use seqprobe_report::record::{ScoreRecord, ScoredTarget};
use seqprobe_stats::{IntervalMethod, METRICS, Metric, Resampling, estimate};

/// Confidence level of every interval.
pub(crate) const LEVEL: f64 = 0.95;

/// Resampling of a split: whole clusters where the dataset has them, all rows with the same sequence together; the same
/// resamples for every cell.
pub(crate) struct SplitResampling {
    clusters: Option<Vec<u32>>,
    replicates: usize,
    seed: u64,
    /// Of the classes, else of the targets.
    names: Vec<String>,
}

impl SplitResampling {
    pub(crate) fn of(dataset: &Dataset, split: Split, replicates: usize) -> Self {
        let clusters = units_of(dataset, split);
        let seed = Seed(0).derive(&format!("bootstrap/{}/{}", dataset.id, split.as_str())).0;
        let task = &dataset.task;
        let names = if task.classes.is_empty() { &task.targets } else { &task.classes }.clone();
        Self { clusters, replicates, seed, names }
    }

    pub(crate) fn view(&self) -> Resampling<'_> {
        Resampling {
            replicates: self.replicates,
            clusters: self.clusters.as_deref(),
            seed: self.seed,
            level: LEVEL,
            method: IntervalMethod::Default,
            names: &self.names,
        }
    }
}

/// The scores of a cell, those on test first.
pub(crate) fn scores_of(dataset: &Dataset, result: &CellResult, replicates: usize) -> Vec<ScoreRecord> {
    let splits = [(Split::Test, &result.test), (Split::Valid, &result.valid)];
    let scores = splits.map(|(split, predictions)| score_split(dataset, split, predictions, replicates));
    scores.concat()
}

/// Scores on one split: every metric on test, the primary one on validation.
pub(crate) fn score_split(
    dataset: &Dataset,
    split: Split,
    predictions: &Predictions,
    replicates: usize,
) -> Vec<ScoreRecord> {
    let resampling = SplitResampling::of(dataset, split, replicates);
    let scored = targets_of(dataset, split, predictions);
    let mut records = Vec::new();
    for metric in METRICS {
        let primary = metric.id == dataset.metric;
        if split != Split::Test && !primary {
            continue;
        }
        for ScoredOutputs { target, truth, outputs } in &scored {
            if !metric.applies_to(&truth.view()) {
                continue;
            }
            let outputs: Vec<&[f64]> = outputs.iter().map(AsRef::as_ref).collect();
            let all = resampling.view();
            let names = match target {
                ScoredTarget::Column(name) if scored.len() > 1 => std::slice::from_ref(name),
                _ => all.names,
            };
            let value = estimate(metric, &truth.view(), &outputs, &Resampling { names, ..all });
            records.push(ScoreRecord {
                split,
                target: target.clone(),
                metric: metric.id.to_owned(),
                primary,
                n: value.as_ref().map_or_else(|_| truth.view().n_examples(), |estimate| estimate.n),
                value: value.into(),
            });
        }
    }
    records
}

/// Identifiers and versions of the metrics, for keys.
pub(crate) fn metric_versions() -> Vec<(&'static str, u32)> {
    METRICS.iter().map(|metric: &Metric| (metric.id, metric.version)).collect()
}
