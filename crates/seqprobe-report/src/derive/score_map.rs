//! Datasets by representations: the score of the cell that validation chooses, and how near it is to the best of its
//! dataset.

use super::dataset_view::DatasetView;
use super::direction::lower_is_better;
use crate::record::choice::{point, primary_test_score};
use crate::record::{CellRecord, RunRecord};

/// Scores of all datasets and representations.
pub(crate) struct ScoreMap<'a> {
    /// Representations with a validation loss, in plan order.
    pub(crate) representations: Vec<&'a str>,
    /// One row per dataset, one field per representation; `None` if there is no score.
    pub(crate) rows: Vec<Vec<Option<MapField<'a>>>>,
}

/// One field of the map.
pub(crate) struct MapField<'a> {
    /// The cell that validation chooses.
    pub(crate) cell: &'a CellRecord,
    /// Its point on test.
    pub(crate) point: f64,
    /// 0 for the worst point of the dataset, 1 for the best.
    pub(crate) share: f64,
    /// True for the best point of the dataset.
    pub(crate) is_best: bool,
}

impl<'a> ScoreMap<'a> {
    /// The map of a run.
    pub(crate) fn of(record: &'a RunRecord, datasets: &[DatasetView<'a>]) -> Self {
        let mut representations: Vec<&str> = Vec::new();
        let has_loss = |cell: &&CellRecord| cell.fits.iter().any(|fit| fit.report.validation_loss.is_some());
        for cell in record.cells.iter().filter(has_loss) {
            if !representations.contains(&cell.id.representation.as_str()) {
                representations.push(cell.id.representation.as_str());
            }
        }
        let rows = datasets.iter().map(|dataset| row(dataset, &representations)).collect();
        Self { representations, rows }
    }
}

fn row<'a>(dataset: &DatasetView<'a>, representations: &[&str]) -> Vec<Option<MapField<'a>>> {
    let sign = if lower_is_better(&dataset.record.metric) { -1.0 } else { 1.0 };
    let cells: Vec<Option<(&CellRecord, f64)>> = representations
        .iter()
        .map(|name| {
            let cell = dataset.chosen_of(name)?;
            Some((cell, point(&primary_test_score(cell)?.value)?))
        })
        .collect();
    let points = || cells.iter().flatten().map(|(_, point)| sign * point);
    let best = points().fold(f64::NEG_INFINITY, f64::max);
    let worst = points().fold(f64::INFINITY, f64::min);
    let field = |(cell, point): (&'a CellRecord, f64)| MapField {
        cell,
        point,
        share: if best > worst { (sign * point - worst) / (best - worst) } else { 1.0 },
        is_best: sign * point >= best,
    };
    cells.into_iter().map(|cell| cell.map(field)).collect()
}
