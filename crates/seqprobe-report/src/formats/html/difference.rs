//! The drawing of a dataset's paired differences: a row per comparison, zero and the margin marked.

use super::svg::{Axis, RIGHT, WIDTH, escape, marker, push, shorten};
use crate::derive::dataset_view::DatasetView;
use crate::record::choice::{point, value_reason};
use crate::record::{ComparisonRecord, DatasetRecord, ProbeScope, Role, ScoreValue, VerdictRecord};
use crate::wording::names::{cell_detail, metric_name};
use crate::wording::quantities::{p_value, signed};

const ROW: f64 = 22.0;
const GROUP: f64 = 28.0;

/// The drawing; empty if there is nothing to compare.
pub(super) fn draw(view: &DatasetView<'_>) -> String {
    let dataset = view.record;
    let verdicts: Vec<&VerdictRecord> = view
        .verdicts
        .iter()
        .map(|verdict| verdict.record)
        .filter(|verdict| !verdict.comparisons.is_empty())
        .collect();
    let Some(first) = verdicts.first() else { return String::new() };
    let n_rows: usize = verdicts.iter().map(|verdict| verdict.comparisons.len()).sum();
    let bottom = 6.0 + GROUP * verdicts.len() as f64 + ROW * n_rows as f64 + 4.0;
    let height = bottom + 42.0;
    let axis = axis(&verdicts);
    let metric = metric_name(&first.metric);
    let label = escape(&format!("paired differences in {metric} to each baseline on {}", dataset.id));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\"><title>{label}</title>"
    );
    let (left, right) = (axis.x(-first.margin), axis.x(first.margin));
    let (width, band) = (right - left, bottom - 6.0);
    push(
        &mut svg,
        format_args!("<rect class=\"mb\" x=\"{left:.1}\" y=\"6\" width=\"{width:.1}\" height=\"{band}\"/>"),
    );
    axis.draw(&mut svg, 6.0, bottom, &format!("difference in {metric}; on the right the model is better"));
    push(&mut svg, format_args!("<path class=\"z\" d=\"M{:.1} 6V{bottom}\"/>", axis.x(0.0)));
    let mut y = 6.0;
    for verdict in verdicts {
        y += GROUP;
        draw_group(&mut svg, dataset, verdict, y);
        for comparison in &verdict.comparisons {
            draw_row(&mut svg, &axis, verdict, comparison, y + ROW / 2.0);
            y += ROW;
        }
    }
    svg.push_str("</svg>");
    svg
}

fn axis(verdicts: &[&VerdictRecord]) -> Axis {
    let deltas = verdicts.iter().flat_map(|verdict| &verdict.comparisons).flat_map(|comparison| {
        match &comparison.delta {
            ScoreValue::Estimate(estimate) => vec![estimate.point, estimate.lower, estimate.upper],
            other => point(other).into_iter().collect(),
        }
    });
    let margins = verdicts.iter().flat_map(|verdict| [-1.5 * verdict.margin, 1.5 * verdict.margin]);
    Axis::for_values(deltas.chain(margins).chain([0.0]))
}

fn draw_group(svg: &mut String, dataset: &DatasetRecord, verdict: &VerdictRecord, y: f64) {
    let probe = match &verdict.probe {
        ProbeScope::Best => "best probe",
        ProbeScope::Probe(probe) => probe,
    };
    let mut title = format!("{} · {probe}", shorten(&verdict.model, 48));
    if dataset.targets.len() > 1 {
        title.push_str(" · ");
        title.push_str(verdict.target.as_str());
    }
    let place = verdict.settings();
    let (title, place) = (escape(&title), escape(&place.join(" · ")));
    let word = verdict.verdict.as_str();
    push(
        svg,
        format_args!("<text class=\"h\" x=\"4\" y=\"{}\">{title} <tspan>{place}</tspan></text>", y - 8.0),
    );
    push(
        svg,
        format_args!("<text class=\"w {word}\" x=\"{}\" y=\"{}\">{word}</text>", RIGHT + 14.0, y - 8.0),
    );
    push(svg, format_args!("<path class=\"s\" d=\"M0 {}H{WIDTH}\"/>", y - 1.0));
}

fn draw_row(svg: &mut String, axis: &Axis, verdict: &VerdictRecord, comparison: &ComparisonRecord, y: f64) {
    let baseline = y + 4.0;
    let cell = &comparison.baseline;
    let shown = signed(&comparison.delta);
    let adjusted = comparison.p_adjusted.map(|p| format!(", adjusted p {}", p_value(p))).unwrap_or_default();
    let title = escape(&format!(
        "{} against {} {}{}: {shown}{adjusted}",
        verdict.model,
        cell.representation,
        cell_detail(cell),
        cell.probe.as_ref().map_or_else(String::new, |probe| format!(" with {probe}"))
    ));
    let other = cell.probe.as_deref().filter(|probe| *probe != verdict.probe.as_str());
    let probe = other.map_or_else(String::new, |probe| format!("{probe} "));
    let name = shorten(cell.representation.as_str(), 30);
    let detail = escape(&shorten(
        &format!("{probe}{}", cell_detail(cell)),
        44_usize.saturating_sub(name.chars().count()),
    ));
    let name = escape(&name);
    let word = verdict.verdict.as_str();
    push(svg, format_args!("<g class=\"d {word}\"><title>{title}</title>"));
    push(
        svg,
        format_args!(
            "<text class=\"n\" x=\"12\" y=\"{baseline}\">against {name} <tspan>{detail}</tspan></text>"
        ),
    );
    if let ScoreValue::Estimate(estimate) = &comparison.delta {
        axis.draw_interval(svg, estimate.lower, estimate.upper, y);
    }
    match point(&comparison.delta) {
        Some(delta) => {
            svg.push_str(&marker(Role::Model, axis.x(delta), y));
            push(
                svg,
                format_args!("<text class=\"v\" x=\"{}\" y=\"{baseline}\">{shown}</text>", RIGHT + 14.0),
            );
        }
        None => {
            let reason = escape(&shorten(value_reason(&comparison.delta).unwrap_or_default(), 64));
            let x = super::svg::LEFT;
            push(
                svg,
                format_args!("<text class=\"u\" x=\"{x}\" y=\"{baseline}\">undefined: {reason}</text>"),
            );
        }
    }
    svg.push_str("</g>");
}
