//! Passes over the rows of a feature matrix. A column of ones for the intercept is taken to follow the features.
//!
//! A pass computes logits, turns them into residuals row by row and multiplies the residuals with the features while
//! the rows are still in the processor's cache: the matrix is read once. Pieces of rows depend on the shape only, and
//! partial sums are added in their order. Results therefore do not depend on the number of threads, nor on whether
//! rows stay in memory or are read again in each pass.

use crate::error::LinearError;
use crate::prepare::gram::GramProduct;
use crate::prepare::scaler::Scaler;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;
use seqprobe_core::FeatureView;
use std::borrow::Cow;

/// Pieces that run in parallel, or more if pieces would be too large. The number is fixed, so that sums are too.
const MIN_PIECES: usize = 64;
/// Largest number of values in a piece, which a thread reads at once from stored features (16 MiB).
const MAX_PIECE_VALUES: usize = 4 << 20;
/// Values in a block of rows, which is used twice in a row; 256 KiB stay in a second-level cache.
const BLOCK_VALUES: usize = 32_768;
/// Values in the buffer of scaled rows from which Gram matrices are summed (8 MiB).
const GRAM_BUFFER_VALUES: usize = 1 << 20;

/// A feature matrix, in memory or read when needed.
#[derive(Clone, Copy)]
pub(crate) struct Design<'a> {
    rows: Rows<'a>,
    /// Columns without that of the intercept.
    pub(crate) n_columns: usize,
    /// Rows.
    pub(crate) n_rows: usize,
}

#[derive(Clone, Copy)]
enum Rows<'a> {
    /// In memory, row-major, used as they are.
    Held(&'a [f64]),
    /// Stored features, standardised when they are read.
    Stored(FeatureView<'a>, &'a Scaler),
}

impl<'a> Design<'a> {
    /// `values`: `[n_rows, n_columns]`, row-major.
    pub(crate) fn new(values: &'a [f64], n_rows: usize, n_columns: usize) -> Self {
        debug_assert_eq!(values.len(), n_rows * n_columns);
        Self { rows: Rows::Held(values), n_columns, n_rows }
    }

    /// The standardised rows of a view, which each pass reads again.
    pub(crate) fn stored(view: FeatureView<'a>, scaler: &'a Scaler) -> Self {
        Self { rows: Rows::Stored(view, scaler), n_columns: view.dim(), n_rows: view.n_rows() }
    }

    /// Parameters per output: one weight per column, then the intercept.
    pub(crate) fn width(&self) -> usize {
        self.n_columns + 1
    }

