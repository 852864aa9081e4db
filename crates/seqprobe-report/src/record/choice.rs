//! Choices that verdicts and reports share, so that all make the same ones: the score that represents a cell, and the
//! cell that validation chooses.

use super::{CellRecord, ScoreRecord, ScoreValue, ScoredTarget};
use seqprobe_core::Split;

/// The point of a score, if it has one.
pub fn point(value: &ScoreValue) -> Option<f64> {
    match value {
        ScoreValue::Estimate(estimate) => Some(estimate.point),
        ScoreValue::PointOnly { point, .. } => Some(*point),
        ScoreValue::Undefined { .. } => None,
    }
}

/// Why a score or its interval is missing.
pub(crate) fn value_reason(value: &ScoreValue) -> Option<&str> {
    match value {
        ScoreValue::Estimate(_) => None,
        ScoreValue::PointOnly { reason, .. } | ScoreValue::Undefined { reason } => Some(reason),
    }
}

/// The score that represents a cell: the primary metric on test, the mean over targets if there are several.
pub fn primary_test_score(cell: &CellRecord) -> Option<&ScoreRecord> {
    let primary = || cell.scores.iter().filter(|score| score.primary && score.split == Split::Test);
    primary().find(|score| score.target == ScoredTarget::Macro).or_else(|| primary().next())
}

/// Mean validation loss over the fits of a cell: log loss or mean squared error.
pub fn validation_loss(cell: &CellRecord) -> Option<f64> {
    let losses: Option<Vec<f64>> = cell.fits.iter().map(|fit| fit.report.validation_loss).collect();
    let losses = losses.filter(|losses| !losses.is_empty())?;
    Some(losses.iter().sum::<f64>() / losses.len() as f64)
}

/// The candidate whose cell has the lowest mean validation loss; the first of equal ones. Candidates without a
/// validation loss are not chosen. This is the one rule for the layer, pooling and probe that verdicts and reports use.
pub fn choose_on_validation<T>(
    candidates: impl IntoIterator<Item = T>,
    cell_of: impl Fn(&T) -> &CellRecord,
) -> Option<T> {
    let losses = candidates
        .into_iter()
        .filter_map(|candidate| validation_loss(cell_of(&candidate)).map(|loss| (loss, candidate)));
    losses.min_by(|(left, _), (right, _)| left.total_cmp(right)).map(|(_, candidate)| candidate)
}
