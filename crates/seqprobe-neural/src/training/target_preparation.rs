//! Scales the targets of a split for a loss, and computes the weights that balance classes.

use crate::training::prepared_targets::PreparedTargets;
use crate::training::task_loss::TaskLoss;
use seqprobe_core::{ProbeError, Targets};

/// Returns the targets of a split on the scale of a loss.
///
/// # Errors
/// [`ProbeError::NotApplicable`] for targets of another kind, and for a class that the task does not have.
pub(crate) fn prepare(loss: &TaskLoss, targets: &Targets) -> Result<PreparedTargets, ProbeError> {
    let (outputs, values, weights): (usize, Vec<f64>, Vec<f64>) = match (loss, targets) {
        (TaskLoss::Logistic { outputs: 1 } | TaskLoss::Softmax { .. }, Targets::Classes { labels, .. }) => {
            if let Some(label) = labels.iter().find(|&&label| label as usize >= loss.outputs().max(2)) {
                return Err(ProbeError::NotApplicable(format!("class {label} is unknown to the task")));
            }
            (1, labels.iter().map(|&label| f64::from(label)).collect(), vec![1.0; labels.len()])
        }
        (
            TaskLoss::Logistic { .. } | TaskLoss::Squared { .. } | TaskLoss::Poisson { .. },
            Targets::Values { values },
        ) => {
            let scaled = values.indexed_iter().map(|((_, column), value)| match (loss, value) {
                (_, None) => 0.0,
                (TaskLoss::Squared { mean, deviation }, Some(value)) => {
                    (value - mean[column]) / deviation[column]
                }
                (TaskLoss::Poisson { mean }, Some(value)) => value / mean[column],
                (_, Some(value)) => *value,
            });
            let weights = values.iter().map(|value| f64::from(u8::from(value.is_some())));
            (values.ncols(), scaled.collect(), weights.collect())
        }
        _ => return Err(ProbeError::NotApplicable("targets do not fit the task".to_owned())),
    };
    let all_weigh_one = weights.iter().all(|&weight| weight > 0.0);
    Ok(PreparedTargets { outputs, values, weights, all_weigh_one })
}

/// Returns weights that give all classes of a target the same total weight and have a mean of 1: the number of known
/// targets / (number of classes present × number of targets of the class), as scikit-learn's `balanced`.
/// A class without a training target has weight 1.
///
/// # Shapes
/// `[outputs of the targets][classes]`
pub(crate) fn balanced_weights(
    loss: &TaskLoss,
    train: &PreparedTargets,
) -> Result<Vec<Vec<f64>>, ProbeError> {
    let classes = match loss {
        TaskLoss::Logistic { .. } => 2,
        TaskLoss::Softmax { classes } => *classes,
        _ => {
            return Err(ProbeError::NotApplicable(
                "class_weight is for tasks with classes, this is regression".to_owned(),
            ));
        }
    };
    let mut counts = vec![vec![0_usize; classes]; train.outputs];
    for (index, (value, weight)) in train.values.iter().zip(&train.weights).enumerate() {
        if *weight > 0.0 {
            counts[index % train.outputs][*value as usize] += 1;
        }
    }
    let weigh = |counts: Vec<usize>| {
        let (n, present) = (counts.iter().sum::<usize>(), counts.iter().filter(|&&n| n > 0).count());
        let weight = |count| if count == 0 { 1.0 } else { n as f64 / (present * count) as f64 };
        counts.into_iter().map(weight).collect()
    };
    Ok(counts.into_iter().map(weigh).collect())
}
