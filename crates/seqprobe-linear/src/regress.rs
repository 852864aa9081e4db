//! Fitting numbers: ridge, each target on the rows where it is known, its penalty its own.

use crate::choice::{Choice, end_of_grid, least};
use crate::classify::{Features, too_few};
use crate::probe::LinearProbe;
use crate::ridge::RidgePath;
use crate::targets::{known_rows, rows_of, targets_by_known_rows};
use ndarray::{Array2, Axis};
use seqprobe_core::{ProbeError, Task};

/// Fits all targets; those known on the same rows share one eigendecomposition.
pub(crate) fn fit_values(
    probe: &LinearProbe,
    task: &Task,
    features: &Features,
    train: &Array2<Option<f64>>,
    valid: &Array2<Option<f64>>,
) -> Result<Vec<Choice>, ProbeError> {
    let path = RidgePath { penalties: probe.penalties.clone(), gram: probe.gram };
    let mut choices: Vec<Option<Choice>> = train.columns().into_iter().map(|_| None).collect();
    for (rows, targets) in targets_by_known_rows(train) {
        for &target in &targets {
            if rows.len() < 2 {
                let name = task.targets.get(target).cloned().unwrap_or_default();
                return Err(ProbeError::TooFewTargets {
                    target: name,
                    split: "train",
                    n: rows.len(),
                    needed: 2,
                });
            }
        }
        let own = rows_of(features.train.view(), &rows);
        let values = Array2::from_shape_fn((rows.len(), targets.len()), |(row, column)| {
            train[(rows[row], targets[column])].unwrap_or_default()
        });
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            return Err(ProbeError::NotFinite(format!("a target in train is {value}, not a finite number")));
        }
        let models = path.fit_checked(own.view(), values.view())?;
        let predicted: Vec<Array2<f64>> = models.iter().map(|model| model.values(&features.valid)).collect();
        for (column, &target) in targets.iter().enumerate() {
            let known = known_rows(valid, target);
            if known.is_empty() {
                return Err(too_few(task.targets.get(target), "valid", 0));
            }
            let loss = |predicted: &Array2<f64>| {
                let square = |&row: &usize| {
                    valid[(row, target)].map_or(0.0, |truth| (predicted[(row, column)] - truth).powi(2))
                };
                known.iter().map(square).sum::<f64>() / known.len() as f64
            };
            let losses: Vec<f64> = predicted.iter().map(loss).collect();
            let best = least(&losses, &probe.penalties);
            choices[target] = models.get(best).map(|model| Choice {
                weights: model.weights.select(Axis(0), &[column]),
                intercepts: model.intercepts.select(Axis(0), &[column]),
                penalty: model.penalty,
                validation_loss: losses[best],
                converged: None,
                iterations: 0,
                gradient_norm: None,
                warnings: end_of_grid(model.penalty, &probe.penalties).into_iter().collect(),
            });
        }
    }
    Ok(choices.into_iter().flatten().collect())
}
