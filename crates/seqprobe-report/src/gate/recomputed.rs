//! Are the accepted points those of the accepted predictions? A merge of two baselines, or a hand, may change the one
//! without the other.
//!
//! Baselines keep predictions as 32-bit floats, the points were computed from 64-bit ones. Rounding can make two equal,
//! or move one over a threshold, so a metric is computed several times, with every prediction moved by what rounding may
//! have taken off: towards the truth, away from it, and as stored. The accepted point must lie within these values.

use super::baseline::{BaselineCell, OpenBaseline};
use super::run_comparison::{dataset_of, with_truth};
use crate::record::{DatasetRecord, RunRecord, ScoredTarget};
use crate::run_folder::predictions::{CellPredictions, OutputName, SplitPredictions};
use seqprobe_core::TaskKind;
use seqprobe_stats::{Metric, metric};
use std::cmp::Ordering;

/// Half of the distance between two 32-bit floats, as a share of their size: the most that rounding changes.
const ROUNDING: f64 = 1.0 / 16_777_216.0;
/// Share of a point that other orders of the same sums may change.
const SUMMATION: f64 = 1e-6;

/// What the recomputation found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Recomputed {
    /// Why the first point cannot be recomputed, and how many cannot.
    pub(super) left_out: Option<(usize, String)>,
    /// The accepted points that do not fit.
    pub(super) wrong: Vec<WrongPoint>,
}

/// A point that is not the score of its predictions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct WrongPoint {
    pub(super) cell: String,
    pub(super) metric: String,
    pub(super) accepted: f64,
    pub(super) recomputed: f64,
}

/// Recomputes every accepted point that can be recomputed; nothing where the predictions are not there.
pub(super) fn recompute(record: &RunRecord, open: &OpenBaseline) -> Recomputed {
    let mut found = Recomputed::default();
    let Some(predictions) = &open.predictions else { return found };
    for cell in &open.baseline.cells {
        let id = cell.id();
        let range = dataset_of(record, &id)
            .ok_or_else(|| format!("the run has no dataset {:?}", id.dataset))
            .and_then(|dataset| {
                let stored = predictions.get(&id).ok_or("the baseline has no predictions of this cell")?;
                Ok((dataset, stored))
            })
            .and_then(|(dataset, stored)| {
                range_of(dataset, cell, stored).ok_or_else(|| {
                    format!("{} of {} is not defined for the stored predictions", cell.metric, cell.target)
                })
            });
        match range {
            Ok(range) if !range.holds(cell.point) => found.wrong.push(WrongPoint {
                cell: id.to_string(),
                metric: cell.metric.clone(),
                accepted: cell.point,
                recomputed: range.as_stored,
            }),
            Ok(_) => {}
            Err(reason) => {
                let (count, _) = found.left_out.get_or_insert_with(|| (0, format!("{id}: {reason}")));
                *count += 1;
            }
        }
    }
    found
}

/// The values of a metric that rounding allows.
struct Range {
    as_stored: f64,
    low: f64,
    high: f64,
}

impl Range {
    fn holds(&self, point: f64) -> bool {
        let slack = SUMMATION * self.low.abs().max(self.high.abs()).max(f64::MIN_POSITIVE);
        (self.low - slack..=self.high + slack).contains(&point)
    }
}

