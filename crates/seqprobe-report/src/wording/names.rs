//! Names of metrics, roles and cells, the same in every report.

use crate::record::{CellId, ProbeScope, Role, Status};
use seqprobe_core::SelectedElement;

/// The name of a metric in reports; an identifier that no metric has stays as it is.
pub(crate) fn metric_name(metric: &str) -> String {
    seqprobe_stats::metric(metric).map_or(metric, |metric| metric.title).to_owned()
}

/// The word for a role.
pub(crate) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Model => "model",
        Role::Baseline => "baseline",
        Role::Control => "control",
        Role::Rule => "rule",
        Role::Reference => "reference",
        Role::Oracle => "oracle",
    }
}

/// The word for a status.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::NotApplicable => "not-applicable",
        Status::Failed => "failed",
    }
}

/// The settings of a cell apart from representation and probe: variant, layer, pooling, part of train; empty if none.
pub(crate) fn cell_detail(cell: &CellId) -> String {
    let mut parts = cell.settings();
    if !cell.fraction.is_whole() {
        parts.push(format!("{} of train", cell.fraction));
    }
    parts.join(" · ")
}

/// Representation and settings: `kmer-4`, or `models/x (final · mean)`.
pub(crate) fn cell_name(cell: &CellId) -> String {
    let detail = cell_detail(cell);
    if detail.is_empty() {
        cell.representation.to_string()
    } else {
        format!("{} ({detail})", cell.representation)
    }
}

/// Replaces characters that move a terminal's cursor or change its colours.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// A text on one line: its lines, joined by semicolons.
pub(crate) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

/// The words of a probe in a verdict: its name, or the best probe.
pub(crate) fn probe_name(probe: &ProbeScope) -> &str {
    match probe {
        ProbeScope::Probe(name) => name,
        ProbeScope::Best => "its best probe",
    }
}

/// The region of a selected element: `20 to 50`, half-open, in bases from the left.
pub(crate) fn region(element: &SelectedElement) -> String {
    format!("{} to {}", element.start, element.end)
}
