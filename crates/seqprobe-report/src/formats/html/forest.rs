//! The drawing of a dataset's cells: a row for each with its interval, grouped by probe, best at the top.

use super::svg::{Axis, LEFT, RIGHT, WIDTH, escape, marker, push, shorten};
use crate::derive::dataset_view::DatasetView;
use crate::derive::direction::lower_is_better;
use crate::derive::probe_groups::ProbeGroup;
use crate::record::choice::{point, primary_test_score};
use crate::record::{CellRecord, Role, ScoreValue};
use crate::wording::names::{cell_detail, metric_name, role_word};
use crate::wording::quantities::value;

const ROW: f64 = 22.0;
const GROUP: f64 = 28.0;

/// The drawing; empty if no cell of the dataset was scored.
pub(super) fn draw(view: &DatasetView<'_>) -> String {
    let (dataset, groups) = (view.record, view.groups.as_slice());
    if groups.is_empty() {
        return String::new();
    }
    let axis = axis(groups);
    let n_rows: usize = groups.iter().map(|group| group.cells.len()).sum();
    let bottom = 6.0 + GROUP * groups.len() as f64 + ROW * n_rows as f64 + 4.0;
    let height = bottom + 42.0;
    let metric = metric_name(&dataset.metric);
    let label = escape(&format!("{metric} on test of every cell of {} with its interval", dataset.id));
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\"><title>{label}</title>"
    );
    let better = if lower_is_better(&dataset.metric) { ", lower is better" } else { "" };
    axis.draw(&mut svg, 6.0, bottom, &format!("{metric} on test{better}"));
    draw_oracles(&mut svg, &axis, groups, bottom);
    let mut y = 6.0;
    for group in groups {
        y += GROUP;
        push(
            &mut svg,
            format_args!(
                "<text class=\"h\" x=\"4\" y=\"{}\">{}</text>",
                y - 8.0,
                escape(group.probe.unwrap_or(
                    "no \
                probe"
                ))
            ),
        );
        push(&mut svg, format_args!("<path class=\"s\" d=\"M0 {}H{WIDTH}\"/>", y - 1.0));
        if let Some(best) = group.best_baseline {
            let (x, end) = (axis.x(best), y + ROW * group.cells.len() as f64);
            push(&mut svg, format_args!("<path class=\"b\" d=\"M{x:.1} {y}V{end}\"/>"));
        }
        for cell in &group.cells {
            draw_row(&mut svg, &axis, cell, y + ROW / 2.0);
            y += ROW;
        }
    }
    svg.push_str("</svg>");
    svg
}

/// An axis for all intervals. If controls would make it more than four times as long, it is for the other cells, and
/// controls are drawn at its edge.
fn axis(groups: &[ProbeGroup<'_>]) -> Axis {
    let values = |with_controls: bool| {
        groups
            .iter()
            .flat_map(|group| &group.cells)
            .filter(move |cell| with_controls || cell.role != Role::Control)
            .filter_map(|cell| primary_test_score(cell))
            .flat_map(|score| match &score.value {
                ScoreValue::Estimate(estimate) => vec![estimate.point, estimate.lower, estimate.upper],
                ScoreValue::PointOnly { point, .. } => vec![*point],
                ScoreValue::Undefined { .. } => Vec::new(),
            })
            .collect::<Vec<f64>>()
    };
    let (all, rivals) = (values(true), values(false));
    let wide = Axis::for_values(all);
    let narrow = Axis::for_values(rivals.iter().copied());
    if !rivals.is_empty() && wide.span() > 4.0 * narrow.span() { narrow } else { wide }
}

fn draw_oracles(svg: &mut String, axis: &Axis, groups: &[ProbeGroup<'_>], bottom: f64) {
    for cell in groups.iter().flat_map(|group| &group.cells).filter(|cell| cell.role == Role::Oracle) {
        let Some(score) = primary_test_score(cell) else { continue };
        if let ScoreValue::Estimate(estimate) = &score.value {
            let (left, right) = (axis.x(estimate.lower), axis.x(estimate.upper));
            let (width, height) = (right - left, bottom - 6.0);
            push(
                svg,
                format_args!(
                    "<rect class=\"ob\" x=\"{left:.1}\" y=\"6\" width=\"{width:.1}\" height=\"{height}\"/>"
                ),
            );
        }
        if let Some(point) = point(&score.value) {
            push(svg, format_args!("<path class=\"ol\" d=\"M{:.1} 6V{bottom}\"/>", axis.x(point)));
        }
    }
}

fn draw_row(svg: &mut String, axis: &Axis, cell: &CellRecord, y: f64) {
    let Some(score) = primary_test_score(cell) else { return };
    let detail = cell_detail(&cell.id);
    let role = role_word(cell.role);
    let shown = value(&score.value);
    let baseline = y + 4.0;
    let title = escape(&format!(
        "{} {detail}, {}, {role}: {shown}, n = {}, seeds {}",
        cell.id.representation,
        cell.id.probe_word(),
        score.n,
        cell.n_seeds
    ));
    push(svg, format_args!("<g class=\"{role}\"><title>{title}</title>"));
    let name = shorten(cell.id.representation.as_str(), 34);
    let room = 50_usize.saturating_sub(name.chars().count());
    let detail = escape(&shorten(&detail, room.max(8)));
    let name = escape(&name);
    push(
        svg,
        format_args!("<text class=\"n\" x=\"12\" y=\"{baseline}\">{name} <tspan>{detail}</tspan></text>"),
    );
    match &score.value {
        ScoreValue::Undefined { reason } => {
            let reason = escape(&shorten(reason, 64));
            push(
                svg,
                format_args!("<text class=\"u\" x=\"{LEFT}\" y=\"{baseline}\">undefined: {reason}</text>"),
            );
        }
        ScoreValue::PointOnly { point, .. } => draw_point(svg, axis, cell.role, *point, y),
        ScoreValue::Estimate(estimate) => {
            axis.draw_interval(svg, estimate.lower, estimate.upper, y);
            draw_point(svg, axis, cell.role, estimate.point, y);
        }
    }
    if point(&score.value).is_some() {
        push(svg, format_args!("<text class=\"v\" x=\"{}\" y=\"{baseline}\">{shown}</text>", RIGHT + 14.0));
    }
    svg.push_str("</g>");
}

/// A point beyond the axis has no marker: the arrowhead of its interval and its number show where it is.
fn draw_point(svg: &mut String, axis: &Axis, role: Role, point: f64, y: f64) {
    if axis.contains(point) {
        svg.push_str(&marker(role, axis.x(point), y));
    } else {
        axis.draw_interval(svg, point, point, y);
    }
}
