//! Exact binary and multinomial logistic regression along a path of penalties, with linfa's traits.

use crate::error::LinearError;
use crate::prepare::checks::check_values;
use crate::prepare::design::Design;
use crate::prepare::gram::{GramProduct, faer_gram};
use crate::prepare::outputs::linear_outputs;
use crate::prepare::penalties::{check_penalties, strongest_first};
use crate::prepare::row_space::RowSpace;
use crate::solvers::newton::Newton;
use crate::solvers::preconditioner::Curvature;
use linfa::DatasetBase;
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Axis, Data, Ix2};
use seqprobe_core::numeric::probabilities_and_log_loss;

/// The class of each row: the targets of [`LogisticPath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassLabels {
    /// Class index per row, below `n_classes`. Of two classes, 1 is the positive one.
    pub labels: Vec<usize>,
    /// Number of classes, at least 2. Each must have a row.
    pub n_classes: usize,
}

/// Logistic regression at each of several penalties. Each fit starts from that at the next stronger penalty.
///
/// Minimises `Σ log loss + penalty/2 · Σ weight²` (nats, summed over rows; intercepts are free), which is
/// scikit-learn's objective at `C = 1/penalty`. Two classes have one weight vector, more classes have one each
/// (softmax). Features are used as they are: standardise them before.
#[derive(Clone, Debug)]
pub struct LogisticPath {
    /// Penalties, each above 0, in any order.
    pub penalties: Vec<f64>,
    /// The weighted Gram product, the expensive part of a step.
    pub gram: GramProduct,
}

/// A fitted logistic regression.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLogistic {
    /// # Shapes
    /// `[1, features]` for two classes (logit of class 1), `[classes, features]` for more, summing to 0.
    pub weights: Array2<f64>,
    /// One per row of `weights`.
    pub intercepts: Array1<f64>,
    /// The penalty fitted at.
    pub penalty: f64,
    /// Whether every component of the mean gradient is below 1e-8 and the remaining decrease is below rounding.
    pub converged: bool,
    /// Newton steps from the model at the next stronger penalty.
    pub iterations: u64,
    /// Largest absolute gradient component of the objective divided by the rows.
    pub gradient_norm: f64,
}

impl LogisticPath {
    /// A path with the default Gram product.
    pub fn new(penalties: Vec<f64>) -> Self {
        Self { penalties, gram: faer_gram }
    }

    /// Fits on features whose row space is known. `labels` are below 2 if `outputs` is 1, else below `outputs`.
    /// `row_weights` are the weights of the rows, 1 if `None`.
    pub(crate) fn fit_in(
        &self,
        space: &RowSpace<'_>,
        labels: &[usize],
        row_weights: Option<&[f64]>,
        outputs: usize,
    ) -> Result<Vec<FittedLogistic>, LinearError> {
        let mut newton = Newton::new(space.design(), labels, row_weights, outputs, self.gram);
        if Curvature::pays_from_shares(outputs, space.design().width()) {
            newton.start_from_gram(space.gram(self.gram)?);
        }
        let mut parameters = newton.start();
        let mut fitted = Vec::with_capacity(self.penalties.len());
        for index in strongest_first(&self.penalties) {
            let penalty = self.penalties[index];
            let optimum = newton.descend(parameters, penalty)?;
            let mut restored = space.restore(&optimum.parameters);
            if outputs > 1 {
                centre_across_classes(&mut restored, outputs);
            }
            let (weights, intercepts) = split_parameters(&restored, outputs);
            fitted.push((
                index,
                FittedLogistic {
                    weights,
                    intercepts,
                    penalty,
                    converged: optimum.converged,
                    iterations: optimum.iterations,
                    gradient_norm: optimum.gradient_norm,
                },
            ));
            parameters = optimum.parameters;
        }
        fitted.sort_by_key(|(index, _)| *index);
        Ok(fitted.into_iter().map(|(_, fitted)| fitted).collect())
    }
}

impl<D: Data<Elem = f64>> Fit<ArrayBase<D, Ix2>, ClassLabels, LinearError> for LogisticPath {
    /// One model per penalty, in the order of the penalties.
    type Object = Vec<FittedLogistic>;

    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, ClassLabels>,
    ) -> Result<Self::Object, LinearError> {
        let (features, targets) = (dataset.records(), dataset.targets());
        check_penalties(&self.penalties)?;
        check_values("feature", features)?;
        check_labels(targets, features.nrows())?;
        let standard = features.as_standard_layout();
        let Some(values) = standard.as_slice() else {
            return Err(LinearError::Numeric("features have no row-major layout".to_owned()));
        };
        let space = RowSpace::new(Design::new(values, features.nrows(), features.ncols()))?;
        let outputs = if targets.n_classes == 2 { 1 } else { targets.n_classes };
        self.fit_in(&space, &targets.labels, None, outputs)
    }
}

