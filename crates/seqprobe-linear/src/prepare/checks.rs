//! Checks that several solvers or probes share.

use crate::error::LinearError;
use crate::prepare::targets::too_few;
use ndarray::{ArrayBase, Data, Ix2};
use seqprobe_core::{FeatureKind, LabelledView, ProbeError, Task};

/// Checks that all values are finite.
pub(crate) fn check_values<D: Data<Elem = f64>>(
    what: &'static str,
    values: &ArrayBase<D, Ix2>,
) -> Result<(), LinearError> {
    match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), &value)) => Err(LinearError::NotFinite { what, row, column, value }),
        None => Ok(()),
    }
}

/// Checks that both views suit the probe and each other. Returns their width.
pub(crate) fn check_views(
    train: &LabelledView<'_>,
    valid: &LabelledView<'_>,
    task: &Task,
) -> Result<usize, ProbeError> {
    let dim = train.features.dim();
    for (split, view) in [("train", train), ("valid", valid)] {
        if view.features.kind() == FeatureKind::Tokens {
            return Err(ProbeError::NotApplicable(
                "a linear probe reads one vector per row, these features have one per token\n  \
                 hint: choose a pooling such as mean or flatten"
                    .to_owned(),
            ));
        }
        if view.features.dim() != dim {
            return Err(ProbeError::Width { expected: dim, got: view.features.dim() });
        }
        check_rows(split, view, task)?;
    }
    if dim == 0 {
        return Err(ProbeError::NotApplicable("the features have no column".to_owned()));
    }
    Ok(dim)
}

/// Checks that a split has rows, and as many targets as rows.
pub(crate) fn check_rows(
    split: &'static str,
    view: &LabelledView<'_>,
    task: &Task,
) -> Result<(), ProbeError> {
    let (rows, targets) = (view.features.n_rows(), view.targets.n_examples());
    if rows != targets {
        return Err(ProbeError::Solver(LinearError::Rows { records: rows, targets }.to_string()));
    }
    if rows == 0 {
        return Err(too_few(task.targets.first(), split, 0));
    }
    Ok(())
}
