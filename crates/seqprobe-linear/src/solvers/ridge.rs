//! Ridge regression at all penalties from one eigendecomposition, with linfa's traits.

use crate::error::LinearError;
use crate::prepare::checks::check_values;
use crate::prepare::design::Design;
use crate::prepare::gram::{GramProduct, faer_gram};
use crate::prepare::outputs::linear_outputs;
use crate::prepare::penalties::check_penalties;
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, MatRef, Par, Side};
use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Axis, Data, Ix2};
use rayon::prelude::*;

/// Ridge regression at each of several penalties, for one or many targets.
///
/// Minimises, for each target, `Σ squared error + penalty · Σ weight²` (summed over rows; intercepts are free),
/// which is scikit-learn's objective at `alpha = penalty`. Features are used as they are: standardise
/// them before.
#[derive(Clone, Debug)]
pub struct RidgePath {
    /// Penalties, each above 0, in any order.
    pub penalties: Vec<f64>,
    /// The Gram product, used if there are at least as many rows as features.
    pub gram: GramProduct,
}

/// A fitted ridge regression.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedRidge {
    /// # Shapes
    /// `[targets, features]`
    pub weights: Array2<f64>,
    /// One per target.
    pub intercepts: Array1<f64>,
    /// The penalty fitted at.
    pub penalty: f64,
}

impl RidgePath {
    /// A path with the default Gram product.
    pub fn new(penalties: Vec<f64>) -> Self {
        Self { penalties, gram: faer_gram }
    }

    /// Fits on arguments that have been checked.
    ///
    /// # Shapes
    /// `targets`: `[rows, targets]`
    pub(crate) fn fit_design(
        &self,
        design: &Design<'_>,
        targets: ArrayView2<'_, f64>,
    ) -> Result<Vec<FittedRidge>, LinearError> {
        if design.n_rows < design.n_columns {
            return self.fit_few_rows(design, targets);
        }
        let (n_targets, n_features) = (targets.ncols(), design.n_columns);
        let target_means = mean_of_rows(targets);
        let errors: Vec<f64> = (&targets - &target_means).iter().copied().collect();
        let gram = design.gram(self.gram, None, &errors)?;
        let size = n_features + 1 + n_targets;
        let gram = MatRef::from_row_major_slice(&gram, size, size);
        let n_rows = design.n_rows as f64;
        let sums: Vec<f64> = (0..n_features).map(|feature| gram[(n_features, feature)]).collect();
        let error_sums: Vec<f64> =
            (0..n_targets).map(|target| gram[(n_features + 1 + target, n_features)]).collect();
        let eigen = centred_eigen(gram, &sums, n_rows)?;
        let products = Mat::from_fn(n_features, n_targets, |feature, target| {
            gram[(n_features + 1 + target, feature)] - sums[feature] * error_sums[target] / n_rows
        });
        let coordinates = eigen.basis.transpose() * products;
        let means = sums.iter().map(|sum| sum / n_rows).collect();
        Ok(self.models(&eigen.basis, &eigen.values, &coordinates, &means, &target_means))
    }

    /// Fits on fewer rows than features, by the decomposition of the products between rows.
    fn fit_few_rows(
        &self,
        design: &Design<'_>,
        targets: ArrayView2<'_, f64>,
    ) -> Result<Vec<FittedRidge>, LinearError> {
        let (n_rows, n_features, n_targets) = (design.n_rows, design.n_columns, targets.ncols());
        let target_means = mean_of_rows(targets);
        let values = design.values()?;
        let features = ArrayView2::from_shape((n_rows, n_features), &values)
            .map_err(|error| LinearError::Numeric(error.to_string()))?;
        let means = mean_of_rows(features);
        let centred = centre(features, &means);
        let rows = MatRef::from_row_major_slice(&centred, n_rows, n_features);
        let errors =
            Mat::from_fn(n_rows, n_targets, |row, target| targets[(row, target)] - target_means[target]);
        let mut gram = Mat::<f64>::zeros(n_rows, n_rows);
        matmul(
            gram.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Replace,
            rows,
            BlockStructure::Rectangular,
            rows.transpose(),
            BlockStructure::Rectangular,
            1.0,
            Par::rayon(0),
        );
        let eigen = gram.self_adjoint_eigen(Side::Lower).map_err(|_| eigen_failed())?;
        let values: Vec<f64> = eigen.S().column_vector().iter().copied().collect();
        let coordinates = eigen.U().transpose() * &errors;
        let basis = rows.transpose() * eigen.U();
        Ok(self.models(&basis, &values, &coordinates, &means, &target_means))
    }

