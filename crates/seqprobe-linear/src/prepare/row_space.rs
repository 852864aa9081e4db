//! Reduces a problem with fewer rows than columns to one with as many columns as rows.
//!
//! A penalised weight vector lies in the space of the rows. With `featuresᵀ = Q·R` the matrix `Rᵀ` has the same
//! products between rows, and `weights = Q · small weights` has the same length. The optimum is therefore the same.

use crate::error::LinearError;
use crate::prepare::design::Design;
use crate::prepare::gram::GramProduct;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj,
};
use faer::linalg::solvers::Qr;
use faer::{Conj, Mat, MatRef, get_global_parallelism};
use std::sync::OnceLock;

/// Features, rotated if they have more columns than rows.
pub(crate) struct RowSpace<'a> {
    original: Design<'a>,
    rotated: Option<Rotated>,
    gram: OnceLock<Vec<f64>>,
}

struct Rotated {
    values: Vec<f64>,
    factors: Qr<f64>,
}

impl<'a> RowSpace<'a> {
    /// Rotates the features if they have more columns than rows. Rotated rows stay in memory: they are smaller than the
    /// Gram matrix of the columns.
    pub(crate) fn new(original: Design<'a>) -> Result<Self, LinearError> {
        let (rows, columns) = (original.n_rows, original.n_columns);
        let rotate = || {
            let values = original.values()?;
            let factors = MatRef::from_column_major_slice(&values, columns, rows).qr();
            let upper = factors.thin_R();
            let mut values = vec![0.0; rows * rows];
            for (row, values) in values.chunks_mut(rows).enumerate() {
                for (column, value) in values.iter_mut().enumerate().take(row + 1) {
                    *value = upper[(column, row)];
                }
            }
            Ok::<_, LinearError>(Rotated { values, factors })
        };
        let rotated = if rows < columns { Some(rotate()?) } else { None };
        Ok(Self { original, rotated, gram: OnceLock::new() })
    }

    /// The unweighted Gram matrix, lower triangle, of [`Self::design`] with its column of ones. It is computed once for
    /// all fits that share the rows.
    pub(crate) fn gram(&self, product: GramProduct) -> Result<&[f64], LinearError> {
        match self.gram.get() {
            Some(gram) => Ok(gram),
            None => {
                let gram = self.design().gram(product, None, &[])?;
                Ok(self.gram.get_or_init(|| gram))
            }
        }
    }

    /// The features to fit on.
    pub(crate) fn design(&self) -> Design<'_> {
        match &self.rotated {
            Some(rotated) => Design::new(&rotated.values, self.original.n_rows, self.original.n_rows),
            None => self.original,
        }
    }

    /// Returns the parameters for the original features, given those fitted. Shapes: `[outputs, width]` of each.
    pub(crate) fn restore(&self, parameters: &[f64]) -> Vec<f64> {
        let Some(rotated) = &self.rotated else {
            return parameters.to_vec();
        };
        let (small, width) = (self.original.n_rows + 1, self.original.width());
        let outputs = parameters.len() / small;
        let mut weights = Mat::<f64>::zeros(width - 1, outputs);
        for (output, parameters) in parameters.chunks(small).enumerate() {
            for (row, value) in parameters.iter().take(small - 1).enumerate() {
                weights[(row, output)] = *value;
            }
        }
        let parallelism = get_global_parallelism();
        let (basis, coefficients) = (rotated.factors.Q_basis(), rotated.factors.Q_coeff());
        let scratch = apply_block_householder_sequence_on_the_left_in_place_scratch::<f64>(
            width - 1,
            coefficients.nrows(),
            outputs,
        );
        apply_block_householder_sequence_on_the_left_in_place_with_conj(
            basis,
            coefficients,
            Conj::No,
            weights.as_mut(),
            parallelism,
            MemStack::new(&mut MemBuffer::new(scratch)),
        );
        let mut restored = Vec::with_capacity(outputs * width);
        for (output, parameters) in parameters.chunks(small).enumerate() {
            restored.extend(weights.col(output).iter().copied());
            restored.extend(parameters.last());
        }
        restored
    }
}
