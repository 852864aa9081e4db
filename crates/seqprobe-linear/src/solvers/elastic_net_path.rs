//! Lasso and elastic net along a path of penalties: squared error for numbers, log loss for two classes.

use crate::error::LinearError;
use crate::prepare::checks::check_values;
use crate::prepare::growing_gram::{DenseRows, dense};
use crate::prepare::penalties::{check_penalties, strongest_first};
use crate::solvers::sparse_logistic::SparseLogistic;
use crate::solvers::sparse_problem::SparseProblem;
use crate::solvers::sparse_quadratic::Penalty;
use crate::solvers::sparse_squares::{Squares, shared_gram};
use linfa::DatasetBase;
use linfa::traits::Fit;
use ndarray::{Array1, ArrayBase, Data, Ix2};
use std::ops::ControlFlow;

/// The penalties of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum PenaltyPath {
    /// These, each above 0, in any order.
    Given(Vec<f64>),
    /// This many, evenly spaced on a log scale from the smallest penalty at which all weights are zero down to a
    /// thousandth of it (a hundredth if there are fewer rows than features).
    Automatic(usize),
}

/// Elastic net at each of several penalties. Each fit starts from that at the next stronger penalty.
///
/// Minimises `loss + penalty · (l1_ratio · Σ|weight| + (1 − l1_ratio)/2 · Σ weight²)` with a free intercept. The
/// loss is `Σ error² / (2 · rows)` for numbers (scikit-learn's `ElasticNet` at `alpha = penalty`) and the mean
/// log loss in nats for two classes (scikit-learn's `LogisticRegression` at `C = 1 / (rows · penalty)`). Features
/// are used as they are: standardise them before.
#[derive(Clone, Debug, PartialEq)]
pub struct ElasticNetPath {
    /// Share of the penalty on absolute values, above 0 and at most 1; 1 is the lasso.
    pub l1_ratio: f64,
    /// The penalties.
    pub penalties: PenaltyPath,
    /// A fit has converged when its duality gap, over the objective at zero weights, is at most this.
    pub tolerance: f64,
}

/// A fitted elastic net.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedElasticNet {
    /// One per feature; exactly 0 for a feature that was not selected.
    pub weights: Array1<f64>,
    /// The intercept.
    pub intercept: f64,
    /// The penalty fitted at.
    pub penalty: f64,
    /// Whether the duality gap met the tolerance.
    pub converged: bool,
    /// Cycles of coordinate descent from the model at the next stronger penalty.
    pub iterations: u64,
    /// Objective less a lower bound of the optimum, over the objective at zero weights.
    pub duality_gap: f64,
}

impl ElasticNetPath {
    /// A path of 100 automatic penalties, with a tolerance of 1e-10.
    pub fn new(l1_ratio: f64) -> Self {
        Self { l1_ratio, penalties: PenaltyPath::Automatic(100), tolerance: 1e-10 }
    }

