//! Standardisation fitted on training rows only: mean 0 and population standard deviation 1.

use ndarray::Array2;
use rayon::prelude::*;
use seqprobe_core::{FeatureView, ProbeError};

/// Mean and scale of each feature.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scaler {
    pub(crate) means: Vec<f64>,
    /// Population standard deviation; 1 for a feature that is constant in train.
    pub(crate) scales: Vec<f64>,
}

/// The features of a view as they are stored.
pub(crate) fn read_all(view: &FeatureView<'_>, split: &str) -> Result<Vec<f32>, ProbeError> {
    let mut values = Vec::with_capacity(view.n_rows() * view.dim());
    view.read_all(&mut values)?;
    check_finite(&values, view.dim(), 0, split)?;
    Ok(values)
}

/// Refuses a NaN or an infinity, naming its place.
pub(crate) fn check_finite(
    values: &[f32],
    dim: usize,
    first_row: usize,
    split: &str,
) -> Result<(), ProbeError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(ProbeError::NotFinite(format!(
            "feature {} of row {} of the {split} rows is {}, not a finite number\n  hint: a model run in f16 overflows above 65504; extract in f32",
            index % dim,
            first_row + index / dim,
            values[index],
        ))),
        None => Ok(()),
    }
}

impl Scaler {
    /// Fits on training values `[rows, dim]` and counts the constant features.
    pub(crate) fn fit(values: &[f32], dim: usize) -> (Self, usize) {
        let n_rows = (values.len() / dim.max(1)).max(1) as f64;
        let first = values.get(..dim).unwrap_or_default();
        let mut means = vec![0.0; dim];
        let mut varies = vec![false; dim];
        for row in values.chunks(dim.max(1)) {
            for (((mean, varies), value), first) in means.iter_mut().zip(&mut varies).zip(row).zip(first) {
                *mean += f64::from(*value);
                *varies |= value.total_cmp(first).is_ne();
            }
        }
        means.iter_mut().for_each(|mean| *mean /= n_rows);
        let mut scales = vec![0.0; dim];
        for row in values.chunks(dim.max(1)) {
            for ((scale, mean), value) in scales.iter_mut().zip(&means).zip(row) {
                *scale += (f64::from(*value) - mean).powi(2);
            }
        }
        let mut n_constant = 0;
        for (((scale, mean), varies), first) in scales.iter_mut().zip(&mut means).zip(varies).zip(first) {
            *scale = (*scale / n_rows).sqrt();
            if !varies || *scale == 0.0 {
                n_constant += 1;
                *scale = 1.0;
                *mean = f64::from(*first);
            }
        }
        (Self { means, scales }, n_constant)
    }

    /// Standardised values.
    ///
    /// # Shapes
    /// `[rows, dim]`
    pub(crate) fn apply(&self, values: &[f32]) -> Array2<f64> {
        let dim = self.means.len();
        let n_rows = values.len() / dim.max(1);
        let mut standardised = Array2::zeros((n_rows, dim));
        if let (1.., Some(target)) = (dim, standardised.as_slice_mut()) {
            target.par_chunks_mut(dim).zip(values.par_chunks(dim)).for_each(|(target, values)| {
                for (((target, value), mean), scale) in
                    target.iter_mut().zip(values).zip(&self.means).zip(&self.scales)
                {
                    *target = (f64::from(*value) - mean) / scale;
                }
            });
        }
        standardised
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn features_get_mean_zero_and_deviation_one_and_constant_ones_zero() {
        let (scaler, n_constant) = Scaler::fit(&[1.0, 0.1, 3.0, 0.1, 5.0, 0.1], 2);
        assert_eq!(n_constant, 1);
        let values = scaler.apply(&[1.0, 0.1, 3.0, 0.1, 5.0, 0.1]);
        let expected = 1.5_f64.sqrt();
        for (value, expected) in values.column(0).iter().zip([-expected, 0.0, expected]) {
            assert_abs_diff_eq!(*value, expected, epsilon = 1e-12);
        }
        assert!(values.column(1).iter().all(|&value| value == 0.0));
    }

    #[test]
    fn a_value_that_is_not_finite_is_named() {
        let error = check_finite(&[0.0, 1.0, f32::NAN, 0.0], 2, 10, "train").unwrap_err().to_string();
        assert!(error.starts_with("feature 0 of row 11 of the train rows is NaN"), "{error}");
    }
}
