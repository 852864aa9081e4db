//! Passes over the rows of a feature matrix that ends, in thought, in a column of ones for the intercept.
//!
//! A pass computes logits, turns them into residuals row by row and multiplies these back onto the features
//! while the rows are still in the processor's cache: the matrix is read once. Rows are cut into pieces that
//! depend on the shape only and partial sums are added in their order, so that results do not depend on the
//! number of threads.

use crate::gram::GramProduct;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Most pieces that run in parallel; fixed, so that sums are too.
const PIECES: usize = 64;
/// Values in the block of rows that is read twice in a row; 256 KiB stay in a second-level cache.
const BLOCK_VALUES: usize = 32_768;
/// Values in the buffer of scaled rows from which Gram matrices are summed (32 MiB).
const GRAM_BUFFER_VALUES: usize = 4 << 20;

/// A row-major feature matrix.
#[derive(Clone, Copy)]
pub(crate) struct Design<'a> {
    values: &'a [f64],
    /// Columns without the intercept's.
    pub(crate) n_columns: usize,
    /// Rows.
    pub(crate) n_rows: usize,
}

impl<'a> Design<'a> {
    /// `values`: `[n_rows, n_columns]`, row-major.
    pub(crate) fn new(values: &'a [f64], n_rows: usize, n_columns: usize) -> Self {
        debug_assert_eq!(values.len(), n_rows * n_columns);
        Self { values, n_columns, n_rows }
    }

    /// Parameters per output: one weight a column, and the intercept last.
    pub(crate) fn width(&self) -> usize {
        self.n_columns + 1
    }

    /// The row-major values.
    pub(crate) fn values(&self) -> &'a [f64] {
        self.values
    }

    fn row(&self, row: usize) -> &'a [f64] {
        &self.values[row * self.n_columns..(row + 1) * self.n_columns]
    }

    /// One pass. `visit(first row, state, logits)` gets the logits `[rows, outputs]` of a block of rows and the
    /// rows' own part of `state`, must overwrite the logits by residuals and returns a number to be summed.
    /// Gives that sum and `residualsᵀ · [features, 1]`.
    ///
    /// # Shapes
    /// `parameters`: `[outputs, width]`; `state`: `[rows, anything]`; result: `[outputs, width]`.
    pub(crate) fn sweep<V>(
        &self,
        parameters: &[f64],
        outputs: usize,
        state: &mut [f64],
        visit: V,
    ) -> (f64, Vec<f64>)
    where
        V: Fn(usize, &mut [f64], &mut [f64]) -> f64 + Sync,
    {
        let width = self.width();
        let state_width = state.len() / self.n_rows.max(1);
        let piece = self.n_rows.div_ceil(PIECES).max(1);
        let block = (BLOCK_VALUES / width).clamp(4, 512);
        let weights = MatRef::from_column_major_slice(parameters, width, outputs);
        let weights = weights.submatrix(0, 0, self.n_columns, outputs);
        let parts: Vec<(f64, Vec<f64>)> = state
            .par_chunks_mut(piece * state_width)
            .enumerate()
            .map(|(index, state)| {
                let mut total = 0.0;
                let mut products = vec![0.0; outputs * width];
                let mut logits = vec![0.0; block * outputs];
                for (step, state) in state.chunks_mut(block * state_width).enumerate() {
                    let first = index * piece + step * block;
                    let logits = &mut logits[..state.len() / state_width * outputs];
                    let rows = logits.len() / outputs;
                    let features = &self.values[first * self.n_columns..(first + rows) * self.n_columns];
                    let features = MatRef::from_row_major_slice(features, rows, self.n_columns);
                    for logits in logits.chunks_mut(outputs) {
                        for (logit, parameters) in logits.iter_mut().zip(parameters.chunks(width)) {
                            *logit = parameters.last().copied().unwrap_or(0.0);
                        }
                    }
                    let target = MatMut::from_row_major_slice_mut(&mut *logits, rows, outputs);
                    matmul(target, Accum::Add, features, weights, 1.0, Par::Seq);
                    total += visit(first, state, logits);
                    let residuals = MatRef::from_row_major_slice(logits, rows, outputs);
                    let target = MatMut::from_column_major_slice_mut(&mut products, width, outputs);
                    let target = target.submatrix_mut(0, 0, self.n_columns, outputs);
                    matmul(target, Accum::Add, features.transpose(), residuals, 1.0, Par::Seq);
                    for residuals in logits.chunks(outputs) {
                        for (&residual, products) in residuals.iter().zip(products.chunks_mut(width)) {
                            products[width - 1] += residual;
                        }
                    }
                }
                (total, products)
            })
            .collect();
        let mut total = 0.0;
        let mut products = vec![0.0; outputs * width];
        for (part_total, part) in parts {
            total += part_total;
            for (sum, value) in products.iter_mut().zip(part) {
                *sum += value;
            }
        }
        (total, products)
    }

    /// The lower triangle of `[features, 1]ᵀ · diag(weights) · [features, 1]`; no weight may be negative.
    ///
    /// # Shapes
    /// `weights`: one per row; result: `[width, width]`.
    pub(crate) fn gram(&self, product: GramProduct, weights: &[f64]) -> Vec<f64> {
        let width = self.width();
        let block = (GRAM_BUFFER_VALUES / width).clamp(64, 8_192).min(self.n_rows.max(1));
        let mut sum = vec![0.0; width * width];
        let mut buffer = vec![0.0; block * width];
        for (index, weights) in weights.chunks(block).enumerate() {
            let buffer = &mut buffer[..weights.len() * width];
            buffer.par_chunks_mut(width).zip(weights).enumerate().for_each(|(offset, (scaled, weight))| {
                let factor = weight.sqrt();
                let (features, last) = scaled.split_at_mut(self.n_columns);
                for (scaled, value) in features.iter_mut().zip(self.row(index * block + offset)) {
                    *scaled = factor * value;
                }
                last.fill(factor);
            });
            product(buffer, width, &mut sum);
        }
        sum
    }
}

/// The product of two vectors over the length of the first, in eight interleaved sums.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let right = &right[..left.len()];
    let mut sums = [0.0_f64; 8];
    let (left_eights, left_rest) = left.as_chunks::<8>();
    let (right_eights, right_rest) = right.as_chunks::<8>();
    for (left, right) in left_eights.iter().zip(right_eights) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += left * right;
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7])) + rest
}