    /// Returns the models of all penalties from one product: basis · diag(1 / (value + penalty)) · coordinates.
    fn models(
        &self,
        basis: &Mat<f64>,
        values: &[f64],
        coordinates: &Mat<f64>,
        means: &Array1<f64>,
        target_means: &Array1<f64>,
    ) -> Vec<FittedRidge> {
        let (n_targets, n_features) = (coordinates.ncols(), basis.nrows());
        let scaled = Mat::from_fn(coordinates.nrows(), n_targets * self.penalties.len(), |row, column| {
            let penalty = self.penalties[column / n_targets];
            coordinates[(row, column % n_targets)] / (values[row].max(0.0) + penalty)
        });
        let solutions = basis * scaled;
        let fitted = self.penalties.iter().enumerate().map(|(number, &penalty)| {
            let weights = Array2::from_shape_fn((n_targets, n_features), |(target, feature)| {
                solutions[(feature, number * n_targets + target)]
            });
            let intercepts = target_means - weights.dot(means);
            FittedRidge { weights, intercepts, penalty }
        });
        fitted.collect()
    }
}

/// Eigenvectors (columns) and eigenvalues of a Gram matrix.
pub(crate) struct Eigen {
    pub(crate) basis: Mat<f64>,
    pub(crate) values: Vec<f64>,
}

/// Decomposes the Gram matrix of the centred features.
///
/// # Shapes
/// `gram`: lower triangle; its first `sums.len()` rows and columns belong to the features.
pub(crate) fn centred_eigen(gram: MatRef<'_, f64>, sums: &[f64], n_rows: f64) -> Result<Eigen, LinearError> {
    let n_features = sums.len();
    let mut centred = Mat::<f64>::zeros(n_features, n_features);
    for column in 0..n_features {
        for row in column..n_features {
            centred[(row, column)] = gram[(row, column)] - sums[row] * sums[column] / n_rows;
        }
    }
    let eigen = centred.self_adjoint_eigen(Side::Lower).map_err(|_| eigen_failed())?;
    Ok(Eigen { basis: eigen.U().to_owned(), values: eigen.S().column_vector().iter().copied().collect() })
}

fn eigen_failed() -> LinearError {
    LinearError::Numeric("the eigendecomposition of the Gram matrix failed".to_owned())
}

impl<D: Data<Elem = f64>> Fit<ArrayBase<D, Ix2>, Array2<f64>, LinearError> for RidgePath {
    /// One model per penalty, in the order of the penalties.
    type Object = Vec<FittedRidge>;

    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, Array2<f64>>,
    ) -> Result<Self::Object, LinearError> {
        let (features, targets) = (dataset.records(), dataset.targets());
        check_penalties(&self.penalties)?;
        check_values("feature", features)?;
        check_values("target", targets)?;
        if targets.nrows() != features.nrows() || targets.nrows() == 0 {
            return Err(LinearError::Rows { records: features.nrows(), targets: targets.nrows() });
        }
        // Centred, so that a feature far from 0 loses no digits and a constant one is exactly 0.
        let means = mean_of_rows(features.view());
        let centred = centre(features.view(), &means);
        let design = Design::new(&centred, features.nrows(), features.ncols());
        let mut fitted = self.fit_design(&design, targets.view())?;
        for model in &mut fitted {
            model.intercepts -= &model.weights.dot(&means);
        }
        Ok(fitted)
    }
}

impl FittedRidge {
    /// Returns predicted values.
    ///
    /// # Shapes
    /// `[rows, targets]`
    ///
    /// # Panics
    /// When `features` has a different number of columns than the features fitted on.
    pub fn values<D: Data<Elem = f64>>(&self, features: &ArrayBase<D, Ix2>) -> Array2<f64> {
        linear_outputs(features.view(), self.weights.view(), self.intercepts.view())
    }
}

/// linfa's prediction: the values of [`FittedRidge::values`].
impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array2<f64>> for FittedRidge {
    fn predict_inplace<'a>(&'a self, features: &'a ArrayBase<D, Ix2>, values: &mut Array2<f64>) {
        *values = self.values(features);
    }

    fn default_target(&self, features: &ArrayBase<D, Ix2>) -> Array2<f64> {
        Array2::zeros((features.nrows(), self.weights.nrows()))
    }
}

/// Fits one ridge regression at a fixed penalty (scikit-learn's `alpha`).
///
/// # Shapes
/// `features`: `[rows, features]`; `targets`: `[rows, targets]`.
///
/// # Errors
/// [`LinearError`] when the penalty is not above 0, a value is not finite, or rows differ in number.
pub fn exact_ridge(
    features: ArrayView2<'_, f64>,
    targets: ArrayView2<'_, f64>,
    penalty: f64,
) -> Result<FittedRidge, LinearError> {
    let path = RidgePath::new(vec![penalty]);
    let fitted = path.fit(&DatasetBase::new(features, targets.to_owned()))?;
    fitted.into_iter().next().ok_or(LinearError::NoPenalty)
}

pub(crate) fn mean_of_rows(values: ArrayView2<'_, f64>) -> Array1<f64> {
    values.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(values.ncols()))
}

/// Returns the values less their means, row-major. A constant feature becomes exactly 0.
fn centre(values: ArrayView2<'_, f64>, means: &Array1<f64>) -> Vec<f64> {
    let width = values.ncols();
    let mut centred: Vec<f64> = values.iter().copied().collect();
    if let (1.., Some(means)) = (width, means.as_slice()) {
        centred.par_chunks_mut(width).for_each(|row| {
            for (value, mean) in row.iter_mut().zip(means) {
                *value -= mean;
            }
        });
    }
    centred
}
