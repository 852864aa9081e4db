//! Targets with missing values: the rows where a target is known, and the targets that share these rows.

use ndarray::Array2;
use seqprobe_core::ProbeError;
use std::collections::BTreeMap;

/// Returns the rows where a target is known.
pub(crate) fn known_rows(values: &Array2<Option<f64>>, target: usize) -> Vec<usize> {
    values
        .column(target)
        .iter()
        .enumerate()
        .filter(|(_, value)| value.is_some())
        .map(|(row, _)| row)
        .collect()
}

/// Groups targets by the rows where they are known. Returns `(rows, targets)` of each group.
pub(crate) fn targets_by_known_rows(values: &Array2<Option<f64>>) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for target in 0..values.ncols() {
        groups.entry(known_rows(values, target)).or_default().push(target);
    }
    groups.into_iter().collect()
}

/// Returns the values of some targets on rows where they are known: `[known rows, targets]`.
pub(crate) fn known_values(values: &Array2<Option<f64>>, known: &[usize], targets: &[usize]) -> Array2<f64> {
    Array2::from_shape_fn((known.len(), targets.len()), |(row, column)| {
        values[(known[row], targets[column])].unwrap_or_default()
    })
}

/// Returns the error for a target with too few known values.
pub(crate) fn too_few(target: Option<&String>, split: &'static str, n: usize) -> ProbeError {
    ProbeError::TooFewTargets { target: target.cloned().unwrap_or_default(), split, n, needed: n + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn targets_known_on_the_same_rows_are_grouped() {
        let values = array![[Some(1.0), None, Some(0.0)], [Some(1.0), Some(2.0), Some(3.0)]];
        assert_eq!(targets_by_known_rows(&values), [(vec![0, 1], vec![0, 2]), (vec![1], vec![1])]);
    }
}
