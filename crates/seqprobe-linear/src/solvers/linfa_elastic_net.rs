//! linfa-elasticnet as a solver for the squared error. Each penalty is fitted from the start.

use crate::error::LinearError;
use crate::prepare::growing_gram::{DenseRows, GrowingGram};
use crate::solvers::elastic_net_path::{ElasticNetPath, FittedElasticNet};
use crate::solvers::sparse_problem::SparseProblem;
use crate::solvers::sparse_quadratic::Penalty;
use crate::solvers::sparse_squares::Squares;
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_elasticnet::ElasticNet;
use ndarray::{Array1, ArrayView2, Axis};
use std::ops::ControlFlow;

/// linfa's own tolerance; its gap is relative to the sum of squares.
const TOLERANCE: f64 = 1e-8;
const MAX_CYCLES: u32 = 100_000;

/// Fits a path with linfa. linfa takes no starting point and does not centre features, so this function centres them.
///
/// # Errors
/// [`LinearError::Numeric`] when linfa fails.
pub(crate) fn linfa_path(
    path: &ElasticNetPath,
    design: DenseRows<'_>,
    gram: &mut GrowingGram,
    targets: &[f64],
    mut after: impl FnMut(&FittedElasticNet) -> ControlFlow<()>,
) -> Result<Vec<FittedElasticNet>, LinearError> {
    let features = ArrayView2::from_shape((design.n_rows, design.n_columns), design.values)
        .map_err(|error| LinearError::Numeric(error.to_string()))?;
    let means = features.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(features.ncols()));
    let dataset = DatasetBase::new(&features - &means, Array1::from_vec(targets.to_vec()));
    let mut squares = Squares::new(design, gram, targets);
    let mut fitted = Vec::new();
    for penalty in path.strongest_first(squares.steepest(), design) {
        let model = ElasticNet::params()
            .penalty(penalty)
            .l1_ratio(path.l1_ratio)
            .tolerance(TOLERANCE)
            .max_iterations(MAX_CYCLES)
            .fit(&dataset)
            .map_err(|error| {
                LinearError::Numeric(format!(
                    "linfa at penalty {penalty}: {error}\n  hint: the exact solver has no such limit"
                ))
            })?;
        let weights = model.hyperplane().to_owned();
        let gap = squares.gap_of(&weights.to_vec(), Penalty::new(penalty, path.l1_ratio));
        let model = FittedElasticNet {
            intercept: model.intercept() - weights.dot(&means),
            weights,
            penalty,
            converged: gap <= 10.0 * TOLERANCE,
            iterations: u64::from(model.n_steps()),
            duality_gap: gap.max(0.0),
        };
        let flow = after(&model);
        fitted.push(model);
        if flow.is_break() {
            break;
        }
    }
    Ok(fitted)
}
