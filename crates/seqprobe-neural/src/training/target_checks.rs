//! Checks of the targets of a task before a fit.

use crate::settings::Loss;
use ndarray::Array2;
use seqprobe_core::{ProbeError, Task, TaskKind};

/// Refuses labels of which there are too few or of one class only; warns of classes without a training example.
pub(crate) fn check_classes(
    task: &Task,
    (labels, n_classes): (&[u32], usize),
    n_valid: usize,
    warnings: &mut Vec<String>,
) -> Result<(), ProbeError> {
    let expected = if task.kind == TaskKind::Binary { 2 } else { task.classes.len() };
    if n_classes != expected || labels.iter().any(|&label| label as usize >= expected) {
        return Err(ProbeError::NotApplicable(format!(
            "the task has {expected} classes, its targets have {n_classes}"
        )));
    }
    let target = task.targets.first().map_or("class", String::as_str);
    enough(target, "train", labels.len(), 2)?;
    enough(target, "valid", n_valid, 1)?;
    let mut counts = vec![0_usize; expected];
    for &label in labels {
        counts[label as usize] += 1;
    }
    let name = |class: usize| task.classes.get(class).map_or_else(|| class.to_string(), Clone::clone);
    let present: Vec<usize> = (0..expected).filter(|&class| counts[class] > 0).collect();
    if let [only] = present[..] {
        return Err(ProbeError::OneClass { split: "train", class: name(only) });
    }
    for class in (0..expected).filter(|&class| counts[class] == 0) {
        warnings.push(format!("class {:?} has no training example", name(class)));
    }
    Ok(())
}

/// Refuses a loss that does not suit the kind of task.
pub(crate) fn check_loss(kind: TaskKind, loss: Loss) -> Result<(), ProbeError> {
    let suits = match loss {
        Loss::Auto => true,
        Loss::CrossEntropy => matches!(kind, TaskKind::Binary | TaskKind::Multiclass),
        Loss::Bce => matches!(kind, TaskKind::Binary | TaskKind::Multilabel),
        Loss::Mse | Loss::Poisson => kind == TaskKind::Regression,
    };
    if suits {
        return Ok(());
    }
    let (loss, kind) = (loss.as_str(), kind.as_str());
    Err(ProbeError::NotApplicable(format!("the loss {loss} does not suit a {kind} task")))
}

/// Refuses targets below 0, which the Poisson loss cannot fit.
pub(crate) fn not_negative(
    task: &Task,
    split: &'static str,
    values: &Array2<Option<f64>>,
) -> Result<(), ProbeError> {
    match values.indexed_iter().find_map(|(place, value)| value.filter(|v| *v < 0.0).map(|v| (place, v))) {
        None => Ok(()),
        Some(((row, column), value)) => Err(ProbeError::NotApplicable(format!(
            "target {:?} is {value} in row {row} (0-based) of the {split} split, the poisson loss needs at least 0\n  \
             hint: use loss = \"mse\"",
            task.targets.get(column).map_or("", String::as_str)
        ))),
    }
}

/// Refuses a target with fewer known values than needed.
pub(crate) fn enough(target: &str, split: &'static str, n: usize, needed: usize) -> Result<(), ProbeError> {
    if n < needed {
        return Err(ProbeError::TooFewTargets { target: target.to_owned(), split, n, needed });
    }
    Ok(())
}
