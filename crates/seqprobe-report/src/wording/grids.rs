//! Grids of text: scores by layer, by part of the training split, and description lengths.

use super::names::{cell_detail, metric_name, one_line};
use super::quantities::{number, value};
use crate::derive::dataset_view::DatasetView;
use crate::derive::sweeps::Curve;
use crate::record::choice::primary_test_score;
use crate::record::{DescriptionValue, RangeRecord};

/// A table of text.
pub(crate) struct Grid {
    /// Title.
    pub(crate) title: String,
    /// Headings of the columns.
    pub(crate) header: Vec<String>,
    /// Rows, as long as the header.
    pub(crate) rows: Vec<Vec<String>>,
}

/// All grids of a dataset: layers, parts of the training split, description lengths.
pub(crate) fn grids(dataset: &DatasetView<'_>) -> Vec<Grid> {
    let metric = metric_name(&dataset.record.metric);
    let layers =
        of_curves(&dataset.layers, format!("{metric} on test by layer; * is chosen on validation"), "layer");
    [layers, fraction_grid(dataset), description_grid(dataset)].into_iter().flatten().collect()
}

/// The grid of scores by part of the training split.
pub(crate) fn fraction_grid(dataset: &DatasetView<'_>) -> Option<Grid> {
    let metric = metric_name(&dataset.record.metric);
    let title = format!("{metric} on test by part of the training split");
    of_curves(&dataset.fractions, title, "part of train").map(turned)
}

/// Exchanges rows and columns: there are few parts and possibly many curves.
fn turned(grid: Grid) -> Grid {
    let Grid { title, header, rows } = grid;
    let mut lines = (0..header.len()).map(|place| {
        let first = header.get(place).cloned().unwrap_or_default();
        let fields = rows.iter().map(|row| row.get(place).cloned().unwrap_or_default());
        std::iter::once(first).chain(fields).collect::<Vec<String>>()
    });
    let header = lines.next().unwrap_or_default();
    Grid { title, rows: lines.collect(), header }
}

/// A row per place, a column per curve.
fn of_curves(curves: &[Curve<'_>], title: String, what: &str) -> Option<Grid> {
    let mut places: Vec<(f64, &str)> = Vec::new();
    for point in curves.iter().flat_map(|curve| &curve.points) {
        if !places.iter().any(|(_, label)| *label == point.label) {
            places.push((point.place, &point.label));
        }
    }
    places.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    let shown = |curve: &Curve<'_>, label: &str| {
        let point = curve.points.iter().find(|point| point.label == label);
        point.and_then(|point| {
            let mark = if point.chosen { " *" } else { "" };
            Some(format!("{}{mark}", value(&primary_test_score(point.cell)?.value)))
        })
    };
    let rows: Vec<Vec<String>> = places
        .iter()
        .map(|(_, label)| {
            let fields = curves.iter().map(|curve| shown(curve, label).unwrap_or_default());
            std::iter::once((*label).to_owned()).chain(fields).collect()
        })
        .collect();
    let names = curves.iter().map(|curve| format!("{}, {}", curve.name, curve.probe));
    let header = std::iter::once(what.to_owned()).chain(names).collect();
    (!rows.is_empty()).then_some(Grid { title, header, rows })
}

/// The grid of description lengths, with the scores of their cells.
pub(crate) fn description_grid(dataset: &DatasetView<'_>) -> Option<Grid> {
    let rows: Vec<Vec<String>> = dataset
        .cells
        .iter()
        .filter_map(|cell| cell.description.as_ref().map(|description| (cell, description)))
        .map(|(cell, description)| {
            let score = primary_test_score(cell).map(|score| value(&score.value)).unwrap_or_default();
            let mut row = vec![
                cell.id.representation.to_string(),
                cell_detail(&cell.id),
                cell.id.probe_word().to_owned(),
                score,
            ];
            match description {
                DescriptionValue::Known(known) => row.extend([
                    range(&known.bits),
                    number(known.uniform_bits),
                    range(&known.compression),
                    known.n_orders.to_string(),
                ]),
                DescriptionValue::Undefined { reason } => {
                    row.extend([format!("undefined: {}", one_line(reason)), String::new(), String::new()]);
                    row.push(String::new());
                }
            }
            row
        })
        .collect();
    let metric = metric_name(&dataset.record.metric);
    let header = [
        "representation",
        "setting",
        "probe",
        &metric,
        "bits",
        "bits, uniform code",
        "compression",
        "orders",
    ];
    let title = "Description length of the training labels, mean and range over orders".to_owned();
    (!rows.is_empty()).then(|| Grid { title, header: header.map(str::to_owned).to_vec(), rows })
}

/// `1 204.0 (1 198.1 to 1 210.4)`.
fn range(range: &RangeRecord) -> String {
    format!("{} ({} to {})", number(range.mean), number(range.lowest), number(range.highest))
}
