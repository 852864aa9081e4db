//! Ridge regression for many targets, each with its own missing rows.
//!
//! One eigendecomposition, that of all rows, serves every target. The Gram matrix of a target's known rows is that of
//! all rows less that of its missing rows. Its equations are solved for all penalties together by conjugate gradients,
//! with the decomposition of all rows as preconditioner. If they do not converge, the target gets its own
//! decomposition.

use crate::error::LinearError;
use crate::prepare::standardised::Standardised;
use crate::prepare::targets::known_values;
use crate::solvers::ridge::{Eigen, FittedRidge, RidgePath, centred_eigen};
use faer::{Mat, MatRef};
use ndarray::{Array1, Array2};

/// The residual, in the norm of the preconditioner, must fall by this factor; squares are compared.
const TOLERANCE: f64 = 1e-12;
const MAX_STEPS: usize = 60;
/// With fewer known rows per column than this, the preconditioner is too inaccurate to be worth its cost.
const MIN_ROWS_PER_COLUMN: usize = 2;

/// The computations that all targets share.
pub(crate) struct MissingRidge<'a> {
    path: &'a RidgePath,
    rows: &'a Standardised<'a>,
    targets: &'a Array2<Option<f64>>,
    target_means: Vec<f64>,
    /// Gram matrix of `[features, 1, errors]`, lower triangle. The error of a missing target is 0.
    gram: Vec<f64>,
    /// Decomposition of all rows, if there are enough rows.
    eigen: Option<Eigen>,
    n_rows: usize,
    n_features: usize,
}

impl<'a> MissingRidge<'a> {
    /// Makes one pass over all rows and one decomposition.
    pub(crate) fn new(
        path: &'a RidgePath,
        rows: &'a Standardised<'a>,
        targets: &'a Array2<Option<f64>>,
    ) -> Result<Self, LinearError> {
        let design = rows.design();
        let (n_rows, n_features) = (design.n_rows, design.n_columns);
        let mean = |values: ndarray::ArrayView1<'_, Option<f64>>| {
            let known: Vec<f64> = values.iter().flatten().copied().collect();
            known.iter().sum::<f64>() / known.len().max(1) as f64
        };
        let target_means: Vec<f64> = targets.columns().into_iter().map(mean).collect();
        let mut shared =
            Self { path, rows, targets, target_means, gram: Vec::new(), eigen: None, n_rows, n_features };
        if n_rows >= MIN_ROWS_PER_COLUMN * n_features {
            let errors: Vec<f64> = targets
                .rows()
                .into_iter()
                .flat_map(|row| {
                    let row = row.into_iter().zip(&shared.target_means);
                    row.map(|(value, mean)| value.map_or(0.0, |value| value - mean)).collect::<Vec<_>>()
                })
                .collect();
            shared.gram = design.gram(path.gram, None, &errors)?;
            let gram = shared.matrix();
            let sums: Vec<f64> = (0..n_features).map(|feature| gram[(n_features, feature)]).collect();
            shared.eigen = Some(centred_eigen(gram, &sums, n_rows as f64)?);
        }
        Ok(shared)
    }

    fn matrix(&self) -> MatRef<'_, f64> {
        let size = self.n_features + 1 + self.targets.ncols();
        MatRef::from_row_major_slice(&self.gram, size, size)
    }

    /// Fits all penalties for targets that are known on the same rows.
    pub(crate) fn fit(&self, known: &[usize], targets: &[usize]) -> Result<Vec<FittedRidge>, LinearError> {
        if let Some(eigen) = &self.eigen
            && known.len() >= MIN_ROWS_PER_COLUMN * self.n_features
            && let Some(fitted) = self.fit_preconditioned(eigen, known, targets)?
        {
            return Ok(fitted);
        }
        let mut buffer = Vec::new();
        let own = self.rows.subset(known, &mut buffer);
        self.path.fit_design(&own.design(), known_values(self.targets, known, targets).view())
    }

    /// Returns the whole Gram matrix of the known rows, centred, and their sums.
    fn centred_gram(&self, known: &[usize]) -> Result<(Mat<f64>, Vec<f64>), LinearError> {
        let width = self.n_features + 1;
        let missing: Vec<usize> = {
            let mut is_known = vec![false; self.n_rows];
            known.iter().for_each(|&row| is_known[row] = true);
            (0..self.n_rows).filter(|&row| !is_known[row]).collect()
        };
        let all = self.matrix();
        let subtracts = missing.len() < known.len();
        let mut buffer = Vec::new();
        let own = self.rows.subset(if subtracts { &missing } else { known }, &mut buffer);
        let part = match missing.is_empty() {
            true => vec![0.0; width * width],
            false => own.design().gram(self.path.gram, None, &[])?,
        };
        let part = MatRef::from_row_major_slice(&part, width, width);
        let value = |row: usize, column: usize| {
            if subtracts { all[(row, column)] - part[(row, column)] } else { part[(row, column)] }
        };
        let sums: Vec<f64> = (0..self.n_features).map(|feature| value(self.n_features, feature)).collect();
        let n_known = known.len() as f64;
        let mut gram = Mat::<f64>::zeros(self.n_features, self.n_features);
        for column in 0..self.n_features {
            for row in column..self.n_features {
                let centred = value(row, column) - sums[row] * sums[column] / n_known;
                gram[(row, column)] = centred;
                gram[(column, row)] = centred;
            }
        }
        Ok((gram, sums))
    }

    /// Returns `None` if the conjugate gradients do not converge.
    fn fit_preconditioned(
        &self,
        eigen: &Eigen,
        known: &[usize],
        targets: &[usize],
    ) -> Result<Option<Vec<FittedRidge>>, LinearError> {
        let (gram, sums) = self.centred_gram(known)?;
        let n_known = known.len() as f64;
        let (all, penalties) = (self.matrix(), &self.path.penalties);
        // Errors sum to 0 over the known rows and are 0 elsewhere, so that products with all rows are those with known
        // rows.
        let right = Mat::from_fn(self.n_features, targets.len() * penalties.len(), |feature, column| {
            all[(self.n_features + 1 + targets[column % targets.len()], feature)]
        });
        let share = n_known / self.n_rows as f64;
        let penalty_of = |column: usize| penalties[column / targets.len()];
        let Some(solutions) = conjugate_gradients(&gram, eigen, share, &right, penalty_of) else {
            return Ok(None);
        };
        let means: Array1<f64> = sums.iter().map(|sum| sum / n_known).collect();
        let fitted = penalties.iter().enumerate().map(|(number, &penalty)| {
            let weights = Array2::from_shape_fn((targets.len(), self.n_features), |(target, feature)| {
                solutions[(feature, number * targets.len() + target)]
            });
            let target_means: Array1<f64> = targets.iter().map(|&target| self.target_means[target]).collect();
            let intercepts = target_means - weights.dot(&means);
            FittedRidge { weights, intercepts, penalty }
        });
        Ok(Some(fitted.collect()))
    }
}

