//! `features · weightsᵀ + intercepts`. Each value is summed in a fixed order, which other rows do not change.

use crate::prepare::design::dot;
use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

/// Returns `features · weightsᵀ + intercepts`.
///
/// # Shapes
/// `features`: `[rows, features]`; `weights`: `[outputs, features]`; result: `[rows, outputs]`.
pub(crate) fn linear_outputs(
    features: ArrayView2<'_, f64>,
    weights: ArrayView2<'_, f64>,
    intercepts: ArrayView1<'_, f64>,
) -> Array2<f64> {
    assert_eq!(features.ncols(), weights.ncols(), "features and weights differ in width");
    let (features, weights) = (features.as_standard_layout(), weights.as_standard_layout());
    let n_outputs = weights.nrows();
    let mut outputs = Array2::zeros((features.nrows(), n_outputs));
    if let (Some(values), Some(features), Some(weights)) =
        (outputs.as_slice_mut(), features.as_slice(), weights.as_slice())
    {
        let width = weights.len() / n_outputs.max(1);
        values.par_chunks_mut(n_outputs.max(1)).enumerate().for_each(|(row, outputs)| {
            let features = &features[row * width..(row + 1) * width];
            for (output, (value, intercept)) in outputs.iter_mut().zip(&intercepts).enumerate() {
                *value = dot(features, &weights[output * width..(output + 1) * width]) + intercept;
            }
        });
    }
    outputs
}
