//! Diagnostic curves of a dataset: ROC, precision and recall, calibration; or predicted against true values.

use super::panel::{MAX_LINES, PANEL_HEIGHT, Panel};
use super::svg::{WIDTH, escape, push, shorten};
use crate::derive::dataset_view::DatasetView;
use crate::record::DatasetRecord;
use crate::record::diagnostics::{DiagnosticData, Diagnostics};
use crate::wording::names::cell_name;

/// Maximum number of scatter plots next to each other.
const MAX_SCATTERS: usize = 3;

/// The cells that are drawn for a dataset, in the order of their colours.
pub(super) fn drawn<'v, 'a>(view: &'v DatasetView<'a>) -> &'v [&'a Diagnostics] {
    &view.diagnostics[..view.diagnostics.len().min(MAX_LINES)]
}

/// Representation, how it was made, and the probe.
pub(super) fn name(one: &Diagnostics) -> String {
    format!("{}, {}", cell_name(&one.cell), one.cell.probe_word())
}

/// The drawing; empty if the task has no such curves.
pub(super) fn draw(view: &DatasetView<'_>) -> String {
    let (dataset, drawn) = (view.record, drawn(view));
    match drawn.first().map(|first| &first.shown) {
        Some(DiagnosticData::Binary { share_positive, .. }) => binary(dataset, drawn, *share_positive),
        Some(DiagnosticData::Regression { target, .. }) => scatters(dataset, drawn, target),
        Some(DiagnosticData::Multiclass { .. }) | None => String::new(),
    }
}

fn start(label: &str) -> String {
    let label = escape(label);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {PANEL_HEIGHT}\" role=\"img\" aria-label=\"{label}\"><title>{label}</title>"
    )
}

fn binary(dataset: &DatasetRecord, drawn: &[&Diagnostics], share_positive: f64) -> String {
    let names: Vec<String> = drawn.iter().map(|one| name(one)).collect();
    let label = format!(
        "ROC, precision-recall and calibration curves on test of {}: {}",
        dataset.id,
        names.join(", ")
    );
    let mut svg = start(&label);
    let (roc, precision, calibration) =
        (Panel::new(0, 0.0, 1.0), Panel::new(1, 0.0, 1.0), Panel::new(2, 0.0, 1.0));
    roc.frame(&mut svg, "ROC", "false positive rate", "true positive rate");
    precision.frame(&mut svg, "Precision and recall", "recall", "precision");
    calibration.frame(&mut svg, "Calibration", "predicted probability", "share of positives, 95% interval");
    roc.line(&mut svg, "guess", [[0.0, 0.0], [1.0, 1.0]]);
    precision.line(&mut svg, "guess", [[0.0, share_positive], [1.0, share_positive]]);
    calibration.line(&mut svg, "guess", [[0.0, 0.0], [1.0, 1.0]]);
    for (place, (one, title)) in drawn.iter().zip(&names).enumerate() {
        let DiagnosticData::Binary { roc: on_roc, precision_recall, calibration: bins, .. } = &one.shown
        else {
            continue;
        };
        let class = format!("c{place}");
        push(&mut svg, format_args!("<g><title>{}</title>", escape(title)));
        roc.line(&mut svg, &class, on_roc.iter().copied());
        precision.line(&mut svg, &class, precision_recall.iter().copied());
        calibration.line(&mut svg, &class, bins.iter().map(|bin| [bin.predicted, bin.observed]));
        for bin in bins {
            calibration.interval(&mut svg, &class, bin.predicted, bin.lower, bin.upper);
            calibration.dot(&mut svg, &class, bin.predicted, bin.observed, 2.5);
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    svg
}

fn scatters(dataset: &DatasetRecord, drawn: &[&Diagnostics], target: &str) -> String {
    let shown: Vec<(&Diagnostics, &Vec<[f64; 2]>)> = drawn
        .iter()
        .filter_map(|one| match &one.shown {
            DiagnosticData::Regression { points, .. } => Some((*one, points)),
            _ => None,
        })
        .take(MAX_SCATTERS)
        .collect();
    let all = || shown.iter().flat_map(|(_, points)| points.iter().flatten().copied());
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    if low > high {
        return String::new();
    }
    let mut svg = start(&format!("predicted against true {target} on test of {}", dataset.id));
    for (place, (one, points)) in shown.iter().enumerate() {
        let panel = Panel::new(place, low, high);
        panel.frame(&mut svg, &shorten(&name(one), 36), "true value", "mean prediction");
        panel.line(&mut svg, "guess", [[low, low], [high, high]]);
        for [truth, prediction] in points.iter() {
            panel.dot(&mut svg, &format!("c{place}"), *truth, *prediction, 1.8);
        }
    }
    svg.push_str("</svg>");
    svg
}