    /// All values, row-major: `[n_rows, n_columns]`.
    pub(crate) fn values(&self) -> Result<Cow<'a, [f64]>, LinearError> {
        match self.rows {
            Rows::Held(values) => Ok(Cow::Borrowed(values)),
            Rows::Stored(view, scaler) => scaler.read(&view).map(Cow::Owned),
        }
    }

    fn piece_rows(&self) -> usize {
        let most = (MAX_PIECE_VALUES / self.n_columns.max(1)).max(1);
        self.n_rows.div_ceil(MIN_PIECES).clamp(1, most)
    }

    /// Calls `visit(first row of the block, block)` for blocks `[rows, n_columns]` of the rows from `first` on.
    fn blocks(
        &self,
        first: usize,
        n_rows: usize,
        block: usize,
        mut visit: impl FnMut(usize, &[f64]),
    ) -> Result<(), LinearError> {
        let dim = self.n_columns;
        match self.rows {
            Rows::Held(values) => {
                for start in (first..first + n_rows).step_by(block) {
                    let end = (start + block).min(first + n_rows);
                    visit(start, &values[start * dim..end * dim]);
                }
            }
            Rows::Stored(view, scaler) => {
                let indices: Vec<usize> = (first..first + n_rows).collect();
                let mut singles = Vec::with_capacity(n_rows * dim);
                view.read(&indices, &mut singles)?;
                let mut doubles = vec![0.0; block.min(n_rows) * dim];
                for start in (0..n_rows).step_by(block) {
                    let end = (start + block).min(n_rows);
                    let doubles = &mut doubles[..(end - start) * dim];
                    scaler.standardise(&singles[start * dim..end * dim], doubles);
                    visit(first + start, doubles);
                }
            }
        }
        Ok(())
    }

    /// Makes one pass. `visit(first row, state, logits)` gets the logits `[rows, outputs]` of a block of rows and the
    /// part of `state` that belongs to these rows. It overwrites the logits with residuals and returns a number.
    /// Returns the sum of these numbers and `residualsᵀ · [features, 1]`.
    ///
    /// # Shapes
    /// `parameters`: `[outputs, width]`; `state`: `[rows, anything]`; result: `[outputs, width]`.
    pub(crate) fn sweep<V>(
        &self,
        parameters: &[f64],
        outputs: usize,
        state: &mut [f64],
        visit: V,
    ) -> Result<(f64, Vec<f64>), LinearError>
    where
        V: Fn(usize, &mut [f64], &mut [f64]) -> f64 + Sync,
    {
        let width = self.width();
        let state_width = state.len() / self.n_rows.max(1);
        let piece = self.piece_rows();
        let block = (BLOCK_VALUES / width).clamp(4, 512);
        let weights = MatRef::from_column_major_slice(parameters, width, outputs);
        let weights = weights.submatrix(0, 0, self.n_columns, outputs);
        let sweep_piece = |(index, state): (usize, &mut [f64])| {
            let (first_of_piece, n_rows) = (index * piece, state.len() / state_width);
            let mut total = 0.0;
            let mut products = vec![0.0; outputs * width];
            let mut logits = vec![0.0; block * outputs];
            self.blocks(first_of_piece, n_rows, block, |first, values| {
                let rows = values.len() / self.n_columns;
                let logits = &mut logits[..rows * outputs];
                let features = MatRef::from_row_major_slice(values, rows, self.n_columns);
                for logits in logits.chunks_mut(outputs) {
                    for (logit, parameters) in logits.iter_mut().zip(parameters.chunks(width)) {
                        *logit = parameters.last().copied().unwrap_or(0.0);
                    }
                }
                let target = MatMut::from_row_major_slice_mut(&mut *logits, rows, outputs);
                matmul(target, Accum::Add, features, weights, 1.0, Par::Seq);
                let start = (first - first_of_piece) * state_width;
                total += visit(first, &mut state[start..start + rows * state_width], logits);
                let residuals = MatRef::from_row_major_slice(logits, rows, outputs);
                let target = MatMut::from_column_major_slice_mut(&mut products, width, outputs);
                let target = target.submatrix_mut(0, 0, self.n_columns, outputs);
                matmul(target, Accum::Add, features.transpose(), residuals, 1.0, Par::Seq);
                for residuals in logits.chunks(outputs) {
                    for (&residual, products) in residuals.iter().zip(products.chunks_mut(width)) {
                        products[width - 1] += residual;
                    }
                }
            })?;
            Ok((total, products))
        };
        let parts: Vec<Result<(f64, Vec<f64>), LinearError>> =
            state.par_chunks_mut(piece * state_width).enumerate().map(sweep_piece).collect();
        let mut total = 0.0;
        let mut products = vec![0.0; outputs * width];
        for part in parts {
            let (part_total, part) = part?;
            total += part_total;
            for (sum, value) in products.iter_mut().zip(part) {
                *sum += value;
            }
        }
        Ok((total, products))
    }

    /// Returns the lower triangle of `[features, 1, extra]ᵀ · diag(weights) · [features, 1, extra]`. No weight may be
    /// negative.
    ///
    /// # Shapes
    /// `weights`: one per row, all 1 if `None`; `extra`: `[rows, anything]`, row-major; result: `[size, size]`,
    /// size = width + columns of `extra`.
    pub(crate) fn gram(
        &self,
        product: GramProduct,
        weights: Option<&[f64]>,
        extra: &[f64],
    ) -> Result<Vec<f64>, LinearError> {
        let n_extra = extra.len() / self.n_rows.max(1);
        let size = self.width() + n_extra;
        let block = (GRAM_BUFFER_VALUES / size).clamp(64, 8_192).min(self.n_rows.max(1));
        let part = block.div_ceil(MIN_PIECES).max(1);
        let mut sum = vec![0.0; size * size];
        let mut buffer = vec![0.0; block * size];
        for first_of_block in (0..self.n_rows).step_by(block) {
            let n_rows = block.min(self.n_rows - first_of_block);
            let buffer = &mut buffer[..n_rows * size];
            let fill = |(index, scaled): (usize, &mut [f64])| {
                let (first, n_rows) = (first_of_block + index * part, scaled.len() / size);
                self.blocks(first, n_rows, n_rows, |_, values| {
                    let rows = scaled.chunks_mut(size).zip(values.chunks(self.n_columns));
                    for (offset, (scaled, values)) in rows.enumerate() {
                        let row = first + offset;
                        let factor = weights.map_or(1.0, |weights| weights[row].sqrt());
                        for (scaled, value) in scaled.iter_mut().zip(values) {
                            *scaled = factor * value;
                        }
                        scaled[self.n_columns] = factor;
                        let extra = &extra[row * n_extra..(row + 1) * n_extra];
                        for (scaled, value) in scaled[self.n_columns + 1..].iter_mut().zip(extra) {
                            *scaled = factor * value;
                        }
                    }
                })
            };
            buffer.par_chunks_mut(part * size).enumerate().map(fill).collect::<Result<(), LinearError>>()?;
            product(buffer, size, &mut sum);
        }
        Ok(sum)
    }

    /// Returns the linear outputs of all rows.
    ///
    /// # Shapes
    /// `parameters`: `[outputs, width]`; result: `[rows, outputs]`, row-major.
    pub(crate) fn outputs(&self, parameters: &[f64], outputs: usize) -> Result<Vec<f64>, LinearError> {
        let width = self.width();
        let block = (BLOCK_VALUES / width).clamp(4, 512);
        let piece = self.piece_rows();
        let weights = MatRef::from_column_major_slice(parameters, width, outputs);
        let weights = weights.submatrix(0, 0, self.n_columns, outputs);
        let mut values = vec![0.0; self.n_rows * outputs];
        let fill = |(index, values): (usize, &mut [f64])| {
            let first_of_piece = index * piece;
            self.blocks(first_of_piece, values.len() / outputs, block, |first, features| {
                let rows = features.len() / self.n_columns;
                let start = (first - first_of_piece) * outputs;
                let values = &mut values[start..start + rows * outputs];
                for values in values.chunks_mut(outputs) {
                    for (value, parameters) in values.iter_mut().zip(parameters.chunks(width)) {
                        *value = parameters.last().copied().unwrap_or(0.0);
                    }
                }
                let features = MatRef::from_row_major_slice(features, rows, self.n_columns);
                let target = MatMut::from_row_major_slice_mut(values, rows, outputs);
                matmul(target, Accum::Add, features, weights, 1.0, Par::Seq);
            })
        };
        values
            .par_chunks_mut((piece * outputs).max(1))
            .enumerate()
            .map(fill)
            .collect::<Result<(), LinearError>>()?;
        Ok(values)
    }
}

/// Returns the dot product of two vectors over the length of the first, in eight interleaved sums.
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
