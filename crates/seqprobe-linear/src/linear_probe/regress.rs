//! Fits numbers by ridge regression, each target on the rows where it is known and with its own penalty.

use crate::linear_probe::choice::{Losses, Path, PathModel, outputs_of};
use crate::linear_probe::options::FitOptions;
use crate::prepare::standardised::Standardised;
use crate::prepare::targets::{known_rows, known_values, targets_by_known_rows, too_few};
use crate::solvers::ridge::{FittedRidge, RidgePath};
use crate::solvers::ridge_missing::MissingRidge;
use ndarray::{Array2, Axis};
use seqprobe_core::{ProbeError, Task};

/// Largest number of predictions in memory while models are scored (64 MiB).
const MAX_PREDICTED_VALUES: usize = 8 << 20;

/// Fits all targets. Targets that are known on the same rows are fitted together; all share one eigendecomposition.
pub(crate) fn fit_values(
    options: &FitOptions<'_>,
    task: &Task,
    rows: &Standardised<'_>,
    train: &Array2<Option<f64>>,
    scored: &Standardised<'_>,
    truth: &Array2<Option<f64>>,
) -> Result<Vec<Path>, ProbeError> {
    let path = RidgePath { penalties: options.penalties.to_vec(), gram: options.gram };
    if let Some(value) = train.iter().flatten().find(|value| !value.is_finite()) {
        return Err(ProbeError::NotFinite(format!("a target in train is {value}, not a finite number")));
    }
    let patterns = targets_by_known_rows(train);
    for (known, targets) in &patterns {
        if known.len() < 2 {
            let name = targets.first().and_then(|&target| task.targets.get(target));
            return Err(ProbeError::TooFewTargets {
                target: name.cloned().unwrap_or_default(),
                split: "train",
                n: known.len(),
                needed: 2,
            });
        }
    }
    let mut models: Vec<Vec<PathModel>> = train.columns().into_iter().map(|_| Vec::new()).collect();
    let missing = match patterns.len() {
        1 => None,
        _ => Some(MissingRidge::new(&path, rows, train)?),
    };
    for (known, targets) in &patterns {
        let fitted = match &missing {
            Some(missing) => missing.fit(known, targets)?,
            None => {
                let values = known_values(train, known, targets);
                path.fit_design(&rows.design(), values.view())?
            }
        };
        for model in &fitted {
            for (column, &target) in targets.iter().enumerate() {
                models[target].push(model_of(model, column));
            }
        }
    }
    score(models, task, scored, truth)
}

fn model_of(model: &FittedRidge, column: usize) -> PathModel {
    PathModel {
        weights: model.weights.select(Axis(0), &[column]),
        intercepts: model.intercepts.select(Axis(0), &[column]),
        converged: None,
        iterations: Some(0),
        gradient_norm: None,
    }
}

/// Adds the squared errors of all models on the rows where each target is known.
fn score(
    models: Vec<Vec<PathModel>>,
    task: &Task,
    scored: &Standardised<'_>,
    truth: &Array2<Option<f64>>,
) -> Result<Vec<Path>, ProbeError> {
    for target in 0..models.len() {
        if known_rows(truth, target).is_empty() {
            return Err(too_few(task.targets.get(target), "valid", 0));
        }
    }
    let n_penalties = models.first().map_or(1, Vec::len);
    let at_once = (MAX_PREDICTED_VALUES / (truth.nrows() * n_penalties).max(1)).max(1);
    let mut losses = Vec::with_capacity(models.len());
    for some in models.chunks(at_once) {
        let predicted = outputs_of(some.iter().flatten(), scored)?;
        for number in 0..some.len() {
            let mut own = Losses { sums: vec![0.0; n_penalties], weight: 0.0 };
            for (predicted, truth) in predicted.rows().into_iter().zip(truth.column(losses.len())) {
                let Some(truth) = truth else { continue };
                own.weight += 1.0;
                let predicted = predicted.iter().skip(number * n_penalties);
                for (sum, predicted) in own.sums.iter_mut().zip(predicted) {
                    *sum += (predicted - truth).powi(2);
                }
            }
            losses.push(own);
        }
    }
    let paths = models.into_iter().zip(losses);
    Ok(paths.map(|(models, losses)| Path { models, losses, warnings: Vec::new() }).collect())
}