impl FittedLogistic {
    /// Returns probabilities: of class 1 for two classes, of each class for more.
    ///
    /// # Shapes
    /// `[rows, 1 or classes]`
    ///
    /// # Panics
    /// When `features` has a different number of columns than the features fitted on.
    pub fn probabilities<D: Data<Elem = f64>>(&self, features: &ArrayBase<D, Ix2>) -> Array2<f64> {
        let mut outputs = linear_outputs(features.view(), self.weights.view(), self.intercepts.view());
        to_probabilities(&mut outputs);
        outputs
    }
}

/// linfa's prediction: the probabilities of [`FittedLogistic::probabilities`].
impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array2<f64>> for FittedLogistic {
    fn predict_inplace<'a>(&'a self, features: &'a ArrayBase<D, Ix2>, probabilities: &mut Array2<f64>) {
        *probabilities = self.probabilities(features);
    }

    fn default_target(&self, features: &ArrayBase<D, Ix2>) -> Array2<f64> {
        Array2::zeros((features.nrows(), self.weights.nrows()))
    }
}

/// Fits one logistic regression at a fixed penalty (scikit-learn's `1/C`), from scratch.
///
/// # Shapes
/// `features`: `[rows, features]`, standardised by the caller.
///
/// # Errors
/// [`LinearError`] when the penalty is not above 0, a feature is not finite, a label is out of range, a class has
/// no row, or the solver fails.
pub fn exact_logistic(
    features: ArrayView2<'_, f64>,
    labels: &ClassLabels,
    penalty: f64,
) -> Result<FittedLogistic, LinearError> {
    let path = LogisticPath::new(vec![penalty]);
    let fitted = path.fit(&DatasetBase::new(features, labels.clone()))?;
    fitted.into_iter().next().ok_or(LinearError::NoPenalty)
}

/// Turns logits into probabilities row by row: one column by the logistic function, several by softmax.
pub(crate) fn to_probabilities(logits: &mut Array2<f64>) {
    for mut row in logits.axis_iter_mut(Axis(0)) {
        if let Some(row) = row.as_slice_mut() {
            probabilities_and_log_loss(row, 0);
        }
    }
}

/// Splits `[outputs, features + 1]` into weights and intercepts.
pub(crate) fn split_parameters(parameters: &[f64], outputs: usize) -> (Array2<f64>, Array1<f64>) {
    let width = parameters.len() / outputs;
    let weights =
        Array2::from_shape_fn((outputs, width - 1), |(output, column)| parameters[output * width + column]);
    (weights, Array1::from_shape_fn(outputs, |output| parameters[output * width + width - 1]))
}

/// Subtracts from each parameter its mean over classes. Probabilities do not change, and the penalty becomes minimal.
fn centre_across_classes(parameters: &mut [f64], outputs: usize) {
    let width = parameters.len() / outputs;
    for column in 0..width {
        let mean =
            (0..outputs).map(|output| parameters[output * width + column]).sum::<f64>() / outputs as f64;
        for output in 0..outputs {
            parameters[output * width + column] -= mean;
        }
    }
}

fn check_labels(targets: &ClassLabels, n_rows: usize) -> Result<(), LinearError> {
    if targets.labels.len() != n_rows {
        return Err(LinearError::Rows { records: n_rows, targets: targets.labels.len() });
    }
    if targets.n_classes < 2 {
        return Err(LinearError::Classes(format!(
            "{} classes given, at least 2 are needed",
            targets.n_classes
        )));
    }
    let mut present = vec![false; targets.n_classes];
    for (row, &label) in targets.labels.iter().enumerate() {
        match present.get_mut(label) {
            Some(present) => *present = true,
            None => {
                let classes = targets.n_classes;
                return Err(LinearError::Classes(format!(
                    "row {row} has label {label}, there are {classes} classes"
                )));
            }
        }
    }
    match present.iter().position(|present| !present) {
        Some(class) => {
            Err(LinearError::Classes(format!("class {class} has no row, so that the optimum is not finite")))
        }
        None => Ok(()),
    }
}
