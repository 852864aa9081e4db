//! Factors of the Hessian, or of an approximation to it, with which Newton's equations are solved in few steps.
//!
//! Weighted Gram matrices are stored without the penalty, so that a new penalty costs a Cholesky factorisation but no
//! new product.

use crate::error::LinearError;
use crate::prepare::design::Design;
use crate::prepare::gram::GramProduct;
use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, MatMut, MatRef, Side};

/// With up to this many parameters, the Hessian of a softmax is factored as a whole.
const MAX_WHOLE_PARAMETERS: usize = 2_500;

/// The curvature at some point, without the penalty.
pub(crate) enum Curvature {
    /// The whole Hessian, `[outputs · width]²`, lower triangle.
    Whole(Vec<f64>),
    /// The mean over rows of `diag(p) − p·pᵀ`, divided by its trace and given by its eigenvectors and eigenvalues, and
    /// the Gram matrix weighted by that trace. If all rows have the same curvature, their Kronecker product is exact.
    Kronecker { vectors: Mat<f64>, values: Vec<f64>, gram: Vec<f64> },
}

/// The curvature with the penalty added, factored.
pub(crate) enum Factor {
    Whole(Llt<f64>),
    /// One factor per eigenvector; `None` if the curvature is zero (all classes change by the same amount).
    Kronecker {
        vectors: Mat<f64>,
        factors: Vec<Option<Llt<f64>>>,
        penalty: f64,
    },
}

impl Curvature {
    /// Measures the curvature at the given probabilities.
    ///
    /// # Shapes
    /// `probabilities`: `[rows, outputs]`; `row_weights`: `[rows]`, all 1 if `None`.
    pub(crate) fn measure(
        design: &Design<'_>,
        product: GramProduct,
        probabilities: &[f64],
        row_weights: Option<&[f64]>,
        outputs: usize,
    ) -> Result<Self, LinearError> {
        let row_weight = |row: usize| row_weights.map_or(1.0, |weights| weights[row]);
        if outputs == 1 {
            let weights: Vec<f64> =
                probabilities.iter().enumerate().map(|(row, p)| row_weight(row) * p * (1.0 - p)).collect();
            return Ok(Self::Whole(design.gram(product, Some(&weights), &[])?));
        }
        if outputs * design.width() <= MAX_WHOLE_PARAMETERS {
            return Ok(Self::Whole(whole_softmax(design, product, probabilities, row_weights, outputs)?));
        }
        let mut mean = Mat::<f64>::zeros(outputs, outputs);
        let mut traces = Vec::with_capacity(design.n_rows);
        for (index, row) in probabilities.chunks(outputs).enumerate() {
            let weight = row_weight(index);
            traces.push(weight * row.iter().map(|p| p * (1.0 - p)).sum::<f64>());
            for (i, p) in row.iter().enumerate() {
                mean[(i, i)] += weight * p;
                for (j, q) in row.iter().enumerate() {
                    mean[(i, j)] -= weight * p * q;
                }
            }
        }
        let total: f64 = traces.iter().sum::<f64>().max(f64::MIN_POSITIVE);
        let mean = Mat::from_fn(outputs, outputs, |i, j| mean[(i, j)] / total);
        let gram = design.gram(product, Some(&traces), &[])?;
        Ok(Self::kronecker(&mean, gram))
    }

    /// Whether [`Self::of_shares`] is worthwhile. Measuring is better for a softmax that is small enough to be factored
    /// as a whole.
    pub(crate) fn pays_from_shares(outputs: usize, width: usize) -> bool {
        outputs == 1 || outputs * width > MAX_WHOLE_PARAMETERS
    }

    /// Returns the curvature if all rows have the probabilities `shares`, given the unweighted Gram matrix.
    ///
    /// # Shapes
    /// `shares`: `[outputs]`; `gram`: `[width, width]`.
    pub(crate) fn of_shares(shares: &[f64], gram: &[f64]) -> Self {
        if let [p] = shares {
            return Self::Whole(gram.iter().map(|value| p * (1.0 - p) * value).collect());
        }
        let trace: f64 = shares.iter().map(|p| p * (1.0 - p)).sum();
        let mean = Mat::from_fn(shares.len(), shares.len(), |i, j| {
            (if i == j { shares[i] } else { 0.0 } - shares[i] * shares[j]) / trace
        });
        Self::kronecker(&mean, gram.iter().map(|value| trace * value).collect())
    }

    fn kronecker(mean: &Mat<f64>, gram: Vec<f64>) -> Self {
        let outputs = mean.nrows();
        match mean.self_adjoint_eigen(Side::Lower) {
            Ok(eigen) => Self::Kronecker {
                vectors: eigen.U().to_owned(),
                values: eigen.S().column_vector().iter().copied().collect(),
                gram,
            },
            // A matrix of this size always has a decomposition. Without one, each class is treated separately.
            Err(_) => Self::Kronecker {
                vectors: Mat::identity(outputs, outputs),
                values: (0..outputs).map(|i| mean[(i, i)]).collect(),
                gram,
            },
        }
    }

