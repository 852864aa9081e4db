//! linfa-logistic as a solver, with what it does not report: the class of its logit, and whether it converged.

use crate::error::LinearError;
use crate::prepare::design::Design;
use crate::prepare::penalties::strongest_first;
use crate::solvers::logistic::FittedLogistic;
use crate::solvers::newton::Newton;
use linfa::DatasetBase;
use linfa::traits::Fit;
use linfa_logistic::{LogisticRegression, MultiLogisticRegression};
use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate};

/// The mean gradient below which a fit has converged. linfa's own criterion is set to match.
const GRADIENT_TOLERANCE: f64 = 1e-6;
const MAX_ITERATIONS: u64 = 1_000;
/// linfa subtracts the same maximum from all rows in its softmax: with a larger spread of logits its sums lose digits.
const MAX_SPREAD: f64 = 30.0;

/// Fits a path of penalties with linfa. Each fit starts from that at the next stronger penalty. Arguments are as for
/// the exact path; iterations are 0, because linfa does not report them.
///
/// # Errors
/// [`LinearError::Numeric`] when linfa fails, or when the spread of softmax logits is too large for linfa's sums.
pub(crate) fn linfa_path(
    features: ArrayView2<'_, f64>,
    labels: &[usize],
    outputs: usize,
    penalties: &[f64],
) -> Result<Vec<FittedLogistic>, LinearError> {
    let standard = features.as_standard_layout();
    let values = standard.as_slice().unwrap_or_default();
    let design = Design::new(values, features.nrows(), features.ncols());
    let targets = Array1::from_vec(labels.to_vec());
    let dataset = DatasetBase::new(features, targets);
    let tolerance = GRADIENT_TOLERANCE * features.nrows() as f64;
    let mut fitted = Vec::with_capacity(penalties.len());
    let mut binary_start = Array1::zeros(features.ncols() + 1);
    let mut softmax_start = Array2::zeros((features.ncols() + 1, outputs));
    for index in strongest_first(penalties) {
        let penalty = penalties[index];
        let failed = |error: linfa_logistic::error::Error| {
            LinearError::Numeric(format!(
                "linfa at penalty {penalty}: {error}\n  hint: the exact solver has no such limit"
            ))
        };
        let (weights, intercepts) = if outputs == 1 {
            let model = LogisticRegression::default()
                .alpha(penalty)
                .max_iterations(MAX_ITERATIONS)
                .gradient_tolerance(tolerance)
                .initial_params(binary_start)
                .fit(&dataset)
                .map_err(failed)?;
            let last = Array1::from_elem(1, model.intercept());
            binary_start = concatenate![Axis(0), model.params().view(), last.view()];
            // linfa's logit is that of the more frequent class.
            let sign = if model.labels().pos.class == 1 { 1.0 } else { -1.0 };
            let weights = model.params().view().insert_axis(Axis(0)).to_owned();
            (weights * sign, Array1::from_elem(1, sign * model.intercept()))
        } else {
            let model = MultiLogisticRegression::default()
                .alpha(penalty)
                .max_iterations(MAX_ITERATIONS)
                .gradient_tolerance(tolerance)
                .initial_params(softmax_start)
                .fit(&dataset)
                .map_err(failed)?;
            let intercepts = model.intercept().to_owned();
            softmax_start =
                concatenate![Axis(0), model.params().view(), intercepts.view().insert_axis(Axis(0))];
            (model.params().t().as_standard_layout().into_owned(), intercepts)
        };
        if outputs > 1 {
            refuse_wide_logits(features, &weights, &intercepts, penalty)?;
        }
        let parameters: Vec<f64> = weights
            .rows()
            .into_iter()
            .zip(&intercepts)
            .flat_map(|(row, intercept)| row.to_vec().into_iter().chain([*intercept]))
            .collect();
        let gradient_norm = Newton::gradient_norm(design, labels, outputs, &parameters, penalty)?;
        fitted.push((
            index,
            FittedLogistic {
                weights,
                intercepts,
                penalty,
                converged: gradient_norm <= GRADIENT_TOLERANCE,
                iterations: 0,
                gradient_norm,
            },
        ));
    }
    fitted.sort_by_key(|(index, _)| *index);
    Ok(fitted.into_iter().map(|(_, fitted)| fitted).collect())
}

fn refuse_wide_logits(
    features: ArrayView2<'_, f64>,
    weights: &Array2<f64>,
    intercepts: &Array1<f64>,
    penalty: f64,
) -> Result<(), LinearError> {
    let logits = crate::prepare::outputs::linear_outputs(features, weights.view(), intercepts.view());
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = logits.iter().copied().fold(f64::INFINITY, f64::min);
    if largest - smallest <= MAX_SPREAD {
        return Ok(());
    }
    Err(LinearError::Numeric(format!(
        "at penalty {penalty} the logits spread over {:.1}, linfa's softmax is wrong beyond {MAX_SPREAD}\n  \
         hint: use the exact solver, or larger penalties only",
        largest - smallest
    )))
}
