//! The drawing of scores over layers or parts of the training split: a panel per probe, a line per representation,
//! every point with its interval, a ring around the choice on validation.

use super::panel::{MAX_LINES, PANEL_HEIGHT, Panel};
use super::svg::{Axis, WIDTH, escape, push};
use crate::derive::sweeps::Curve;
use crate::record::ScoreValue;
use crate::record::choice::{point, primary_test_score};
use crate::wording::quantities::value;

/// Maximum number of panels next to each other; the grid below the drawing has the other probes too.
const MAX_PANELS: usize = 3;

/// Names of the lines, in the order of their colours; the same in every panel.
pub(super) fn names(curves: &[Curve<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for curve in curves {
        if !names.contains(&curve.name) {
            names.push(curve.name.clone());
        }
    }
    names.truncate(MAX_LINES);
    names
}

/// The drawing; empty if there is no curve.
pub(super) fn draw(curves: &[Curve<'_>], label: &str, across: &str, metric: &str) -> String {
    let names = names(curves);
    let mut probes: Vec<&str> = Vec::new();
    for curve in curves {
        if !probes.contains(&curve.probe) {
            probes.push(curve.probe);
        }
    }
    if probes.is_empty() {
        return String::new();
    }
    let label = escape(label);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {PANEL_HEIGHT}\" role=\"img\" aria-label=\"{label}\"><title>{label}</title>"
    );
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let places = Axis::for_values(points().map(|point| point.place));
    // All panels have the same range of scores, so that probes can be compared.
    let scores =
        Axis::for_values(points().filter_map(|point| primary_test_score(point.cell)).flat_map(|score| {
            match &score.value {
                ScoreValue::Estimate(estimate) => vec![estimate.point, estimate.lower, estimate.upper],
                ScoreValue::PointOnly { point, .. } => vec![*point],
                ScoreValue::Undefined { .. } => Vec::new(),
            }
        }));
    let ticks = ticks(curves);
    for (position, probe) in probes.iter().take(MAX_PANELS).enumerate() {
        let panel = Panel::with_axes(position, places.ends(), scores.ends());
        panel.frame_with_ticks(&mut svg, probe, across, metric, &ticks);
        for (colour, name) in names.iter().enumerate() {
            let Some(curve) = curves.iter().find(|curve| curve.name == *name && curve.probe == *probe) else {
                continue;
            };
            // Lines are shifted a little, so that their intervals do not overlap.
            let shift = places.span() * 0.012 * (colour as f64 - (names.len() - 1) as f64 / 2.0);
            draw_curve(&mut svg, &panel, curve, &format!("c{colour}"), shift);
        }
    }
    svg.push_str("</svg>");
    svg
}

/// Labels that are far enough from each other.
fn ticks(curves: &[Curve<'_>]) -> Vec<(f64, String)> {
    let mut ticks: Vec<(f64, String)> = Vec::new();
    for point in curves.iter().flat_map(|curve| &curve.points) {
        if !ticks.iter().any(|(_, label)| *label == point.label) {
            ticks.push((point.place, point.label.clone()));
        }
    }
    ticks.sort_by(|(left, _), (right, _)| left.total_cmp(right));
    let (first, last) = (ticks.first().map(|tick| tick.0), ticks.last().map(|tick| tick.0));
    let room = (last.unwrap_or(0.0) - first.unwrap_or(0.0)) / 7.0;
    let mut kept: Vec<(f64, String)> = Vec::new();
    // From the right: the last place is always labelled.
    for tick in ticks.into_iter().rev() {
        if kept.last().is_none_or(|(place, _)| place - tick.0 >= room) {
            kept.push(tick);
        }
    }
    kept
}

fn draw_curve(svg: &mut String, panel: &Panel, curve: &Curve<'_>, class: &str, shift: f64) {
    let scored: Vec<_> = curve
        .points
        .iter()
        .filter_map(|at| {
            let score = primary_test_score(at.cell)?;
            point(&score.value).map(|height| (at, score, height))
        })
        .collect();
    panel.line(svg, class, scored.iter().map(|(point, _, height)| [point.place + shift, *height]));
    for (point, score, height) in scored {
        let x = point.place + shift;
        let chosen = if point.chosen { ", chosen on validation" } else { "" };
        let title = format!("{}, {}: {}{chosen}", curve.name, point.label, value(&score.value));
        push(svg, format_args!("<g><title>{}</title>", escape(&title)));
        if let ScoreValue::Estimate(estimate) = &score.value {
            panel.interval(svg, &format!("{class} v"), x, estimate.lower, estimate.upper);
        }
        panel.dot(svg, class, x, height, 3.0);
        if point.chosen {
            panel.ring(svg, class, x, height, 7.0);
        }
        svg.push_str("</g>");
    }
}
