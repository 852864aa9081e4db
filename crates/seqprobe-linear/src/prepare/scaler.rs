//! Standardisation, fitted on training rows only: mean 0 and population standard deviation 1.

use crate::error::LinearError;
use ndarray::Array2;
use rayon::prelude::*;
use seqprobe_core::{FeatureView, ProbeError};

/// Largest number of values that a thread reads at once (1 MiB), so that both passes over them use the second-level
/// cache.
const MAX_PIECE_VALUES: usize = 1 << 18;

/// Mean and scale of each feature.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scaler {
    pub(crate) means: Vec<f64>,
    /// Population standard deviation; 1 for a feature that is constant in train.
    pub(crate) scales: Vec<f64>,
}

/// Refuses a NaN or an infinity. The error names its row and feature.
pub(crate) fn check_finite(
    values: &[f32],
    dim: usize,
    first_row: usize,
    split: &str,
) -> Result<(), ProbeError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(ProbeError::NotFinite(format!(
            "feature {} of row {} of the {split} rows is {}, not a finite number\n  \
             hint: a model run in f16 overflows above 65504; extract in f32",
            index % dim,
            first_row + index / dim,
            values[index],
        ))),
        None => Ok(()),
    }
}

/// Number, means and sums of squared deviations of some rows.
struct Moments {
    n_rows: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
    /// Whether a value differs from that of the very first row.
    varies: Vec<bool>,
}

impl Moments {
    fn of(values: &[f32], first: &[f32]) -> Self {
        let dim = first.len();
        let n_rows = (values.len() / dim) as f64;
        let mut moments =
            Self { n_rows, means: vec![0.0; dim], squares: vec![0.0; dim], varies: vec![false; dim] };
        for row in values.chunks(dim) {
            let columns = moments.means.iter_mut().zip(&mut moments.varies).zip(row).zip(first);
            for (((mean, varies), value), first) in columns {
                *mean += f64::from(*value);
                *varies |= value.total_cmp(first).is_ne();
            }
        }
        moments.means.iter_mut().for_each(|mean| *mean /= n_rows);
        for row in values.chunks(dim) {
            for ((square, mean), value) in moments.squares.iter_mut().zip(&moments.means).zip(row) {
                *square += (f64::from(*value) - mean).powi(2);
            }
        }
        moments
    }

    /// Adds the moments of further rows, after Chan, Golub and LeVeque (1979).
    fn add(&mut self, other: &Self) {
        let n_rows = self.n_rows + other.n_rows;
        for column in 0..self.means.len() {
            let off = other.means[column] - self.means[column];
            self.squares[column] += other.squares[column] + off * off * (self.n_rows * other.n_rows / n_rows);
            self.means[column] += off * (other.n_rows / n_rows);
            self.varies[column] |= other.varies[column];
        }
        self.n_rows = n_rows;
    }
}

impl Scaler {
    /// Fits on the rows of a view, which are read once and in pieces. Returns the scaler and the number of constant
    /// features.
    ///
    /// # Errors
    /// [`ProbeError::NotFinite`], which names the first value that is not finite, and the errors of reading.
    pub(crate) fn fit(view: &FeatureView<'_>, split: &str) -> Result<(Self, usize), ProbeError> {
        let (dim, n_rows) = (view.dim(), view.n_rows());
        let mut first = Vec::with_capacity(dim);
        view.read(&[0], &mut first)?;
        let piece = (MAX_PIECE_VALUES / dim.max(1)).max(1);
        let starts: Vec<usize> = (0..n_rows).step_by(piece).collect();
        let measure = |&start: &usize| {
            let rows: Vec<usize> = (start..n_rows.min(start + piece)).collect();
            let mut values = Vec::with_capacity(rows.len() * dim);
            view.read(&rows, &mut values)?;
            check_finite(&values, dim, start, split)?;
            Ok(Moments::of(&values, &first))
        };
        let parts: Vec<Result<Moments, ProbeError>> = starts.par_iter().map(measure).collect();
        let mut all: Option<Moments> = None;
        for part in parts {
            let part = part?;
            match &mut all {
                None => all = Some(part),
                Some(all) => all.add(&part),
            }
        }
        let Some(all) = all else {
            return Ok((Self { means: vec![0.0; dim], scales: vec![1.0; dim] }, dim));
        };
        let mut n_constant = 0;
        let (mut means, mut scales) = (all.means, all.squares);
        for (((scale, mean), varies), first) in scales.iter_mut().zip(&mut means).zip(all.varies).zip(first) {
            *scale = (*scale / all.n_rows).sqrt();
            if !varies || *scale == 0.0 {
                n_constant += 1;
                *scale = 1.0;
                *mean = f64::from(first);
            }
        }
        Ok((Self { means, scales }, n_constant))
    }

