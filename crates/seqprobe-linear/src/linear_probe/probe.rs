//! The linear probe: it standardises on train, fits a path of penalties and chooses one on validation or by folds.

use crate::error::LinearError;
use crate::linear_probe::choice::{Choice, Losses, Path};
use crate::linear_probe::classify::{fit_classes, fit_labels};
use crate::linear_probe::fitted::{FittedLinear, Link};
use crate::linear_probe::options::{FitOptions, FoldGrouping, Selection, Solver};
use crate::linear_probe::regress::fit_values;
use crate::prepare::checks::check_views;
use crate::prepare::folds::folds;
use crate::prepare::gram::{GramProduct, faer_gram};
use crate::prepare::penalties::check_penalties;
use crate::prepare::scaler::Scaler;
use crate::prepare::standardised::Standardised;
use ndarray::{Axis, concatenate};
use seqprobe_core::{
    ClassWeight, FitReport, Grouping, LabelledView, Probe, ProbeError, ProbeFit, Seed, Targets, Task,
    TaskKind,
};
use std::collections::BTreeMap;

/// Ridge or logistic regression on standardised features, with a penalty chosen on rows that were not fitted on.
#[derive(Clone, Debug)]
pub struct LinearProbe {
    /// Who solves the optimisation.
    pub solver: Solver,
    /// Penalties tried, each above 0, in any order. For logistic regression a penalty is scikit-learn's 1/C.
    pub penalties: Vec<f64>,
    /// On which rows the penalty is chosen.
    pub selection: Selection,
    /// How much each class counts; `None` counts every row the same. It has no effect on regression.
    pub class_weight: Option<ClassWeight>,
    /// The Gram product of the exact solvers. It is no part of [`Probe::settings`].
    pub gram: GramProduct,
    /// Memory for standardised features, in bytes. Features that need more are read again in each pass. The results
    /// are the same bits either way, so this is no part of [`Probe::settings`].
    pub memory_budget_bytes: usize,
}

impl Default for LinearProbe {
    /// The exact solver with ten penalties, one per decade from 0.001 to 1,000,000, chosen on validation; 2 GiB.
    fn default() -> Self {
        Self {
            solver: Solver::Exact,
            penalties: vec![1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6],
            selection: Selection::Validation,
            class_weight: None,
            gram: faer_gram,
            memory_budget_bytes: 2 << 30,
        }
    }
}

impl Probe for LinearProbe {
    fn id(&self) -> &str {
        "linear"
    }

    fn version(&self) -> u32 {
        2
    }

    fn is_deterministic(&self) -> bool {
        true
    }

    fn settings(&self) -> serde_json::Value {
        let mut settings = serde_json::json!({ "solver": self.solver.as_str(), "penalties": self.penalties });
        if let Selection::KFold { folds, grouping } = self.selection {
            settings["folds"] = serde_json::json!({ "number": folds, "keep": grouping.as_str() });
        }
        if self.class_weight == Some(ClassWeight::Balanced) {
            settings["class_weight"] = "balanced".into();
        }
        settings
    }

    fn grouping(&self) -> Grouping {
        match self.selection {
            Selection::KFold { grouping: FoldGrouping::Chromosome, .. } => Grouping::Chromosomes,
            _ => Grouping::Clusters,
        }
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
        self.check_solver(task)?;
        let by_folds = self.losses_by_folds(task, &train)?;
        let (scaler, n_constant) = Scaler::fit(&train.features, "train")?;
        let (paths, link) = self.paths(task, &train, &valid, &scaler)?;
        let mut choices = Vec::with_capacity(paths.len());
        for (number, path) in paths.into_iter().enumerate() {
            let folds = by_folds.as_ref().and_then(|losses| losses.get(number));
            choices.push(path.choose(&self.penalties, folds).ok_or(LinearError::NoPenalty)?);
        }
        let mut report = report(&choices, task, dim, n_constant);
        if let Selection::KFold { folds, .. } = self.selection {
            report.chosen.insert("selection".to_owned(), format!("{folds} folds of train"));
        }
        let views: Vec<_> = choices.iter().map(|choice| choice.model.weights.view()).collect();
        let weights = concatenate(Axis(0), &views).map_err(|error| ProbeError::Solver(error.to_string()))?;
        let intercepts = choices.iter().flat_map(|choice| choice.model.intercepts.iter().copied()).collect();
        Ok(ProbeFit { fitted: Box::new(FittedLinear { link, scaler, weights, intercepts }), report })
    }
}

impl LinearProbe {
    fn check_solver(&self, task: &Task) -> Result<(), ProbeError> {
        if self.solver == Solver::Linfa && task.kind == TaskKind::Regression {
            return Err(ProbeError::NotApplicable(
                "solver linfa has no ridge regression that converges\n  hint: use solver exact".to_owned(),
            ));
        }
        if self.solver == Solver::Linfa && self.class_weight.is_some() {
            return Err(ProbeError::NotApplicable(
                "solver linfa has no class weights\n  hint: use solver exact".to_owned(),
            ));
        }
        Ok(())
    }

