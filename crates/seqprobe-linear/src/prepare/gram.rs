//! The Gram product, the expensive step of the solvers, as a function that a caller may replace by a faster one.

use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, MatMut, MatRef, Par};

/// Adds `rowsᵀ · rows` to the lower triangle of `out`. Values above the diagonal are never read.
///
/// # Shapes
/// `rows`: `[rows, columns]`, row-major. `out`: `[columns, columns]`, row-major.
pub type GramProduct = fn(rows: &[f64], columns: usize, out: &mut [f64]);

/// The product by faer, on all threads of the current rayon pool. Shapes as in [`GramProduct`].
pub fn faer_gram(rows: &[f64], columns: usize, out: &mut [f64]) {
    if columns == 0 || rows.is_empty() {
        return;
    }
    let block = MatRef::from_row_major_slice(rows, rows.len() / columns, columns);
    let target = MatMut::from_row_major_slice_mut(out, columns, columns);
    matmul(
        target,
        BlockStructure::TriangularLower,
        Accum::Add,
        block.transpose(),
        BlockStructure::Rectangular,
        block,
        BlockStructure::Rectangular,
        1.0,
        Par::rayon(0),
    );
}
