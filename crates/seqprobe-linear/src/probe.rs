//! The linear probe: standardise on train, fit a path of penalties, choose on validation.

use crate::check::check_penalties;
use crate::choice::Choice;
use crate::classify::{Features, fit_classes, fit_labels, too_few};
use crate::error::LinearError;
use crate::fitted::{FittedLinear, Link};
use crate::gram::{GramProduct, faer_gram};
use crate::regress::fit_values;
use crate::scaler::{Scaler, read_all};
use ndarray::{Axis, concatenate};
use seqprobe_core::{
    FeatureKind, FitReport, LabelledView, Probe, ProbeError, ProbeFit, Seed, Targets, Task, TaskKind,
};
use std::collections::BTreeMap;

/// Who solves the optimisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Solver {
    /// This crate's solvers: Newton's method for logistic, one eigendecomposition for ridge.
    Exact,
    /// linfa-logistic's L-BFGS; logistic only.
    Linfa,
}

impl Solver {
    /// The word used in suites and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Linfa => "linfa",
        }
    }
}

/// Ridge or logistic regression on standardised features, the penalty chosen on validation.
#[derive(Clone, Debug)]
pub struct LinearProbe {
    /// Who solves.
    pub solver: Solver,
    /// Penalties tried, each above 0, in any order. For logistic regression a penalty is 1/C.
    pub penalties: Vec<f64>,
    /// The Gram product of the exact solvers; does not enter [`Probe::settings`].
    pub gram: GramProduct,
}

impl Default for LinearProbe {
    /// The exact solver and ten penalties, one a decade from 0.001 to 1,000,000.
    fn default() -> Self {
        Self {
            solver: Solver::Exact,
            penalties: vec![1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6],
            gram: faer_gram,
        }
    }
}

impl Probe for LinearProbe {
    fn id(&self) -> &str {
        "linear"
    }

    fn version(&self) -> u32 {
        1
    }

    fn is_deterministic(&self) -> bool {
        true
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({ "solver": self.solver.as_str(), "penalties": self.penalties })
    }

    fn fit(
        &self,
        task: &Task,
        train: LabelledView<'_>,
        valid: LabelledView<'_>,
        _seed: Seed,
    ) -> Result<ProbeFit, ProbeError> {
        check_penalties(&self.penalties)?;
        let dim = check_views(&train, &valid, task)?;
        if self.solver == Solver::Linfa && task.kind == TaskKind::Regression {
            return Err(ProbeError::NotApplicable(
                "solver linfa has no ridge regression that converges\n  hint: use solver exact".to_owned(),
            ));
        }
        let stored = read_all(&train.features, "train")?;
        let (scaler, n_constant) = Scaler::fit(&stored, dim);
        let standardised = scaler.apply(&stored);
        drop(stored);
        let features =
            Features { train: standardised, valid: scaler.apply(&read_all(&valid.features, "valid")?) };
        let (choices, link) = match (task.kind, train.targets, valid.targets) {
            (
                TaskKind::Binary | TaskKind::Multiclass,
                Targets::Classes { labels, n_classes },
                Targets::Classes { labels: valid, .. },
            ) => {
                let (choice, classes) = fit_classes(self, task, &features, labels, valid, *n_classes)?;
                let link = match task.kind {
                    TaskKind::Binary => Link::Sigmoid,
                    _ => Link::Softmax { classes, n_classes: *n_classes },
                };
                (vec![choice], link)
            }
            (TaskKind::Multilabel, Targets::Values { values }, Targets::Values { values: valid }) => {
                (fit_labels(self, task, &features, values, valid)?, Link::Sigmoid)
            }
            (TaskKind::Regression, Targets::Values { values }, Targets::Values { values: valid }) => {
                (fit_values(self, task, &features, values, valid)?, Link::Identity)
            }
            (kind, ..) => {
                return Err(ProbeError::NotApplicable(format!(
                    "the targets are not those of a {} task",
                    kind.as_str()
                )));
            }
        };
        let mut report = report(&choices, task, dim, n_constant);
        if self.solver == Solver::Linfa {
            report.warnings.push("linfa does not tell its iterations, 0 stands for not known".to_owned());
        }
        let views: Vec<_> = choices.iter().map(|choice| choice.weights.view()).collect();
        let weights = concatenate(Axis(0), &views).map_err(|error| ProbeError::Solver(error.to_string()))?;
        let intercepts = choices.iter().flat_map(|choice| choice.intercepts.iter().copied()).collect();
        Ok(ProbeFit { fitted: Box::new(FittedLinear { link, scaler, weights, intercepts }), report })
    }
}

