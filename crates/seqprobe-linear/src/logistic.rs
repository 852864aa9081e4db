//! Exact binary and multinomial logistic regression along a path of penalties, behind linfa's traits.

use crate::error::LinearError;
use crate::gram::{GramProduct, faer_gram};
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Data, Ix2};

/// The class of each row, for [`LogisticPath`].
#[derive(Clone, Debug)]
pub struct ClassLabels {
    /// Class index per row, below `n_classes`; with two classes, 1 is the positive one.
    pub labels: Vec<usize>,
    /// Number of classes, at least 2; each must be present.
    pub n_classes: usize,
}

/// Logistic regression at each of some penalties.
#[derive(Clone, Debug)]
pub struct LogisticPath {
    /// Penalties, each above 0.
    pub penalties: Vec<f64>,
    /// Gram product.
    pub gram: GramProduct,
}

/// A fitted logistic regression.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLogistic {
    /// `[1 or classes, features]`
    pub weights: Array2<f64>,
    /// One per row of `weights`.
    pub intercepts: Array1<f64>,
    /// The penalty.
    pub penalty: f64,
    /// Whether the criterion was met.
    pub converged: bool,
    /// Newton steps.
    pub iterations: u64,
    /// Largest absolute gradient component of the mean objective.
    pub gradient_norm: f64,
}

/// Fits one logistic regression.
///
/// # Errors
/// [`LinearError`].
pub fn exact_logistic(features: ArrayView2<'_, f64>, labels: &ClassLabels, penalty: f64) -> Result<FittedLogistic, LinearError> {
    let _ = (features, labels, faer_gram as GramProduct);
    Err(LinearError::Penalty(penalty))
}

impl FittedLogistic {
    /// Probabilities.
    pub fn probabilities<D: Data<Elem = f64>>(&self, features: &ArrayBase<D, Ix2>) -> Array2<f64> {
        Array2::zeros((features.nrows(), self.weights.nrows()))
    }
}