/// Solves `(gram + penalty) · x = right` for all columns together, each with its penalty. Returns `None` if one column
/// does not converge. The preconditioner is `share · eigen`, inverted with the same penalty.
fn conjugate_gradients(
    gram: &Mat<f64>,
    eigen: &Eigen,
    share: f64,
    right: &Mat<f64>,
    penalty_of: impl Fn(usize) -> f64,
) -> Option<Mat<f64>> {
    let (n_rows, n_columns) = (right.nrows(), right.ncols());
    let precondition = |residual: &Mat<f64>| {
        let mut coordinates = eigen.basis.transpose() * residual;
        for column in 0..n_columns {
            for row in 0..n_rows {
                coordinates[(row, column)] /= share * eigen.values[row].max(0.0) + penalty_of(column);
            }
        }
        &eigen.basis * coordinates
    };
    let products = |left: &Mat<f64>, right: &Mat<f64>| -> Vec<f64> {
        (0..n_columns)
            .map(|column| left.col(column).iter().zip(right.col(column).iter()).map(|(l, r)| l * r).sum())
            .collect()
    };
    let mut solution = Mat::<f64>::zeros(n_rows, n_columns);
    let mut residual = right.clone();
    let mut preconditioned = precondition(&residual);
    let mut search = preconditioned.clone();
    let mut lengths = products(&residual, &preconditioned);
    let wanted: Vec<f64> = lengths.iter().map(|length| length * TOLERANCE * TOLERANCE).collect();
    for _ in 0..MAX_STEPS {
        if lengths.iter().zip(&wanted).all(|(length, wanted)| length <= wanted) {
            return Some(solution);
        }
        let mut curved = gram * &search;
        for column in 0..n_columns {
            for row in 0..n_rows {
                curved[(row, column)] += penalty_of(column) * search[(row, column)];
            }
        }
        let curvatures = products(&search, &curved);
        // A column that has converged no longer changes.
        let moves: Vec<bool> = (0..n_columns)
            .map(|column| lengths[column] > wanted[column] && curvatures[column] > 0.0)
            .collect();
        for column in (0..n_columns).filter(|&column| moves[column]) {
            let step = lengths[column] / curvatures[column];
            for row in 0..n_rows {
                solution[(row, column)] += step * search[(row, column)];
                residual[(row, column)] -= step * curved[(row, column)];
            }
        }
        preconditioned = precondition(&residual);
        let next = products(&residual, &preconditioned);
        for column in (0..n_columns).filter(|&column| moves[column]) {
            let keep = next[column] / lengths[column];
            for row in 0..n_rows {
                search[(row, column)] = preconditioned[(row, column)] + keep * search[(row, column)];
            }
            lengths[column] = next[column];
        }
    }
    None
}