    /// Adds the penalty for all weights (not for intercepts) and factors the sum.
    ///
    /// # Errors
    /// [`LinearError::Numeric`] when no factor exists, even with a larger diagonal.
    pub(crate) fn factor(&self, outputs: usize, width: usize, penalty: f64) -> Result<Factor, LinearError> {
        match self {
            Self::Whole(hessian) => {
                Ok(Factor::Whole(penalised_cholesky(hessian, 1.0, outputs * width, width, penalty)?))
            }
            Self::Kronecker { vectors, values, gram } => {
                let factors = values
                    .iter()
                    .map(|&value| match value > 1e-9 {
                        true => penalised_cholesky(gram, value, width, width, penalty).map(Some),
                        false => Ok(None),
                    })
                    .collect::<Result<_, _>>()?;
                Ok(Factor::Kronecker { vectors: vectors.clone(), factors, penalty })
            }
        }
    }
}

impl Factor {
    /// Solves for one right-hand side. Shape of argument and result: `[outputs, width]`.
    pub(crate) fn solve(&self, right: &[f64], width: usize) -> Vec<f64> {
        match self {
            Self::Whole(factor) => {
                let mut solution = right.to_vec();
                let rows = solution.len();
                factor.solve_in_place(MatMut::from_column_major_slice_mut(&mut solution, rows, 1));
                solution
            }
            Self::Kronecker { vectors, factors, penalty } => {
                let outputs = factors.len();
                let right = MatRef::from_column_major_slice(right, width, outputs);
                let mut rotated = right * vectors;
                for (output, factor) in factors.iter().enumerate() {
                    let mut column = rotated.as_mut().col_mut(output);
                    if let Some(factor) = factor {
                        factor.solve_in_place(column.as_mat_mut());
                    } else {
                        for row in 0..width - 1 {
                            column[row] /= *penalty;
                        }
                        column[width - 1] = 0.0;
                    }
                }
                let solution = rotated * vectors.transpose();
                (0..outputs)
                    .flat_map(|output| (0..width).map(move |row| (row, output)))
                    .map(|at| solution[at])
                    .collect()
            }
        }
    }
}

/// Returns the Hessian of the log loss of a softmax: lower triangle, classes outermost.
fn whole_softmax(
    design: &Design<'_>,
    product: GramProduct,
    probabilities: &[f64],
    row_weights: Option<&[f64]>,
    outputs: usize,
) -> Result<Vec<f64>, LinearError> {
    let width = design.width();
    let row_weight = |row: usize| row_weights.map_or(1.0, |weights| weights[row]);
    let size = outputs * width;
    let mut hessian = vec![0.0; size * size];
    for i in 0..outputs {
        for j in 0..=i {
            let weight = |row: &[f64]| if i == j { row[i] * (1.0 - row[i]) } else { row[i] * row[j] };
            let rows = probabilities.chunks(outputs).enumerate();
            let weights: Vec<f64> = rows.map(|(index, row)| row_weight(index) * weight(row)).collect();
            let sign = if i == j { 1.0 } else { -1.0 };
            let gram = design.gram(product, Some(&weights), &[])?;
            for row in 0..width {
                for column in 0..width {
                    let (below, above) = (row.max(column), row.min(column));
                    hessian[(i * width + row) * size + j * width + column] =
                        sign * gram[below * width + above];
                }
            }
        }
    }
    // The same change of all intercepts changes no probability: without this term that direction has no curvature.
    let intercept = |i: usize| i * width + width - 1;
    let trace: f64 = (0..outputs).map(|i| hessian[intercept(i) * size + intercept(i)]).sum();
    let lift = trace.max(1e-12) / (outputs * outputs) as f64;
    for i in 0..outputs {
        for j in 0..=i {
            hessian[intercept(i) * size + intercept(j)] += lift;
        }
    }
    Ok(hessian)
}

/// Returns the Cholesky factor of `scale · matrix`, with the penalty added to the diagonal of the weights. If rounding
/// has made the matrix indefinite, its diagonal is raised: the factor only preconditions and does not change the
/// optimum.
fn penalised_cholesky(
    matrix: &[f64],
    scale: f64,
    size: usize,
    width: usize,
    penalty: f64,
) -> Result<Llt<f64>, LinearError> {
    let matrix = MatRef::from_row_major_slice(matrix, size, size);
    let largest = (0..size).map(|i| scale * matrix[(i, i)]).fold(penalty, f64::max);
    for raise in [0.0, 1e-14, 1e-11, 1e-8, 1e-5] {
        let mut sum = Mat::<f64>::zeros(size, size);
        sum.copy_from_triangular_lower(matrix);
        sum *= faer::Scale(scale);
        for i in 0..size {
            let is_intercept = i % width == width - 1;
            let floor = if is_intercept { 1e-12 * largest.min(1.0) } else { penalty };
            sum[(i, i)] = sum[(i, i)] + floor + raise * largest;
        }
        if let Ok(factor) = Llt::new(sum.as_ref(), Side::Lower) {
            return Ok(factor);
        }
    }
    Err(LinearError::Numeric(format!(
        "the curvature of {size} parameters at penalty {penalty} has no Cholesky factor\n  \
         hint: check the features for extreme values"
    )))
}
