//! The control that looks at no sequence: the training split's class frequencies, or its mean.

use crate::cells::CellResult;
use ndarray::Array2;
use seqprobe_core::{Dataset, FitReport, Split, Targets, TaskKind};
use seqprobe_report::record::SeedFit;

/// Predictions of the constant control for a dataset.
pub(crate) fn constant_cell(dataset: &Dataset) -> CellResult {
    let outputs = constant_outputs(dataset);
    let repeat = |split| {
        let n = dataset.splits.rows(split).len();
        vec![Array2::from_shape_fn((n, outputs.len()), |(_, column)| outputs[column])]
    };
    CellResult {
        fits: vec![SeedFit {
            seed: 0,
            report: FitReport { n_parameters: outputs.len() as u64, ..FitReport::default() },
        }],
        valid: repeat(Split::Valid),
        test: repeat(Split::Test),
        probes: Vec::new(),
        width: 0,
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
