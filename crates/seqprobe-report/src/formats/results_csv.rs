//! `results.csv`: one row per cell and score; one row with status and reason for a cell that has no score.

use crate::derive::RunView;
use crate::error::ReportError;
use crate::formats::spreadsheet::{Sheet, float, optional, text};
use crate::record::choice::{point, value_reason};
use crate::record::{CellRecord, EstimateRecord, ScoreRecord, ScoreValue};
use crate::wording::names::{one_line, status_word};

/// The columns.
///
/// `n_test` is the number of scored examples, of either split. `parameters` are those of the probe without its
/// reduction, the maximum over seeds. `reason` says why a number, an interval or a cell is missing.
pub(crate) const HEADER: [&str; 20] = [
    "dataset",
    "target",
    "split",
    "representation",
    "variant",
    "layer",
    "pooling",
    "probe",
    "fraction",
    "metric",
    "point",
    "lower",
    "upper",
    "level",
    "method",
    "n_test",
    "n_seeds",
    "parameters",
    "status",
    "reason",
];

pub(crate) fn render(view: &RunView<'_>) -> Result<String, ReportError> {
    let mut sheet = Sheet::new("csv", &HEADER)?;
    for cell in &view.record.cells {
        if cell.scores.is_empty() {
            sheet.row(&row(cell, None))?;
        }
        for score in &cell.scores {
            sheet.row(&row(cell, Some(score)))?;
        }
    }
    sheet.finish()
}

fn row(cell: &CellRecord, score: Option<&ScoreRecord>) -> [String; 20] {
    let estimate = score.and_then(|score| match &score.value {
        ScoreValue::Estimate(estimate) => Some(estimate),
        _ => None,
    });
    let number = |of: fn(&EstimateRecord) -> f64| optional(estimate.map(of));
    let reason = cell.reason.as_deref().or_else(|| score.and_then(|score| value_reason(&score.value)));
    let [variant, layer, pooling, probe, fraction] = cell.id.words();
    let said = |of: fn(&ScoreRecord) -> &str| score.map(|score| text(of(score))).unwrap_or_default();
    [
        text(&cell.id.dataset),
        said(|score| score.target.as_str()),
        said(|score| score.split.as_str()),
        text(cell.id.representation.as_str()),
        text(&variant),
        text(&layer),
        text(&pooling),
        text(&probe),
        text(&fraction),
        said(|score| &score.metric),
        score.and_then(|score| point(&score.value)).map(float).unwrap_or_default(),
        number(|estimate| estimate.lower),
        number(|estimate| estimate.upper),
        number(|estimate| estimate.level),
        estimate.map(|estimate| text(&estimate.method)).unwrap_or_default(),
        score.map(|score| score.n.to_string()).unwrap_or_default(),
        if cell.n_seeds == 0 { String::new() } else { cell.n_seeds.to_string() },
        cell.fits.iter().map(|fit| fit.report.n_parameters).max().map(|n| n.to_string()).unwrap_or_default(),
        status_word(cell.status).to_owned(),
        text(&one_line(reason.unwrap_or_default())),
    ]
}