    /// Standardises rows. Shapes: `[rows, dim]` of both.
    pub(crate) fn standardise(&self, values: &[f32], standardised: &mut [f64]) {
        let dim = self.means.len().max(1);
        for (target, values) in standardised.chunks_mut(dim).zip(values.chunks(dim)) {
            for (((target, value), mean), scale) in
                target.iter_mut().zip(values).zip(&self.means).zip(&self.scales)
            {
                *target = (f64::from(*value) - mean) / scale;
            }
        }
    }

    /// Reads all rows of a view and standardises them. The result is row-major.
    pub(crate) fn read(&self, view: &FeatureView<'_>) -> Result<Vec<f64>, LinearError> {
        let (dim, n_rows) = (view.dim().max(1), view.n_rows());
        let piece = (MAX_PIECE_VALUES / dim).max(1);
        let mut standardised = vec![0.0; n_rows * dim];
        let fill = |(index, target): (usize, &mut [f64])| {
            let first = index * piece;
            let rows: Vec<usize> = (first..first + target.len() / dim).collect();
            let mut values = Vec::with_capacity(target.len());
            view.read(&rows, &mut values)?;
            self.standardise(&values, target);
            Ok(())
        };
        standardised
            .par_chunks_mut(piece * dim)
            .enumerate()
            .map(fill)
            .collect::<Result<(), LinearError>>()?;
        Ok(standardised)
    }

    /// Returns standardised values.
    ///
    /// # Shapes
    /// `[rows, dim]`
    pub(crate) fn apply(&self, values: &[f32]) -> Array2<f64> {
        let dim = self.means.len();
        let mut standardised = Array2::zeros((values.len() / dim.max(1), dim));
        if let (1.., Some(target)) = (dim, standardised.as_slice_mut()) {
            let rows = target.par_chunks_mut(dim).zip(values.par_chunks(dim));
            rows.for_each(|(target, values)| self.standardise(values, target));
        }
        standardised
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use seqprobe_core::{FeatureError, FeatureKind, FeatureSource};

    struct Memory(Vec<f32>, usize);

    impl FeatureSource for Memory {
        fn n_rows(&self) -> usize {
            self.0.len() / self.1
        }

        fn dim(&self) -> usize {
            self.1
        }

        fn kind(&self) -> FeatureKind {
            FeatureKind::Pooled
        }

        fn length(&self, _row: usize) -> usize {
            1
        }

        fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
            for &row in rows {
                out.extend(&self.0[row * self.1..(row + 1) * self.1]);
            }
            Ok(())
        }
    }

    #[test]
    fn features_get_mean_zero_and_deviation_one_and_constant_ones_zero() {
        let source = Memory(vec![1.0, 0.1, 3.0, 0.1, 5.0, 0.1], 2);
        let view = FeatureView::new(&source, &[0, 1, 2]).unwrap();
        let (scaler, n_constant) = Scaler::fit(&view, "train").unwrap();
        assert_eq!(n_constant, 1);
        let values = scaler.apply(&source.0);
        let expected = 1.5_f64.sqrt();
        for (value, expected) in values.column(0).iter().zip([-expected, 0.0, expected]) {
            assert_abs_diff_eq!(*value, expected, epsilon = 1e-12);
        }
        assert!(values.column(1).iter().all(|&value| value == 0.0));
        assert_eq!(scaler.read(&view).unwrap(), values.into_raw_vec_and_offset().0);
    }

    #[test]
    fn moments_of_pieces_are_those_of_the_whole() {
        let values: Vec<f32> = (0..3_000).map(|i| 1e4 + ((i * 7_919) % 1_013) as f32).collect();
        let first = &values[..3];
        let whole = Moments::of(&values, first);
        let mut parts = Moments::of(&values[..300], first);
        parts.add(&Moments::of(&values[300..360], first));
        parts.add(&Moments::of(&values[360..], first));
        for column in 0..3 {
            assert_abs_diff_eq!(parts.means[column], whole.means[column], epsilon = 1e-9);
            assert_abs_diff_eq!(parts.squares[column] / whole.squares[column], 1.0, epsilon = 1e-12);
        }
    }

    #[test]
    fn a_value_that_is_not_finite_is_named() {
        let error = check_finite(&[0.0, 1.0, f32::NAN, 0.0], 2, 10, "train").unwrap_err().to_string();
        assert!(error.starts_with("feature 0 of row 11 of the train rows is NaN"), "{error}");
    }
}