    fn options(&self) -> FitOptions<'_> {
        FitOptions {
            solver: self.solver,
            penalties: &self.penalties,
            class_weight: self.class_weight,
            gram: self.gram,
        }
    }

    /// Fits the models of all penalties on `train` and scores them on `scored`. Returns one path per choice.
    fn paths(
        &self,
        task: &Task,
        train: &LabelledView<'_>,
        scored: &LabelledView<'_>,
        scaler: &Scaler,
    ) -> Result<(Vec<Path>, Link), ProbeError> {
        let options = self.options();
        let mut budget = self.memory_budget_bytes;
        // Ridge reads its rows once, so that it gains nothing from rows in memory.
        let rows = match task.kind {
            TaskKind::Regression => Standardised::stored(train.features, scaler),
            _ => Standardised::held_within(train.features, scaler, &mut budget)?,
        };
        let scored_rows = Standardised::stored(scored.features, scaler);
        match (task.kind, train.targets, scored.targets) {
            (
                TaskKind::Binary | TaskKind::Multiclass,
                Targets::Classes { labels, n_classes },
                Targets::Classes { labels: truth, .. },
            ) => {
                let (path, classes) =
                    fit_classes(&options, task, &rows, labels, &scored_rows, truth, *n_classes)?;
                let link = match task.kind {
                    TaskKind::Binary => Link::Sigmoid,
                    _ => Link::Softmax { classes, n_classes: *n_classes },
                };
                Ok((vec![path], link))
            }
            (TaskKind::Multilabel, Targets::Values { values }, Targets::Values { values: truth }) => {
                Ok((fit_labels(&options, task, &rows, values, &scored_rows, truth)?, Link::Sigmoid))
            }
            (TaskKind::Regression, Targets::Values { values }, Targets::Values { values: truth }) => {
                Ok((fit_values(&options, task, &rows, values, &scored_rows, truth)?, Link::Identity))
            }
            (kind, ..) => Err(ProbeError::NotApplicable(format!(
                "the targets are not those of a {} task",
                kind.as_str()
            ))),
        }
    }

    /// Returns, for each choice, the losses of its penalties over all training rows; each row is scored by a fit on the
    /// other folds.
    fn losses_by_folds(
        &self,
        task: &Task,
        train: &LabelledView<'_>,
    ) -> Result<Option<Vec<Losses>>, ProbeError> {
        let Selection::KFold { folds: n_folds, grouping } = self.selection else { return Ok(None) };
        let groups = match (grouping, train.groups) {
            (FoldGrouping::Row, _) => None,
            (FoldGrouping::Group | FoldGrouping::Chromosome, None) => {
                let what = if grouping == FoldGrouping::Group { "groups" } else { "chromosomes" };
                return Err(ProbeError::NotApplicable(format!(
                    "folds of whole {what} need {what}, this dataset has none\n  \
                     hint: name their column in the card, or use fold_by = \"known\""
                )));
            }
            (FoldGrouping::Auto | FoldGrouping::Group | FoldGrouping::Chromosome, groups) => groups,
        };
        let fold_of_row = folds(train.targets, groups, n_folds)?;
        let mut total: Option<Vec<Losses>> = None;
        for fold in 0..n_folds {
            let (inside, outside): (Vec<usize>, Vec<usize>) =
                (0..fold_of_row.len()).partition(|&row| fold_of_row[row] != fold);
            let (mut inside_rows, mut outside_rows) = (Vec::new(), Vec::new());
            let (inside_targets, outside_targets) =
                (train.targets.select(&inside), train.targets.select(&outside));
            let inside = LabelledView {
                features: train.features.subset(&inside, &mut inside_rows),
                targets: &inside_targets,
                groups: None,
            };
            let outside = LabelledView {
                features: train.features.subset(&outside, &mut outside_rows),
                targets: &outside_targets,
                groups: None,
            };
            let (scaler, _) = Scaler::fit(&inside.features, "train")?;
            let in_fold = |error| in_fold(error, fold + 1, n_folds);
            let (paths, _) = self.paths(task, &inside, &outside, &scaler).map_err(in_fold)?;
            match &mut total {
                None => total = Some(paths.into_iter().map(|path| path.losses).collect()),
                Some(total) => {
                    for (total, path) in total.iter_mut().zip(&paths) {
                        total.add(&path.losses);
                    }
                }
            }
        }
        Ok(total)
    }
}

/// Names the fold in which a target has too few values.
fn in_fold(error: ProbeError, fold: usize, n_folds: usize) -> ProbeError {
    match error {
        ProbeError::OneClass { .. } | ProbeError::TooFewTargets { .. } => ProbeError::NotApplicable(format!(
            "fold {fold} of {n_folds}, or the rows outside it, has too few values of a target: {error}\n  \
             hint: use fewer folds, or selection = \"validation\""
        )),
        other => other,
    }
}

fn report(choices: &[Choice], task: &Task, dim: usize, n_constant: usize) -> FitReport {
    let several = choices.len() > 1;
    let name = |index: usize| task.targets.get(index).map_or("", String::as_str);
    let n_outputs: usize = choices.iter().map(|choice| choice.model.intercepts.len()).sum();
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
    let gradients: Option<Vec<f64>> = choices.iter().map(|choice| choice.model.gradient_norm).collect();
    let converged: Option<Vec<bool>> = choices.iter().map(|choice| choice.model.converged).collect();
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
