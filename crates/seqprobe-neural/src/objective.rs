//! Losses: what is minimised for each kind of task, how targets are prepared and how outputs are read.
//!
//! Binary and multilabel tasks use the logistic loss, multiclass the cross-entropy, regression the squared
//! error on targets standardised by their training mean and deviation. Missing targets weigh nothing; the
//! loss is the mean over the known ones. Validation losses are computed in `f64` from the outputs.

use crate::torch;
use ndarray::Array2;
use seqprobe_core::{ProbeError, Targets, Task, TaskKind};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

/// What is minimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Objective {
    /// One logit per output, each a yes/no target.
    Logistic {
        /// Number of outputs.
        outputs: usize,
    },
    /// One logit per class.
    Softmax {
        /// Number of classes.
        classes: usize,
    },
    /// One number per output, in units of the training targets' deviation.
    Squared {
        /// Training mean of each target.
        mean: Vec<f64>,
        /// Training standard deviation of each target, 1 where it is constant.
        deviation: Vec<f64>,
    },
}

/// The targets of one split, as training needs them.
pub(crate) struct PreparedTargets {
    outputs: usize,
    /// `[rows, outputs]`: 0, 1 or the standardised target; 0 where missing. For classes `[rows]`, the class.
    values: Vec<f64>,
    /// `[rows, outputs]`: false where missing.
    known: Vec<bool>,
    all_known: bool,
}

