//! Names, numbers and picks that several renderers share, so that all of them say the same.

use crate::record::{
    CellId, CellRecord, DatasetRecord, Role, RunRecord, ScoreRecord, ScoreValue, ScoredTarget, Status,
};
use seqprobe_core::Split;

/// A number at three decimals, with more or fewer where it is far from 1.
pub(crate) fn number(value: f64) -> String {
    at_scale(value, value.abs())
}

/// A number with the digits that suit numbers of some size.
fn at_scale(value: f64, scale: f64) -> String {
    let text = match scale {
        scale if scale == 0.0 || (0.01..10.0).contains(&scale) => format!("{value:.3}"),
        scale if (0.001..0.01).contains(&scale) => format!("{value:.4}"),
        scale if (10.0..100.0).contains(&scale) => format!("{value:.2}"),
        scale if (100.0..1e5).contains(&scale) => format!("{value:.1}"),
        _ => format!("{value:.2e}"),
    };
    // No sign on zero.
    if text.strip_prefix('-').is_some_and(|rest| rest.chars().all(|letter| matches!(letter, '0' | '.'))) {
        return text.trim_start_matches('-').to_owned();
    }
    text
}

/// `0.873 [0.860, 0.885]`, the point alone, or `undefined`.
pub fn value(value: &ScoreValue) -> String {
    match value {
        ScoreValue::Estimate(estimate) => {
            let scale = [estimate.point, estimate.lower, estimate.upper]
                .into_iter()
                .map(f64::abs)
                .fold(0.0, f64::max);
            let [point, lower, upper] =
                [estimate.point, estimate.lower, estimate.upper].map(|number| at_scale(number, scale));
            format!("{point} [{lower}, {upper}]")
        }
        ScoreValue::PointOnly { point, .. } => format!("{} (no interval)", number(*point)),
        ScoreValue::Undefined { .. } => "undefined".to_owned(),
    }
}

/// A count with spaces between the thousands.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digits.len() > 4 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A span of time in words: `45 s`, `3 min 20 s`, `2 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!(
            "{} s",
            if seconds < 10.0 { format!("{seconds:.1}") } else { format!("{seconds:.0}") }
        );
    }
    let minutes = seconds / 60.0;
    if minutes < 60.0 {
        return format!("{:.0} min {:.0} s", minutes.floor(), (seconds % 60.0).floor());
    }
    format!("{:.0} h {:.0} min", (minutes / 60.0).floor(), (minutes % 60.0).floor())
}

/// The point, where there is one.
pub fn point(value: &ScoreValue) -> Option<f64> {
    match value {
        ScoreValue::Estimate(estimate) => Some(estimate.point),
        ScoreValue::PointOnly { point, .. } => Some(*point),
        ScoreValue::Undefined { .. } => None,
    }
}

/// Why a number or its interval is missing.
pub(crate) fn value_reason(value: &ScoreValue) -> Option<&str> {
    match value {
        ScoreValue::Estimate(_) => None,
        ScoreValue::PointOnly { reason, .. } | ScoreValue::Undefined { reason } => Some(reason),
    }
}

/// How a metric is written in sentences.
pub(crate) fn metric_name(metric: &str) -> String {
    match metric {
        "mcc" | "auroc" | "auprc" | "mse" | "rmse" | "mae" => metric.to_uppercase(),
        "r2" => "R²".to_owned(),
        other => other.replace(['_', '-'], " "),
    }
}

/// True where a smaller value of the metric is a better one.
pub(crate) fn lower_is_better(metric: &str) -> bool {
    seqprobe_stats::metric(metric).is_some_and(|metric| !metric.higher_is_better)
}

/// The word for a role.
pub(crate) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Model => "model",
        Role::Baseline => "baseline",
        Role::Control => "control",
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

/// What a cell differs in beside representation and probe: variant, layer, pooling, fraction; empty where nothing.
pub(crate) fn cell_detail(cell: &CellId) -> String {
    let mut parts = cell.settings();
    if !cell.fraction.is_whole() {
        parts.push(format!("{} of train", cell.fraction));
    }
    parts.join(" · ")
}