/// The mean over seeds, as stored and with what rounding may have taken off; `None` where the metric is undefined.
fn range_of(dataset: &DatasetRecord, cell: &BaselineCell, stored: &CellPredictions) -> Option<Range> {
    let metric = metric(&cell.metric)?;
    let split = stored.splits.iter().find(|split| split.split == "test")?;
    let scored = Scored::of(dataset.task, &cell.target, &stored.outputs, split)?;
    let ranks = scaled_ranks(&scored.truth);
    let toward = |value: f64, place: usize| match scored.truth[place] {
        Some(truth) if truth > value => 1.0,
        Some(truth) if truth < value => -1.0,
        _ => 0.0,
    };
    let moves: [&dyn Fn(f64, usize) -> f64; 5] = [
        &|_, _| 0.0,
        &toward,
        &|value, place| -toward(value, place),
        &|_, place| ranks[place],
        &|_, place| -ranks[place],
    ];
    let scores: Option<Vec<f64>> = moves.iter().map(|by| scored.mean(metric, by)).collect();
    let scores = scores?;
    Some(Range {
        as_stored: *scores.first()?,
        low: scores.iter().copied().fold(f64::INFINITY, f64::min),
        high: scores.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

/// What a score is computed from: true values, and the predictions of each seed.
struct Scored {
    task: TaskKind,
    n_outputs: usize,
    truth: Vec<Option<f64>>,
    seeds: Vec<Vec<f64>>,
}

impl Scored {
    /// All outputs, or those of one target of several.
    fn of(
        task: TaskKind,
        target: &ScoredTarget,
        outputs: &[OutputName],
        split: &SplitPredictions,
    ) -> Option<Self> {
        let n_outputs = outputs.len();
        let fits = match task {
            TaskKind::Binary => n_outputs == 1,
            TaskKind::Multiclass => n_outputs > 1,
            TaskKind::Multilabel | TaskKind::Regression => n_outputs > 0,
        };
        if !fits {
            return None;
        }
        let chosen = match (task, target) {
            (TaskKind::Multilabel | TaskKind::Regression, ScoredTarget::Column(name)) => {
                Some(outputs.iter().position(|output| output.target == *name)?)
            }
            _ => None,
        };
        let seeds = split.seeds.iter().map(|seed| &seed.values);
        Some(match chosen {
            None => Self { task, n_outputs, truth: split.truth.to_vec(), seeds: seeds.cloned().collect() },
            Some(column) => Self {
                task,
                n_outputs: 1,
                truth: split.truth.iter().skip(column).step_by(n_outputs).copied().collect(),
                seeds: seeds
                    .map(|values| values.iter().skip(column).step_by(n_outputs).copied().collect())
                    .collect(),
            },
        })
    }

    /// The mean score over seeds of moved predictions.
    fn mean(&self, metric: &Metric, by: &dyn Fn(f64, usize) -> f64) -> Option<f64> {
        let scores = self.seeds.iter().map(|values| {
            let moved: Vec<f64> = values
                .iter()
                .enumerate()
                .map(|(place, &value)| value + by(value, place) * value.abs() * ROUNDING)
                .collect();
            with_truth(self.task, &self.truth, self.n_outputs, |truth| metric.score(truth, &moved).ok())
        });
        let scores: Option<Vec<f64>> = scores.collect();
        let scores = scores.filter(|scores| !scores.is_empty())?;
        Some(scores.iter().sum::<f64>() / scores.len() as f64)
    }
}

/// The rank of each true value, from -1 to 1.
fn scaled_ranks(truth: &[Option<f64>]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..truth.len()).collect();
    order.sort_by(|&one, &other| truth[one].partial_cmp(&truth[other]).unwrap_or(Ordering::Equal));
    let mut ranks = vec![0.0; truth.len()];
    let mut rank: usize = 0;
    let mut highest: usize = 0;
    let mut before: Option<usize> = None;
    for place in order {
        if before.is_some_and(|before| truth[before] != truth[place]) {
            rank += 1;
        }
        ranks[place] = rank as f64;
        highest = rank;
        before = Some(place);
    }
    let half = (highest.max(1) as f64) / 2.0;
    ranks.iter().map(|rank| rank / half - 1.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_go_from_minus_one_to_one_and_equal_values_share_them() {
        assert_eq!(scaled_ranks(&[Some(7.0), Some(1.0), Some(3.0), Some(1.0)]), [1.0, -1.0, 0.0, -1.0]);
        assert_eq!(scaled_ranks(&[None, Some(2.0)]), [-1.0, 1.0]);
    }

    #[test]
    fn what_rounding_made_equal_is_still_the_score_of_these_predictions() {
        // As 64-bit numbers the first is larger; as 32-bit numbers both are 1.
        let exact = [1.0 - 1e-12, 1.0 - 2e-12, 0.25, 0.5 - 1e-12];
        let truth = [Some(1.0), Some(0.0), Some(0.0), Some(1.0)];
        let stored = exact.map(|value| f64::from(value as f32)).to_vec();
        let scored =
            Scored { task: TaskKind::Binary, n_outputs: 1, truth: truth.to_vec(), seeds: vec![stored] };
        let labels = [true, false, false, true];
        for id in ["auroc", "mcc", "log-loss", "average-precision"] {
            let metric = metric(id).unwrap();
            let point = metric.score(&seqprobe_stats::Truth::Binary(&labels), &exact).unwrap();
            let ranks = scaled_ranks(&scored.truth);
            let at = |sign: f64| scored.mean(metric, &|_, place| sign * ranks[place]).unwrap();
            let range = Range {
                as_stored: at(0.0),
                low: at(-1.0).min(at(1.0)).min(at(0.0)),
                high: at(1.0).max(at(-1.0)).max(at(0.0)),
            };
            assert!(range.holds(point), "{id}: {point} in {} to {}", range.low, range.high);
            // Rounding to 1 leaves a log-loss of these predictions open by some units, never by fifty.
            assert!(!range.holds(point + 50.0) && !range.holds(point - 50.0), "{id}");
        }
    }
}