impl Objective {
    /// The objective of a task, with the statistics it needs from the training targets; pushes warnings.
    pub(crate) fn new(
        task: &Task,
        train: &Targets,
        valid: &Targets,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ProbeError> {
        match (task.kind, train) {
            (TaskKind::Binary | TaskKind::Multiclass, Targets::Classes { labels, n_classes }) => {
                let expected = if task.kind == TaskKind::Binary { 2 } else { task.classes.len() };
                if *n_classes != expected || labels.iter().any(|&label| label as usize >= expected) {
                    return Err(ProbeError::NotApplicable(format!(
                        "the task has {expected} classes, its targets have {n_classes}"
                    )));
                }
                let target = task.targets.first().map_or("class", String::as_str);
                enough(target, "train", labels.len(), 2)?;
                enough(target, "valid", valid.n_examples(), 1)?;
                let mut counts = vec![0_usize; expected];
                for &label in labels {
                    counts[label as usize] += 1;
                }
                let name =
                    |class: usize| task.classes.get(class).map_or_else(|| class.to_string(), Clone::clone);
                let present: Vec<usize> = (0..expected).filter(|&class| counts[class] > 0).collect();
                if let [only] = present[..] {
                    return Err(ProbeError::OneClass { split: "train", class: name(only) });
                }
                for class in (0..expected).filter(|&class| counts[class] == 0) {
                    warnings.push(format!("class {:?} has no training example", name(class)));
                }
                Ok(if task.kind == TaskKind::Binary {
                    Self::Logistic { outputs: 1 }
                } else {
                    Self::Softmax { classes: expected }
                })
            }
            (TaskKind::Multilabel | TaskKind::Regression, Targets::Values { values }) => {
                let Targets::Values { values: valid_values } = valid else {
                    return Err(ProbeError::NotApplicable(
                        "train and valid have targets of different kinds".into(),
                    ));
                };
                if values.ncols() != task.targets.len() || valid_values.ncols() != task.targets.len() {
                    return Err(ProbeError::NotApplicable(format!(
                        "the task has {} targets, its values have {} columns in train and {} in valid",
                        task.targets.len(),
                        values.ncols(),
                        valid_values.ncols()
                    )));
                }
                let (mut mean, mut deviation) = (Vec::new(), Vec::new());
                for (target, column) in task.targets.iter().zip(values.columns()) {
                    let known: Vec<f64> = column.iter().flatten().copied().collect();
                    enough(target, "train", known.len(), 2)?;
                    let centre = known.iter().sum::<f64>() / known.len() as f64;
                    let spread = (known.iter().map(|value| (value - centre).powi(2)).sum::<f64>()
                        / known.len() as f64)
                        .sqrt();
                    let constant = known.iter().all(|value| value.to_bits() == known[0].to_bits());
                    if constant {
                        warnings.push(format!("target {target:?} has one value only in the train split"));
                    }
                    mean.push(centre);
                    deviation.push(if constant || spread <= 0.0 { 1.0 } else { spread });
                }
                let known_valid = valid_values.iter().flatten().count();
                enough(&task.targets.join(", "), "valid", known_valid, 1)?;
                Ok(match task.kind {
                    TaskKind::Regression => Self::Squared { mean, deviation },
                    _ => Self::Logistic { outputs: task.targets.len() },
                })
            }
            (kind, _) => {
                Err(ProbeError::NotApplicable(format!("targets do not fit a {} task", kind.as_str())))
            }
        }
    }

    /// Columns of the network's output.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Logistic { outputs } => *outputs,
            Self::Softmax { classes } => *classes,
            Self::Squared { mean, .. } => mean.len(),
        }
    }

    /// Targets as training needs them.
    pub(crate) fn prepare(&self, targets: &Targets) -> Result<PreparedTargets, ProbeError> {
        let (outputs, values, known) = match (self, targets) {
            (Self::Logistic { outputs: 1 } | Self::Softmax { .. }, Targets::Classes { labels, .. }) => {
                if let Some(label) = labels.iter().find(|&&label| label as usize >= self.outputs().max(2)) {
                    return Err(ProbeError::NotApplicable(format!("class {label} is unknown to the task")));
                }
                (1, labels.iter().map(|&label| f64::from(label)).collect(), vec![true; labels.len()])
            }
            (Self::Logistic { .. } | Self::Squared { .. }, Targets::Values { values }) => {
                let prepared = values.indexed_iter().map(|((_, column), value)| match (self, value) {
                    (Self::Squared { mean, deviation }, Some(value)) => {
                        (value - mean[column]) / deviation[column]
                    }
                    (_, value) => value.unwrap_or(0.0),
                });
                (values.ncols(), prepared.collect(), values.iter().map(Option::is_some).collect())
            }
            _ => return Err(ProbeError::NotApplicable("targets do not fit the task".to_owned())),
        };
        let all_known = known.iter().all(|&known| known);
        Ok(PreparedTargets { outputs, values, known, all_known })
    }

    /// The mean loss of some rows, to be minimised.
    ///
    /// # Shapes
    /// `output [rows, outputs]` → scalar
    pub(crate) fn loss(
        &self,
        output: &Tensor,
        targets: &PreparedTargets,
        rows: &[usize],
    ) -> Result<Tensor, ProbeError> {
        let width = targets.outputs;
        if let Self::Softmax { .. } = self {
            let labels: Vec<i64> = rows.iter().map(|&row| targets.values[row] as i64).collect();
            let labels = Tensor::f_from_slice(&labels).map_err(torch)?;
            return output
                .f_log_softmax(-1, Kind::Float)
                .and_then(|logs| logs.f_nll_loss::<Tensor>(&labels, None, tch::Reduction::Mean, -100))
                .map_err(torch);
        }
        let mut values = Vec::with_capacity(rows.len() * width);
        for &row in rows {
            values.extend(targets.values[row * width..(row + 1) * width].iter().map(|&value| value as f32));
        }
        let shape = [rows.len() as i64, width as i64];
        let values = Tensor::f_from_slice(&values).and_then(|values| values.f_view(shape)).map_err(torch)?;
        let losses = match self {
            Self::Squared { .. } => output.f_sub(&values).and_then(|error| error.f_square()),
            _ => {
                output.f_binary_cross_entropy_with_logits::<Tensor>(&values, None, None, tch::Reduction::None)
            }
        }
        .map_err(torch)?;
        if targets.all_known {
            return losses.f_mean(Kind::Float).map_err(torch);
        }
        let mut weights = Vec::with_capacity(rows.len() * width);
        for &row in rows {
            weights.extend(
                targets.known[row * width..(row + 1) * width].iter().map(|&known| f32::from(u8::from(known))),
            );
        }
        let count = weights.iter().sum::<f32>().max(1.0);
        Tensor::f_from_slice(&weights)
            .and_then(|weights| weights.f_view(shape))
            .and_then(|weights| losses.f_mul(&weights))
            .and_then(|losses| losses.f_sum(Kind::Float))
            .and_then(|sum| sum.f_div_scalar(f64::from(count)))
            .map_err(torch)
    }

    /// The mean loss over known targets, by which an epoch is chosen: log loss in nats, or the squared error
    /// of the standardised targets.
    ///
    /// # Shapes
    /// `output [rows, outputs]`
    pub(crate) fn selection_loss(&self, output: &Array2<f64>, targets: &PreparedTargets) -> f64 {
        self.mean_loss(output, targets, false)
    }

    /// As [`Self::selection_loss`], but the squared error is on the untransformed scale.
    pub(crate) fn reported_loss(&self, output: &Array2<f64>, targets: &PreparedTargets) -> f64 {
        self.mean_loss(output, targets, true)
    }

    fn mean_loss(&self, output: &Array2<f64>, targets: &PreparedTargets, untransformed: bool) -> f64 {
        let (mut sum, mut count) = (0.0, 0_usize);
        for (row, logits) in output.outer_iter().enumerate() {
            if let Self::Softmax { .. } = self {
                let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
                sum += largest + total.ln() - logits[targets.values[row] as usize];
                count += 1;
                continue;
            }
            for (column, &value) in logits.iter().enumerate() {
                let index = row * targets.outputs + column;
                if !targets.known[index] {
                    continue;
                }
                let target = targets.values[index];
                sum += match self {
                    Self::Squared { deviation, .. } => {
                        let scale = if untransformed { deviation[column] } else { 1.0 };
                        ((value - target) * scale).powi(2)
                    }
                    // log(1 + e^v) - target·v, written so that it does not overflow
                    _ => value.max(0.0) - value * target + (-value.abs()).exp().ln_1p(),
                };
                count += 1;
            }
        }
        sum / count.max(1) as f64
    }

    /// Probabilities, or values on the untransformed scale.
    ///
    /// # Shapes
    /// `output [rows, outputs]` → `[rows, outputs]`
    pub(crate) fn predictions(&self, mut output: Array2<f64>) -> Array2<f64> {
        match self {
            Self::Logistic { .. } => output.mapv_inplace(sigmoid),
            Self::Squared { mean, deviation } => {
                for mut row in output.outer_iter_mut() {
                    for ((value, mean), deviation) in row.iter_mut().zip(mean).zip(deviation) {
                        *value = *value * deviation + mean;
                    }
                }
            }
            Self::Softmax { .. } => {
                for mut row in output.outer_iter_mut() {
                    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    row.mapv_inplace(|logit| (logit - largest).exp());
                    let total = row.sum();
                    row.mapv_inplace(|value| value / total);
                }
            }
        }
        output
    }
}

fn sigmoid(logit: f64) -> f64 {
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        let exponential = logit.exp();
        exponential / (1.0 + exponential)
    }
}

fn enough(target: &str, split: &'static str, n: usize, needed: usize) -> Result<(), ProbeError> {
    if n < needed {
        return Err(ProbeError::TooFewTargets { target: target.to_owned(), split, n, needed });
    }
    Ok(())
}