/// `kmer-4`, or `models/x (final · mean)` where there is more to say.
pub(crate) fn cell_name(cell: &CellId) -> String {
    let detail = cell_detail(cell);
    if detail.is_empty() {
        cell.representation.to_string()
    } else {
        format!("{} ({detail})", cell.representation)
    }
}

/// The cells of a dataset, in plan order.
pub(crate) fn cells_of<'a>(
    record: &'a RunRecord,
    dataset: &'a DatasetRecord,
) -> impl Iterator<Item = &'a CellRecord> {
    record.cells.iter().filter(|cell| cell.id.dataset == dataset.id)
}

/// The cells of a dataset that were fitted on all of the training split, in plan order.
pub(crate) fn whole_cells_of<'a>(
    record: &'a RunRecord,
    dataset: &'a DatasetRecord,
) -> impl Iterator<Item = &'a CellRecord> {
    cells_of(record, dataset).filter(|cell| cell.id.fraction.is_whole())
}

/// The one score a cell is shown by: the primary metric on test, over all targets where there are several.
pub fn headline(cell: &CellRecord) -> Option<&ScoreRecord> {
    let primary = || cell.scores.iter().filter(|score| score.primary && score.split == Split::Test);
    primary().find(|score| score.target == ScoredTarget::Macro).or_else(|| primary().next())
}

/// Mean validation loss over the fits of a cell: log loss or mean squared error.
pub fn validation_loss(cell: &CellRecord) -> Option<f64> {
    let losses: Option<Vec<f64>> = cell.fits.iter().map(|fit| fit.report.validation_loss).collect();
    let losses = losses.filter(|losses| !losses.is_empty())?;
    Some(losses.iter().sum::<f64>() / losses.len() as f64)
}

/// The cell of a representation with the lowest mean validation loss over its fits: what a verdict on best probes rests on.
pub(crate) fn best_on_validation<'a>(
    record: &'a RunRecord,
    dataset: &'a DatasetRecord,
    representation: &str,
) -> Option<&'a CellRecord> {
    chosen_on_validation(record, dataset, representation, None)
}

/// The same among the cells of one probe: the layer and pooling that a verdict rests on.
pub(crate) fn chosen_on_validation<'a>(
    record: &'a RunRecord,
    dataset: &'a DatasetRecord,
    representation: &str,
    probe: Option<&str>,
) -> Option<&'a CellRecord> {
    whole_cells_of(record, dataset)
        .filter(|cell| {
            cell.id.representation.as_str() == representation
                && probe.is_none_or(|probe| cell.id.probe_word() == probe)
        })
        .filter_map(|cell| validation_loss(cell).map(|loss| (loss, cell)))
        .min_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, cell)| cell)
}

/// The cells of a dataset whose headline has a point, best first; equals stay in plan order.
pub(crate) fn ranked<'a>(record: &'a RunRecord, dataset: &'a DatasetRecord) -> Vec<(&'a CellRecord, f64)> {
    let mut cells: Vec<(&CellRecord, f64)> = whole_cells_of(record, dataset)
        .filter_map(|cell| headline(cell).and_then(|score| point(&score.value)).map(|point| (cell, point)))
        .collect();
    let sign = if lower_is_better(&dataset.metric) { 1.0 } else { -1.0 };
    cells.sort_by(|(_, left), (_, right)| (sign * left).total_cmp(&(sign * right)));
    cells
}

/// Letters that move a terminal's cursor or change its colours are replaced.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// A reason on one line; its hint, which stands on a line of its own, is set off by a semicolon.
pub(crate) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

/// The level of a dataset's intervals, as `95%`; the same for all of a run.
pub(crate) fn level(record: &RunRecord, dataset: &DatasetRecord) -> Option<String> {
    cells_of(record, dataset).flat_map(|cell| &cell.scores).find_map(|score| match &score.value {
        ScoreValue::Estimate(estimate) => Some(format!("{}%", estimate.level * 100.0)),
        _ => None,
    })
}
