//! The weighted, centred Gram matrix of the requested features. It grows with further requests.
//!
//! A sparse fit uses few of many features. The product of two features is computed once, in blocks of rows whose sums
//! are added in order, so that results do not depend on the number of threads.

use crate::error::LinearError;
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use ndarray::ArrayView2;
use rayon::prelude::*;

/// Rows in one block of a product.
const BLOCK_ROWS: usize = 4_096;

/// A row-major feature matrix in memory.
#[derive(Clone, Copy)]
pub(crate) struct DenseRows<'a> {
    /// `[n_rows, n_columns]`
    pub(crate) values: &'a [f64],
    pub(crate) n_rows: usize,
    pub(crate) n_columns: usize,
}

impl<'a> DenseRows<'a> {
    /// `values`: `[n_rows, n_columns]`, row-major.
    pub(crate) fn new(values: &'a [f64], n_rows: usize, n_columns: usize) -> Self {
        debug_assert_eq!(values.len(), n_rows * n_columns);
        Self { values, n_rows, n_columns }
    }
}

/// Returns row-major features in the form that the solvers read.
pub(crate) fn dense(features: ArrayView2<'_, f64>) -> Result<DenseRows<'_>, LinearError> {
    let (n_rows, n_columns) = features.dim();
    match features.to_slice() {
        Some(values) => Ok(DenseRows::new(values, n_rows, n_columns)),
        None => Err(LinearError::Numeric("features have no row-major layout".to_owned())),
    }
}

/// Products of the member features over all rows: `Σ weight · (x − mean)(x − mean)ᵀ / rows`.
pub(crate) struct GrowingGram {
    weights: Vec<f64>,
    total: f64,
    members: Vec<usize>,
    places: Vec<usize>,
    means: Vec<f64>,
    values: Vec<f64>,
}

impl GrowingGram {
    /// Starts without members. `weights`: one per row, none negative, not all 0.
    pub(crate) fn new(design: DenseRows<'_>, weights: Vec<f64>) -> Self {
        let total = weights.iter().sum();
        Self {
            weights,
            total,
            members: Vec::new(),
            places: vec![usize::MAX; design.n_columns],
            means: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The member features, in the order of the matrix.
    pub(crate) fn members(&self) -> &[usize] {
        &self.members
    }

    /// Whether a feature is a member.
    pub(crate) fn holds(&self, feature: usize) -> bool {
        self.places[feature] != usize::MAX
    }

    /// Weighted mean of each member.
    pub(crate) fn means(&self) -> &[f64] {
        &self.means
    }

    /// # Shapes
    /// `[members, members]`, symmetric.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Adds the features of `wanted` that are no members yet.
    pub(crate) fn ask(&mut self, design: DenseRows<'_>, wanted: &[usize]) {
        let old = self.members.len();
        for &feature in wanted {
            if !self.holds(feature) {
                self.places[feature] = self.members.len();
                self.members.push(feature);
            }
        }
        let width = self.members.len();
        let new = width - old;
        if new == 0 {
            return;
        }
        let (mut with_old, mut with_new) = (vec![0.0; new * old], vec![0.0; new * new]);
        let mut sums = vec![0.0; new];
        let block = BLOCK_ROWS.min(design.n_rows.max(1));
        let (mut all, mut fresh) = (vec![0.0; block * width], vec![0.0; block * new]);
        let features = design.values;
        for (index, weights) in self.weights.chunks(block).enumerate() {
            let n_rows = weights.len();
            let (all, fresh) = (&mut all[..n_rows * width], &mut fresh[..n_rows * new]);
            let members = &self.members;
            all.par_chunks_mut(width).zip(fresh.par_chunks_mut(new)).zip(weights).enumerate().for_each(
                |(offset, ((all, fresh), weight))| {
                    let first = (index * block + offset) * design.n_columns;
                    let row = &features[first..first + design.n_columns];
                    for (value, &member) in all.iter_mut().zip(members) {
                        *value = row[member];
                    }
                    for (value, own) in fresh.iter_mut().zip(&all[old..]) {
                        *value = weight * own;
                    }
                },
            );
            for fresh in fresh.chunks(new) {
                for (sum, value) in sums.iter_mut().zip(fresh) {
                    *sum += value;
                }
            }
            let fresh = MatRef::from_row_major_slice(fresh, n_rows, new).transpose();
            let (earlier, own) = MatRef::from_row_major_slice(all, n_rows, width).split_at_col(old);
            let target = MatMut::from_row_major_slice_mut(&mut with_old, new, old);
            matmul(target, Accum::Add, fresh, earlier, 1.0, Par::rayon(0));
            triangular::matmul(
                MatMut::from_row_major_slice_mut(&mut with_new, new, new),
                BlockStructure::TriangularLower,
                Accum::Add,
                fresh,
                BlockStructure::Rectangular,
                own,
                BlockStructure::Rectangular,
                1.0,
                Par::rayon(0),
            );
        }
        self.means.extend(sums.iter().map(|sum| sum / self.total));
        let n_rows = design.n_rows as f64;
        let mut values = vec![0.0; width * width];
        for (row, old_row) in self.values.chunks(old.max(1)).enumerate() {
            values[row * width..row * width + old].copy_from_slice(old_row);
        }
        for row in old..width {
            for column in 0..=row {
                let product = match column.checked_sub(old) {
                    Some(column) => with_new[(row - old) * new + column],
                    None => with_old[(row - old) * old + column],
                };
                let value = (product - self.total * self.means[row] * self.means[column]) / n_rows;
                values[row * width + column] = value;
                values[column * width + row] = value;
            }
        }
        self.values = values;
    }
}

/// Returns `featuresᵀ · residuals / rows` for every feature, summed in pieces that depend on the number of rows only.
pub(crate) fn feature_slopes(design: DenseRows<'_>, residuals: &[f64]) -> Vec<f64> {
    let width = design.n_columns;
    let piece = design.n_rows.div_ceil(64).max(1);
    let parts: Vec<Vec<f64>> = design
        .values
        .par_chunks(piece * width.max(1))
        .zip(residuals.par_chunks(piece))
        .map(|(features, residuals)| {
            let mut sums = vec![0.0; width];
            for (row, residual) in features.chunks(width.max(1)).zip(residuals) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += residual * value;
                }
            }
            sums
        })
        .collect();
    let mut slopes = vec![0.0; width];
    for part in parts {
        for (slope, sum) in slopes.iter_mut().zip(part) {
            *slope += sum;
        }
    }
    slopes.iter_mut().for_each(|slope| *slope /= design.n_rows as f64);
    slopes
}

/// Adds `Σ value · feature`, over the features given, to each row of `out`.
pub(crate) fn add_features(design: DenseRows<'_>, values: &[(usize, f64)], out: &mut [f64]) {
    let width = design.n_columns.max(1);
    design.values.par_chunks(width).zip(out.par_iter_mut()).with_min_len(64).for_each(|(row, out)| {
        *out += values.iter().map(|&(feature, value)| value * row[feature]).sum::<f64>();
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn a_matrix_that_grew_is_the_one_made_at_once() {
        let values: Vec<f64> = (0..60).map(|index| f64::from((index * 37 + 11) % 23) - 7.0).collect();
        let design = DenseRows::new(&values, 15, 4);
        let weights: Vec<f64> = (0..15).map(|row| 0.1 + f64::from(row % 4)).collect();
        let mut gram = GrowingGram::new(design, weights.clone());
        gram.ask(design, &[2]);
        gram.ask(design, &[2, 0]);
        gram.ask(design, &[3, 1]);
        assert_eq!(gram.members(), [2, 0, 3, 1]);
        let total: f64 = weights.iter().sum();
        for (row, &left) in gram.members().iter().enumerate() {
            for (column, &right) in gram.members().iter().enumerate() {
                let mean = |feature: usize| {
                    (0..15).map(|row| weights[row] * values[row * 4 + feature]).sum::<f64>() / total
                };
                let expected: f64 = (0..15)
                    .map(|row| {
                        weights[row]
                            * (values[row * 4 + left] - mean(left))
                            * (values[row * 4 + right] - mean(right))
                    })
                    .sum::<f64>()
                    / 15.0;
                assert_abs_diff_eq!(gram.values()[row * 4 + column], expected, epsilon = 1e-10);
            }
        }
    }
}
