//! Chooses one elastic net of a path on validation.

use crate::elastic_net::options::SparseSolver;
use crate::error::LinearError;
use crate::prepare::growing_gram::{DenseRows, GrowingGram, add_features};
use crate::prepare::penalties::end_of_grid;
use crate::solvers::elastic_net_path::{ElasticNetPath, FittedElasticNet, PenaltyPath};
use crate::solvers::linfa_elastic_net::linfa_path;
use crate::solvers::sparse_logistic::SparseLogistic;
use crate::solvers::sparse_squares::Squares;
use seqprobe_core::numeric::binary_log_loss;
use std::ops::ControlFlow;

/// An automatic path ends after this many penalties in a row without a lower validation loss.
const PATIENCE: usize = 15;

/// The chosen model of one output.
pub(crate) struct SparseChoice {
    pub(crate) model: FittedElasticNet,
    pub(crate) validation_loss: f64,
    /// Cycles along the whole path.
    pub(crate) iterations: u64,
    pub(crate) warnings: Vec<String>,
}

/// Validation rows with their true values, one per row of the design.
pub(crate) struct Validation<'a, T> {
    pub(crate) design: DenseRows<'a>,
    /// `None` for a missing value. At least one is known.
    pub(crate) truth: Vec<Option<T>>,
}

/// Fits numbers and chooses by mean squared error.
pub(crate) fn choose_values(
    path: &ElasticNetPath,
    solver: SparseSolver,
    design: DenseRows<'_>,
    gram: &mut GrowingGram,
    targets: &[f64],
    valid: &Validation<'_, f64>,
) -> Result<SparseChoice, LinearError> {
    let mut losses = Losses::of(path);
    let mut after =
        |model: &FittedElasticNet| losses.add(valid.mean_loss(model, |value, truth| (value - truth).powi(2)));
    let fitted = match solver {
        SparseSolver::Exact => path.follow(&mut Squares::new(design, gram, targets), design, after),
        SparseSolver::Linfa => linfa_path(path, design, gram, targets, &mut after)?,
    };
    losses.choose(path, fitted)
}

/// Fits two classes and chooses by mean log loss in nats.
pub(crate) fn choose_classes(
    path: &ElasticNetPath,
    design: DenseRows<'_>,
    is_positive: &[bool],
    valid: &Validation<'_, bool>,
) -> Result<SparseChoice, LinearError> {
    let mut losses = Losses::of(path);
    let after = |model: &FittedElasticNet| losses.add(valid.mean_loss(model, binary_log_loss));
    let fitted = path.follow(&mut SparseLogistic::new(design, is_positive), design, after);
    losses.choose(path, fitted)
}

impl<T: Copy> Validation<'_, T> {
    fn mean_loss(&self, model: &FittedElasticNet, loss: impl Fn(f64, T) -> f64) -> f64 {
        let mut outputs = vec![model.intercept; self.design.n_rows];
        add_features(self.design, &selected(model), &mut outputs);
        let known = outputs.iter().zip(&self.truth).filter_map(|(output, truth)| Some((*output, (*truth)?)));
        let (mut total, mut n) = (0.0, 0_usize);
        for (output, truth) in known {
            total += loss(output, truth);
            n += 1;
        }
        total / n.max(1) as f64
    }
}

/// Returns the features with a non-zero weight, and their weights.
pub(crate) fn selected(model: &FittedElasticNet) -> Vec<(usize, f64)> {
    model.weights.iter().copied().enumerate().filter(|(_, weight)| *weight != 0.0).collect()
}

/// Validation losses along a path, the strongest penalty first.
struct Losses {
    losses: Vec<f64>,
    best: usize,
    patience: usize,
}

impl Losses {
    fn of(path: &ElasticNetPath) -> Self {
        let patience = match path.penalties {
            PenaltyPath::Automatic(_) => PATIENCE,
            PenaltyPath::Given(_) => usize::MAX,
        };
        Self { losses: Vec::new(), best: 0, patience }
    }

    fn add(&mut self, loss: f64) -> ControlFlow<()> {
        self.losses.push(loss);
        let last = self.losses.len() - 1;
        if loss < self.losses[self.best] {
            self.best = last;
        }
        if last - self.best >= self.patience { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn choose(
        self,
        path: &ElasticNetPath,
        fitted: Vec<FittedElasticNet>,
    ) -> Result<SparseChoice, LinearError> {
        let iterations = fitted.iter().map(|model| model.iterations).sum();
        let n_unconverged = fitted.iter().filter(|model| !model.converged).count();
        let mut warnings = Vec::new();
        if n_unconverged > 0 {
            let widest = fitted.iter().map(|model| model.duality_gap).fold(0.0, f64::max);
            warnings.push(format!(
                "not converged at {n_unconverged} of {} penalties (largest relative duality gap {widest:.1e})",
                fitted.len()
            ));
        }
        let penalties: Vec<f64> = fitted.iter().map(|model| model.penalty).collect();
        let is_last_of_all = match &path.penalties {
            PenaltyPath::Automatic(n) => self.best + 1 == *n,
            PenaltyPath::Given(_) => true,
        };
        let model = fitted
            .into_iter()
            .nth(self.best)
            .ok_or_else(|| LinearError::Numeric("the path of penalties has no fit".to_owned()))?;
        if model.n_selected() == 0 {
            warnings.push("no feature is selected: on validation a constant prediction is best".to_owned());
        } else if is_last_of_all {
            warnings.extend(end_of_grid(model.penalty, &penalties));
        }
        Ok(SparseChoice { validation_loss: self.losses[self.best], model, iterations, warnings })
    }
}
