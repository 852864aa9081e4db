//! What lies behind the scores of a finished run, as points for the reports: the best cell of each representation by
//! validation, and how representations rank over the suite.

use crate::judge::filled_cell::{FilledCell, best_of_each};
use crate::judge::truth::{Predictions, TruthLabels};
use crate::store::cell_store::CellResult;
use ndarray::Array2;
use seqprobe_core::{Dataset, Split};
use seqprobe_report::diagnostics::{CalibrationPoint, DiagnosticData, Diagnostics, RankRecord};
use seqprobe_report::record::Role;
use seqprobe_report::{point, primary_test_score};
use seqprobe_stats::{PairTest, calibration, metric, precision_at, rank_methods, roc_at};
use std::sync::Arc;

/// Points on a curve.
const CURVE_POINTS: u32 = 40;
/// Ranges of predicted probability.
const RANGES: usize = 10;
/// Most points of a scatter plot.
const MAX_POINTS: usize = 300;
/// Most classes of a confusion matrix.
const MAX_CLASSES: usize = 20;
/// Rank differences are told apart at this level.
const ALPHA: f64 = 0.05;

/// The best cells of a dataset: models first, then baselines, then controls.
pub(crate) fn of_dataset(dataset: &Dataset, cells: &[FilledCell]) -> Vec<Diagnostics> {
    let truth = TruthLabels::of(dataset, Split::Test);
    let mut best = best_of_each(cells);
    best.sort_by_key(|cell| match cell.record.role {
        Role::Model => 0,
        Role::Baseline => 1,
        Role::Control | Role::Rule | Role::Reference | Role::Oracle => 2,
    });
    best.into_iter()
        .filter_map(|cell| {
            let result = cell.result.as_ref()?;
            let shown = shown(dataset, &truth, result)?;
            Some(Diagnostics {
                cell: cell.record.id.clone(),
                role: cell.record.role,
                n_seeds: result.test.fits().len(),
                shown,
            })
        })
        .collect()
}

fn shown(dataset: &Dataset, truth: &TruthLabels, result: &CellResult) -> Option<DiagnosticData> {
    match truth {
        TruthLabels::Binary(labels) => binary(labels, &result.test),
        TruthLabels::Classes { labels, n_classes } if *n_classes <= MAX_CLASSES => {
            Some(DiagnosticData::Multiclass { confusion: confusion(labels, *n_classes, result.test.fits()) })
        }
        TruthLabels::Regression { values, n_targets } => {
            let target = dataset.task.targets.first()?.clone();
            let known: Vec<[f64; 2]> = values
                .iter()
                .step_by(*n_targets)
                .enumerate()
                .filter_map(|(row, value)| Some([(*value)?, mean(result.test.fits(), row)]))
                .collect();
            let n = known.len();
            let points =
                known.iter().step_by(n.div_ceil(MAX_POINTS).max(1)).map(|point| point.map(rounded)).collect();
            Some(DiagnosticData::Regression { target, points, n })
        }
        TruthLabels::Classes { .. } | TruthLabels::Multilabel { .. } => None,
    }
}

fn binary(labels: &[bool], outputs: &Predictions) -> Option<DiagnosticData> {
    let by_seed = outputs.slices();
    let grid = |first: u32| -> Vec<f64> {
        (first..=CURVE_POINTS).map(|step| f64::from(step) / f64::from(CURVE_POINTS)).collect()
    };
    let (rates, recalls) = (grid(0), grid(1));
    let roc: Option<Vec<Vec<f64>>> = by_seed.iter().map(|scores| roc_at(scores, labels, &rates)).collect();
    let precision: Option<Vec<Vec<f64>>> =
        by_seed.iter().map(|scores| precision_at(scores, labels, &recalls)).collect();
    let bins = calibration(&by_seed, labels, RANGES).into_iter().map(|bin| CalibrationPoint {
        predicted: rounded(bin.predicted),
        observed: rounded(bin.observed),
        lower: rounded(bin.lower),
        upper: rounded(bin.upper),
        n: bin.n,
    });
    let as_classes: Vec<u32> = labels.iter().map(|&label| u32::from(label)).collect();
    Some(DiagnosticData::Binary {
        roc: mean_curve(&rates, &roc?),
        precision_recall: mean_curve(&recalls, &precision?),
        share_positive: rounded(labels.iter().filter(|&&label| label).count() as f64 / labels.len() as f64),
        calibration: bins.collect(),
        confusion: confusion(&as_classes, 2, outputs.fits()),
    })
}