    /// Fits numbers. Returns one model per penalty: the strongest first for an automatic path, else in the order given.
    ///
    /// # Shapes
    /// `features`: `[rows, features]`; `targets`: one per row.
    ///
    /// # Errors
    /// [`LinearError`] when a penalty or the ratio is out of range, a value is not finite, or rows differ.
    pub fn fit_values<D: Data<Elem = f64>>(
        &self,
        features: &ArrayBase<D, Ix2>,
        targets: &[f64],
    ) -> Result<Vec<FittedElasticNet>, LinearError> {
        self.check(features, targets.len())?;
        if let Some((row, &value)) = targets.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(LinearError::NotFinite { what: "target", row, column: 0, value });
        }
        let standard = features.as_standard_layout();
        let design = dense(standard.view())?;
        let mut gram = shared_gram(design);
        let mut problem = Squares::new(design, &mut gram, targets);
        Ok(self.in_order(self.follow(&mut problem, design, |_| ControlFlow::Continue(()))))
    }

    /// Fits two classes. Otherwise as [`Self::fit_values`].
    ///
    /// # Errors
    /// As [`Self::fit_values`], and when only one class has rows.
    pub fn fit_classes<D: Data<Elem = f64>>(
        &self,
        features: &ArrayBase<D, Ix2>,
        is_positive: &[bool],
    ) -> Result<Vec<FittedElasticNet>, LinearError> {
        self.check(features, is_positive.len())?;
        if is_positive.iter().all(|positive| *positive) || !is_positive.contains(&true) {
            return Err(LinearError::Classes("only one of the two classes has rows".to_owned()));
        }
        let standard = features.as_standard_layout();
        let design = dense(standard.view())?;
        let mut problem = SparseLogistic::new(design, is_positive);
        Ok(self.in_order(self.follow(&mut problem, design, |_| ControlFlow::Continue(()))))
    }

    pub(crate) fn check_settings(&self) -> Result<(), LinearError> {
        if !(self.l1_ratio > 0.0 && self.l1_ratio <= 1.0) {
            return Err(LinearError::Numeric(format!(
                "l1_ratio is {}, expected a number above 0 and at most 1\n  \
                 hint: without an L1 penalty use the probe linear",
                self.l1_ratio
            )));
        }
        match &self.penalties {
            PenaltyPath::Given(penalties) => check_penalties(penalties),
            PenaltyPath::Automatic(0) => Err(LinearError::NoPenalty),
            PenaltyPath::Automatic(_) => Ok(()),
        }
    }

    fn check<D: Data<Elem = f64>>(
        &self,
        features: &ArrayBase<D, Ix2>,
        n_targets: usize,
    ) -> Result<(), LinearError> {
        self.check_settings()?;
        check_values("feature", features)?;
        if features.nrows() != n_targets || n_targets == 0 {
            return Err(LinearError::Rows { records: features.nrows(), targets: n_targets });
        }
        Ok(())
    }

    /// Returns the penalties, the strongest first. `steepest`: see [`SparseProblem::steepest`].
    pub(crate) fn strongest_first(&self, steepest: f64, design: DenseRows<'_>) -> Vec<f64> {
        match &self.penalties {
            PenaltyPath::Given(penalties) => {
                strongest_first(penalties).into_iter().map(|index| penalties[index]).collect()
            }
            PenaltyPath::Automatic(n) => {
                // No feature explains anything: all weights are zero at any penalty.
                let steepest = if steepest > 0.0 { steepest } else { 1.0 };
                // Rounding must not make a weight non-zero at the first penalty.
                let first = steepest / self.l1_ratio * (1.0 + 1e-12);
                let least: f64 = if design.n_rows < design.n_columns { 1e-2 } else { 1e-3 };
                let step = |index: usize| index as f64 / (*n as f64 - 1.0).max(1.0);
                (0..*n).map(|index| first * least.powf(step(index))).collect()
            }
        }
    }

    /// Solves from the strongest penalty to the weakest, until `after` returns `Break`.
    pub(crate) fn follow(
        &self,
        problem: &mut dyn SparseProblem,
        design: DenseRows<'_>,
        mut after: impl FnMut(&FittedElasticNet) -> ControlFlow<()>,
    ) -> Vec<FittedElasticNet> {
        let steepest = problem.steepest();
        let mut previous_l1 = steepest;
        let mut fitted = Vec::new();
        for alpha in self.strongest_first(steepest, design) {
            let penalty = Penalty::new(alpha, self.l1_ratio);
            let state = problem.solve(previous_l1, penalty, self.tolerance);
            previous_l1 = penalty.l1;
            let model = FittedElasticNet {
                weights: Array1::from_vec(problem.weights().to_vec()),
                intercept: problem.intercept(),
                penalty: alpha,
                converged: state.converged,
                iterations: state.iterations,
                duality_gap: state.duality_gap,
            };
            let flow = after(&model);
            fitted.push(model);
            if flow.is_break() {
                break;
            }
        }
        fitted
    }

    /// Puts models back from strongest first into the order of the penalties given.
    fn in_order(&self, fitted: Vec<FittedElasticNet>) -> Vec<FittedElasticNet> {
        let PenaltyPath::Given(penalties) = &self.penalties else { return fitted };
        let mut placed: Vec<_> = strongest_first(penalties).into_iter().zip(fitted).collect();
        placed.sort_by_key(|(place, _)| *place);
        placed.into_iter().map(|(_, fitted)| fitted).collect()
    }
}

/// Fits numbers through linfa's trait, as [`ElasticNetPath::fit_values`] does.
impl<D: Data<Elem = f64>> Fit<ArrayBase<D, Ix2>, Array1<f64>, LinearError> for ElasticNetPath {
    type Object = Vec<FittedElasticNet>;

    fn fit(
        &self,
        dataset: &DatasetBase<ArrayBase<D, Ix2>, Array1<f64>>,
    ) -> Result<Self::Object, LinearError> {
        self.fit_values(dataset.records(), &dataset.targets().to_vec())
    }
}

impl FittedElasticNet {
    /// Number of features with a non-zero weight.
    pub fn n_selected(&self) -> usize {
        self.weights.iter().filter(|weight| **weight != 0.0).count()
    }
}
