//! Fitting class tasks: one binary or softmax model, or one binary model per label.

use crate::choice::{Choice, end_of_grid, least};
use crate::design::Design;
use crate::error::LinearError;
use crate::linfa_solver::linfa_path;
use crate::logistic::{FittedLogistic, LogisticPath};
use crate::newton::log_loss_and_probabilities;
use crate::outputs::linear_outputs;
use crate::probe::{LinearProbe, Solver};
use crate::row_space::RowSpace;
use crate::targets::{known_rows, rows_of, targets_by_known_rows};
use ndarray::{Array2, ArrayView2};
use seqprobe_core::{ProbeError, Task};

/// Standardised features of both splits.
pub(crate) struct Features {
    /// `[rows, features]`
    pub(crate) train: Array2<f64>,
    /// `[rows, features]`
    pub(crate) valid: Array2<f64>,
}

/// Fits a task of one class per row. Gives the model of the classes present in train, and these classes.
pub(crate) fn fit_classes(
    probe: &LinearProbe,
    task: &Task,
    features: &Features,
    train: &[u32],
    valid: &[u32],
    n_classes: usize,
) -> Result<(Choice, Vec<usize>), ProbeError> {
    let name = |class: usize| task.classes.get(class).cloned().unwrap_or_else(|| class.to_string());
    let mut present = vec![false; n_classes];
    for &label in train {
        present[label as usize] = true;
    }
    let classes: Vec<usize> = (0..n_classes).filter(|&class| present[class]).collect();
    if let [only] = classes[..] {
        return Err(ProbeError::OneClass { split: "train", class: name(only) });
    }
    let place = |label: u32| classes.binary_search(&(label as usize)).ok();
    let labels: Vec<usize> = train.iter().filter_map(|&label| place(label)).collect();
    let valid_labels: Vec<Option<usize>> = valid.iter().map(|&label| place(label)).collect();
    let outputs = if n_classes == 2 { 1 } else { classes.len() };
    let space = space_of(probe, features.train.view())?;
    let path = fit_path(probe, &space, features.train.view(), &labels, outputs)?;
    let mut choice = choose(path, &probe.penalties, features.valid.view(), &valid_labels)
        .ok_or_else(|| too_few(task.targets.first(), "valid", 0))?;
    for class in (0..n_classes).filter(|&class| !present[class]) {
        choice.warnings.push(format!(
            "class {:?} has no example in train: its probability is 0, and the validation loss leaves its {} rows out",
            name(class),
            valid.iter().filter(|&&label| label as usize == class).count(),
        ));
    }
    Ok((choice, classes))
}

/// Fits several yes/no targets, each on the rows where it is known.
pub(crate) fn fit_labels(
    probe: &LinearProbe,
    task: &Task,
    features: &Features,
    train: &Array2<Option<f64>>,
    valid: &Array2<Option<f64>>,
) -> Result<Vec<Choice>, ProbeError> {
    let mut choices: Vec<Option<Choice>> = train.columns().into_iter().map(|_| None).collect();
    for (rows, targets) in targets_by_known_rows(train) {
        let own = rows_of(features.train.view(), &rows);
        let space = space_of(probe, own.view())?;
        for target in targets {
            let name = task.targets.get(target);
            let labels: Vec<usize> = rows
                .iter()
                .map(|&row| usize::from(train[(row, target)].is_some_and(|value| value > 0.5)))
                .collect();
            let positives: usize = labels.iter().sum();
            if labels.is_empty() {
                return Err(too_few(name, "train", 0));
            }
            if positives == 0 || positives == labels.len() {
                let class = format!("{}={}", name.map_or("", String::as_str), usize::from(positives > 0));
                return Err(ProbeError::OneClass { split: "train", class });
            }
            let valid_labels: Vec<Option<usize>> = valid
                .column(target)
                .iter()
                .map(|value| value.map(|value| usize::from(value > 0.5)))
                .collect();
            if known_rows(valid, target).is_empty() {
                return Err(too_few(name, "valid", 0));
            }
            let path = fit_path(probe, &space, own.view(), &labels, 1)?;
            choices[target] = choose(path, &probe.penalties, features.valid.view(), &valid_labels);
        }
    }
    Ok(choices.into_iter().flatten().collect())
}

/// The error of a target without enough known values.
pub(crate) fn too_few(target: Option<&String>, split: &'static str, n: usize) -> ProbeError {
    ProbeError::TooFewTargets { target: target.cloned().unwrap_or_default(), split, n, needed: n + 1 }
}

/// linfa needs no rotation, so that it gets the features as they are.
fn space_of<'a>(
    probe: &LinearProbe,
    features: ArrayView2<'a, f64>,
) -> Result<Option<RowSpace<'a>>, LinearError> {
    match (probe.solver, features.to_slice()) {
        (Solver::Linfa, _) => Ok(None),
        (Solver::Exact, Some(values)) => {
            Ok(Some(RowSpace::new(Design::new(values, features.nrows(), features.ncols()))))
        }
        (Solver::Exact, None) => Err(LinearError::Numeric("features have no row-major layout".to_owned())),
    }
}

fn fit_path(
    probe: &LinearProbe,
    space: &Option<RowSpace<'_>>,
    features: ArrayView2<'_, f64>,
    labels: &[usize],
    outputs: usize,
) -> Result<Vec<FittedLogistic>, LinearError> {
    match space {
        Some(space) => LogisticPath { penalties: probe.penalties.clone(), gram: probe.gram }
            .fit_in(space, labels, outputs),
        None => linfa_path(features, labels, outputs, &probe.penalties),
    }
}

/// Chooses by mean log loss over the rows whose label is known; `None` where there is no such row.
fn choose(
    path: Vec<FittedLogistic>,
    penalties: &[f64],
    valid: ArrayView2<'_, f64>,
    labels: &[Option<usize>],
) -> Option<Choice> {
    let n_known = labels.iter().flatten().count();
    if n_known == 0 {
        return None;
    }
    let loss = |model: &FittedLogistic| {
        let mut logits = linear_outputs(valid, model.weights.view(), model.intercepts.view());
        let mut total = 0.0;
        for (mut row, label) in logits.rows_mut().into_iter().zip(labels) {
            if let (Some(row), Some(label)) = (row.as_slice_mut(), label) {
                total += log_loss_and_probabilities(row, *label);
            }
        }
        total / n_known as f64
    };
    let losses: Vec<f64> = path.iter().map(loss).collect();
    let best = least(&losses, penalties);
    let iterations = path.iter().map(|model| model.iterations).sum();
    let mut warnings: Vec<String> = path
        .iter()
        .filter(|model| !model.converged)
        .map(|model| {
            format!(
                "not converged at penalty {} (largest mean gradient {:.1e})",
                model.penalty, model.gradient_norm
            )
        })
        .collect();
    let model = path.into_iter().nth(best)?;
    warnings.extend(end_of_grid(model.penalty, penalties));
    Some(Choice {
        weights: model.weights,
        intercepts: model.intercepts,
        penalty: model.penalty,
        validation_loss: losses[best],
        converged: Some(model.converged),
        iterations,
        gradient_norm: Some(model.gradient_norm),
        warnings,
    })
}