/// Checks that both views suit the probe and each other; gives their width.
fn check_views(train: &LabelledView<'_>, valid: &LabelledView<'_>, task: &Task) -> Result<usize, ProbeError> {
    let dim = train.features.dim();
    for (split, view) in [("train", train), ("valid", valid)] {
        if view.features.kind() == FeatureKind::Tokens {
            return Err(ProbeError::NotApplicable(
                "a linear probe reads one vector per row, these features have one per token\n  hint: choose a pooling such as mean or flatten".to_owned(),
            ));
        }
        if view.features.dim() != dim {
            return Err(ProbeError::Width { expected: dim, got: view.features.dim() });
        }
        let (rows, targets) = (view.features.n_rows(), view.targets.n_examples());
        if rows != targets {
            return Err(ProbeError::Solver(LinearError::Rows { records: rows, targets }.to_string()));
        }
        if rows == 0 {
            return Err(too_few(task.targets.first(), split, 0));
        }
    }
    if dim == 0 {
        return Err(ProbeError::NotApplicable("the features have no column".to_owned()));
    }
    Ok(dim)
}

fn report(choices: &[Choice], task: &Task, dim: usize, n_constant: usize) -> FitReport {
    let several = choices.len() > 1;
    let name = |index: usize| task.targets.get(index).map_or("", String::as_str);
    let n_outputs: usize = choices.iter().map(|choice| choice.intercepts.len()).sum();
    let mut warnings = Vec::new();
    if n_constant > 0 {
        warnings.push(format!("{n_constant} of {dim} features are constant in train and get weight 0"));
    }
    for (index, choice) in choices.iter().enumerate() {
        for warning in &choice.warnings {
            warnings.push(if several {
                format!("target {:?}: {warning}", name(index))
            } else {
                warning.clone()
            });
        }
    }
    let same = choices
        .iter()
        .all(|choice| choices.first().is_some_and(|first| first.penalty.total_cmp(&choice.penalty).is_eq()));
    let penalty = match choices.first() {
        Some(first) if same => first.penalty.to_string(),
        _ => {
            let pairs = choices
                .iter()
                .enumerate()
                .map(|(index, choice)| format!("{}={}", name(index), choice.penalty));
            pairs.collect::<Vec<_>>().join(", ")
        }
    };
    let gradients: Option<Vec<f64>> = choices.iter().map(|choice| choice.gradient_norm).collect();
    let converged: Option<Vec<bool>> = choices.iter().map(|choice| choice.converged).collect();
    FitReport {
        n_parameters: (n_outputs * (dim - n_constant + 1)) as u64,
        reduction_parameters: 0,
        converged: converged.map(|all| all.into_iter().all(|one| one)),
        iterations: choices.iter().map(|choice| choice.iterations).sum(),
        gradient_norm: gradients.map(|all| all.into_iter().fold(0.0, f64::max)),
        validation_loss: Some(
            choices.iter().map(|choice| choice.validation_loss).sum::<f64>() / choices.len() as f64,
        ),
        chosen: BTreeMap::from([("penalty".to_owned(), penalty)]),
        warnings,
        ..FitReport::default()
    }
}
