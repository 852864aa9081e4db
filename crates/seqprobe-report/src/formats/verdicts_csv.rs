//! `verdicts.csv`: one row per comparison with a baseline; a verdict without comparisons has one row.

use crate::derive::RunView;
use crate::error::ReportError;
use crate::formats::spreadsheet::{Sheet, float, optional, text};
use crate::record::cell_id::word_or_dash;
use crate::record::choice::point;
use crate::record::{ComparisonRecord, Qualification, ScoreValue, VerdictRecord};

/// Number of columns.
const N_COLUMNS: usize = 21;

/// The columns. `delta` is positive when it favours the model.
pub(crate) const HEADER: [&str; N_COLUMNS] = [
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
    "qualifications",
    "margin_unit",
    "standard_error",
    "degrees_of_freedom",
    "smallest_detectable",
    "examples_to_settle",
    "examples_for_a_tie",
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

fn row(verdict: &VerdictRecord, comparison: Option<&ComparisonRecord>) -> [String; N_COLUMNS] {
    let estimate = comparison.and_then(|comparison| match &comparison.delta {
        ScoreValue::Estimate(estimate) => Some(estimate),
        _ => None,
    });
    let power = comparison.and_then(|comparison| comparison.power.as_ref());
    let qualifications: Vec<&str> = verdict.qualifications.iter().map(Qualification::word).collect();
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
        optional(estimate.map(|estimate| estimate.lower)),
        optional(estimate.map(|estimate| estimate.upper)),
        optional(comparison.and_then(|comparison| comparison.p_adjusted)),
        verdict.verdict.as_str().to_owned(),
        text(&qualifications.join(" ")),
        optional(verdict.margin_unit),
        optional(estimate.and_then(|estimate| estimate.standard_error)),
        optional(estimate.and_then(|estimate| estimate.degrees_of_freedom)),
        optional(power.map(|power| power.smallest_detectable)),
        optional(power.and_then(|power| power.examples_to_settle)),
        optional(power.and_then(|power| power.examples_for_a_tie)),
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