fn mean_curve(across: &[f64], curves: &[Vec<f64>]) -> Vec<[f64; 2]> {
    let up = |place: usize| curves.iter().map(|curve| curve[place]).sum::<f64>() / curves.len() as f64;
    across.iter().enumerate().map(|(place, &x)| [x, rounded(up(place))]).collect()
}

/// Mean over seeds of the examples by true and decided class.
fn confusion(labels: &[u32], n_classes: usize, outputs: &[Array2<f64>]) -> Vec<Vec<f64>> {
    let mut counts = vec![vec![0.0; n_classes]; n_classes];
    for matrix in outputs {
        for (row, &label) in matrix.rows().into_iter().zip(labels) {
            let decided = match row.as_slice() {
                Some([probability]) => usize::from(*probability >= 0.5),
                _ => {
                    let most = row.iter().enumerate().max_by(|(_, left), (_, right)| left.total_cmp(right));
                    most.map_or(0, |(class, _)| class)
                }
            };
            counts[label as usize][decided] += 1.0 / outputs.len() as f64;
        }
    }
    counts
}

fn mean(outputs: &[Array2<f64>], row: usize) -> f64 {
    outputs.iter().map(|matrix| matrix[(row, 0)]).sum::<f64>() / outputs.len() as f64
}

/// Four digits: what a drawing can show.
fn rounded(value: f64) -> f64 {
    let scale = 10_f64.powi(4 - value.abs().max(1e-4).log10().ceil() as i32);
    (value * scale).round() / scale
}

/// Ranks of the representations that every dataset scored; `None` for fewer than two datasets or representations.
pub(crate) fn ranks(datasets: &[(Arc<Dataset>, Vec<FilledCell>)]) -> Option<RankRecord> {
    let scores: Vec<Vec<(String, f64)>> = datasets
        .iter()
        .map(|(dataset, cells)| {
            let sign =
                if metric(&dataset.metric).is_none_or(|metric| metric.higher_is_better) { 1.0 } else { -1.0 };
            best_of_each(cells)
                .into_iter()
                .filter_map(|cell| {
                    Some((
                        cell.record.id.representation.to_string(),
                        sign * point(&primary_test_score(&cell.record)?.value)?,
                    ))
                })
                .collect()
        })
        .collect();
    let has = |row: &Vec<(String, f64)>, name: &str| {
        row.iter().find(|(other, _)| other == name).map(|(_, score)| *score)
    };
    let representations: Vec<String> = scores
        .first()?
        .iter()
        .map(|(name, _)| name.clone())
        .filter(|name| scores.iter().all(|row| has(row, name).is_some()))
        .collect();
    let table: Vec<Vec<f64>> =
        scores.iter().map(|row| representations.iter().filter_map(|name| has(row, name)).collect()).collect();
    let by_rank = rank_methods(&table, true, PairTest::Nemenyi, ALPHA)?;
    let by_pair = rank_methods(&table, true, PairTest::WilcoxonHolm, ALPHA)?;
    Some(RankRecord {
        representations,
        average_ranks: by_rank.average_ranks,
        n_datasets: by_rank.n_datasets,
        friedman_p: by_rank.friedman_p,
        critical_difference: by_rank.critical_difference?,
        groups: by_rank.groups,
        pairs: by_pair.pairs,
        note: by_pair.note,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn confusion_is_the_mean_over_seeds() {
        let outputs = [array![[0.2], [0.9], [0.5]], array![[0.6], [0.9], [0.4]]];
        assert_eq!(confusion(&[0, 1, 1], 2, &outputs), [[0.5, 0.5], [0.5, 1.5]]);
        let three = [array![[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]]];
        assert_eq!(confusion(&[1, 2], 3, &three), [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]);
    }

    #[test]
    fn rounding_keeps_four_digits() {
        for (value, wanted) in
            [(0.123_456, 0.1235), (1234.56, 1235.0), (-0.001_234_56, -0.001_235), (0.0, 0.0)]
        {
            assert!((rounded(value) - wanted).abs() < 1e-12, "{value} became {}", rounded(value));
        }
    }
}
