//! `verdicts.csv`: one row per comparison with a baseline; a verdict without comparisons has one row.

use crate::derive::RunView;
use crate::error::ReportError;
use crate::formats::spreadsheet::{Sheet, float, optional, text};
use crate::record::cell_id::word_or_dash;
use crate::record::choice::point;
use crate::record::{ComparisonRecord, ScoreValue, VerdictRecord};

/// The columns. `delta` is positive when it favours the model.
pub(crate) const HEADER: [&str; 14] = [
    "dataset",
    "target",
    "model",
    "layer",
    "pooling",
    "probe",
    "baseline",
    "metric",
    "margin",
    "delta",
    "lower",
    "upper",
    "p_adjusted",
    "verdict",
];

pub(crate) fn render(view: &RunView<'_>) -> Result<String, ReportError> {
    let mut sheet = Sheet::new("verdicts", &HEADER)?;
    for verdict in &view.record.verdicts {
        if verdict.comparisons.is_empty() {
            sheet.row(&row(verdict, None))?;
        }
        for comparison in &verdict.comparisons {
            sheet.row(&row(verdict, Some(comparison)))?;
        }
    }
    sheet.finish()
}

fn row(verdict: &VerdictRecord, comparison: Option<&ComparisonRecord>) -> [String; 14] {
    let interval = comparison.and_then(|comparison| match &comparison.delta {
        ScoreValue::Estimate(estimate) => Some((estimate.lower, estimate.upper)),
        _ => None,
    });
    [
        text(&verdict.dataset),
        text(verdict.target.as_str()),
        text(&verdict.model),
        text(&word_or_dash(verdict.layer.as_ref())),
        text(&word_or_dash(verdict.pooling.as_ref())),
        text(verdict.probe.as_str()),
        comparison.map(|comparison| text(&baseline(verdict, comparison))).unwrap_or_default(),
        text(&verdict.metric),
        float(verdict.margin),
        optional(comparison.and_then(|comparison| point(&comparison.delta))),
        optional(interval.map(|(lower, _)| lower)),
        optional(interval.map(|(_, upper)| upper)),
        optional(comparison.and_then(|comparison| comparison.p_adjusted)),
        verdict.verdict.as_str().to_owned(),
    ]
}

/// The baseline's representation; with variant, pooling and probe if the verdict has several of its cells.
fn baseline(verdict: &VerdictRecord, comparison: &ComparisonRecord) -> String {
    let cell = &comparison.baseline;
    let alike = verdict
        .comparisons
        .iter()
        .filter(|other| other.baseline.representation == cell.representation)
        .count();
    if alike == 1 {
        return cell.representation.to_string();
    }
    {
        let [variant, _, pooling, probe, _] = cell.words();
        format!("{}/{variant}/{pooling}/{probe}", cell.representation)
    }
}
