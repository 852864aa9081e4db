//! Checks that all solvers share.

use crate::error::LinearError;
use ndarray::{ArrayBase, Data, Ix2};

/// Penalties must exist and be positive numbers.
pub(crate) fn check_penalties(penalties: &[f64]) -> Result<(), LinearError> {
    if penalties.is_empty() {
        return Err(LinearError::NoPenalty);
    }
    match penalties.iter().find(|penalty| !(penalty.is_finite() && **penalty > 0.0)) {
        Some(&penalty) => Err(LinearError::Penalty(penalty)),
        None => Ok(()),
    }
}

/// Values must be finite.
pub(crate) fn check_values<D: Data<Elem = f64>>(
    what: &'static str,
    values: &ArrayBase<D, Ix2>,
) -> Result<(), LinearError> {
    match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(LinearError::NotFinite { what, row, column, value }),
        None => Ok(()),
    }
}

/// Indices of the penalties, the largest first.
pub(crate) fn strongest_first(penalties: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..penalties.len()).collect();
    order.sort_by(|&left, &right| penalties[right].total_cmp(&penalties[left]));
    order
}
