//! How far the best probe is from the oracle of a simulated dataset.

use super::choices::is_asked_about;
use crate::record::choice::primary_test_score;
use crate::record::{CellRecord, Role, ScoreValue};

/// The best probe next to the oracle.
pub(crate) struct OracleGap<'a> {
    /// The oracle.
    pub(crate) oracle: &'a CellRecord,
    /// The model or baseline with the best score on test.
    pub(crate) best: &'a CellRecord,
    /// Distance between their points, at least 0.
    pub(crate) gap: f64,
    /// True when the oracle's point is in the interval of the best probe, or the best probe scores better.
    pub(crate) is_reached: bool,
}

impl<'a> OracleGap<'a> {
    /// The gap of cells with their points, best first; `None` without an oracle.
    pub(crate) fn of(ranked: &[(&'a CellRecord, f64)], lower_is_better: bool) -> Option<Self> {
        let (oracle, ceiling) = *ranked.iter().find(|(cell, _)| cell.role == Role::Oracle)?;
        let (best, reached) = *ranked.iter().find(|(cell, _)| is_asked_about(cell))?;
        let is_within = match primary_test_score(best).map(|score| &score.value) {
            Some(ScoreValue::Estimate(estimate)) => estimate.lower <= ceiling && ceiling <= estimate.upper,
            _ => false,
        };
        let sign = if lower_is_better { -1.0 } else { 1.0 };
        Some(Self {
            oracle,
            best,
            gap: (ceiling - reached).abs(),
            is_reached: is_within || sign * (reached - ceiling) >= 0.0,
        })
    }
}
