//! Predictions without a probe: the training split's class frequencies or mean, ready predictions of a file, and the
//! oracle of a simulated task.

use crate::judge::truth::Predictions;
use crate::store::cell_store::CellResult;
use ndarray::{Array2, Axis};
use seqprobe_core::{Dataset, FitReport, Split, Targets, TaskKind};
use seqprobe_data::{DataError, ReadyPredictions};
use seqprobe_report::record::SeedFit;

/// Predictions of the constant control for a dataset.
pub(crate) fn constant_cell(dataset: &Dataset) -> CellResult {
    let outputs = constant_outputs(dataset);
    let repeat = |split| {
        let n = dataset.splits.rows(split).len();
        Array2::from_shape_fn((n, outputs.len()), |(_, column)| outputs[column])
    };
    let report = FitReport { n_parameters: outputs.len() as u64, ..FitReport::default() };
    without_probe(report, repeat(Split::Valid), repeat(Split::Test))
}

/// Predictions of the true generating model.
pub(crate) fn oracle_cell(dataset: &Dataset, oracle: &Array2<f64>) -> CellResult {
    let take = |split| oracle.select(Axis(0), dataset.splits.rows(split));
    without_probe(FitReport::default(), take(Split::Valid), take(Split::Test))
}

/// Ready predictions.
pub(crate) fn ready_cell(dataset: &Dataset, predictions: &ReadyPredictions) -> Result<CellResult, DataError> {
    let of = |split| predictions.of(dataset, dataset.splits.rows(split));
    Ok(without_probe(FitReport::default(), of(Split::Valid)?, of(Split::Test)?))
}

/// The cell of predictions that no probe made.
pub(crate) fn without_probe(report: FitReport, valid: Array2<f64>, test: Array2<f64>) -> CellResult {
    CellResult {
        fits: vec![SeedFit { seed: 0, report }],
        valid: Predictions::new(vec![valid]),
        test: Predictions::new(vec![test]),
        probes: Vec::new(),
        width: None,
        seconds: 0.0,
        cost: None,
    }
}

fn constant_outputs(dataset: &Dataset) -> Vec<f64> {
    match dataset.targets.select(&dataset.splits.train) {
        Targets::Classes { labels, n_classes } => {
            let share = |class: usize| {
                labels.iter().filter(|&&label| label as usize == class).count() as f64 / labels.len() as f64
            };
            if dataset.task.kind == TaskKind::Binary {
                vec![share(1)]
            } else {
                (0..n_classes).map(share).collect()
            }
        }
        Targets::Values { values } => values
            .columns()
            .into_iter()
            .map(|column| {
                let known: Vec<f64> = column.iter().copied().flatten().collect();
                // A dataset is checked to have known training values of every target.
                known.iter().sum::<f64>() / known.len().max(1) as f64
            })
            .collect(),
    }
}
