//! The loss of a task: what is minimised, and what the outputs of the network mean.
//!
//! Binary and multilabel tasks use the logistic loss, and multiclass tasks the cross-entropy. Regression uses the
//! squared error of targets standardised by their training mean and deviation, or for counts the Poisson loss with a
//! log link of targets divided by their training mean. Missing targets have weight 0; the loss is the weighted sum
//! over the known targets, divided by their number. Validation losses are computed in `f64` from the outputs.

use crate::error::torch;
use crate::settings::Loss;
use crate::training::prepared_targets::PreparedTargets;
use crate::training::target_checks::{check_classes, check_loss, enough, not_negative};
use ndarray::Array2;
use seqprobe_core::numeric::sigmoid;
use seqprobe_core::{ProbeError, Targets, Task, TaskKind};
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

/// The loss of a task, with the statistics that it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TaskLoss {
    /// One logit per output; each target is yes or no.
    Logistic {
        /// Number of outputs.
        outputs: usize,
    },
    /// One logit per class.
    Softmax {
        /// Number of classes.
        classes: usize,
    },
    /// One value per output, in standard deviations of the training targets.
    Squared {
        /// Training mean of each target.
        mean: Vec<f64>,
        /// Training standard deviation of each target; 1 if it is constant.
        deviation: Vec<f64>,
    },
    /// The logarithm of a rate per output, in units of the training mean.
    Poisson {
        /// Training mean of each target; 1 if all are zero.
        mean: Vec<f64>,
    },
}

impl TaskLoss {
    /// The loss of a task, with statistics of the training targets; adds warnings.
    pub(crate) fn new(
        task: &Task,
        loss: Loss,
        train: &Targets,
        valid: &Targets,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ProbeError> {
        check_loss(task.kind, loss)?;
        match (task.kind, train, valid) {
            (TaskKind::Binary | TaskKind::Multiclass, Targets::Classes { labels, n_classes }, _) => {
                check_classes(task, (labels, *n_classes), valid.n_examples(), warnings)?;
                Ok(if task.kind == TaskKind::Binary {
                    Self::Logistic { outputs: 1 }
                } else {
                    Self::Softmax { classes: task.classes.len() }
                })
            }
            (
                TaskKind::Multilabel | TaskKind::Regression,
                Targets::Values { values },
                Targets::Values { values: valid },
            ) => Self::of_values(task, loss, (values, valid), warnings),
            (TaskKind::Multilabel | TaskKind::Regression, Targets::Values { .. }, _) => {
                Err(ProbeError::NotApplicable("train and valid have targets of different kinds".into()))
            }
            (kind, ..) => {
                Err(ProbeError::NotApplicable(format!("targets do not fit a {} task", kind.as_str())))
            }
        }
    }

    /// The loss of a task whose targets are numbers, or yes and no for several labels.
    ///
    /// # Shapes
    /// `train` and `valid [rows, targets]`
    fn of_values(
        task: &Task,
        loss: Loss,
        (train, valid): (&Array2<Option<f64>>, &Array2<Option<f64>>),
        warnings: &mut Vec<String>,
    ) -> Result<Self, ProbeError> {
        if train.ncols() != task.targets.len() || valid.ncols() != task.targets.len() {
            return Err(ProbeError::NotApplicable(format!(
                "the task has {} targets, its values have {} columns in train and {} in valid",
                task.targets.len(),
                train.ncols(),
                valid.ncols()
            )));
        }
        let (mut mean, mut deviation) = (Vec::new(), Vec::new());
        for (target, column) in task.targets.iter().zip(train.columns()) {
            let known: Vec<f64> = column.iter().flatten().copied().collect();
            enough(target, "train", known.len(), 2)?;
            let centre = known.iter().sum::<f64>() / known.len() as f64;
            let spread =
                (known.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / known.len() as f64).sqrt();
            let constant = known.iter().all(|value| value.to_bits() == known[0].to_bits());
            if constant {
                warnings.push(format!("target {target:?} has one value only in the train split"));
            }
            mean.push(centre);
            deviation.push(if constant || spread <= 0.0 { 1.0 } else { spread });
        }
        enough(&task.targets.join(", "), "valid", valid.iter().flatten().count(), 1)?;
        Ok(match task.kind {
            TaskKind::Regression if loss == Loss::Poisson => {
                not_negative(task, "train", train)?;
                not_negative(task, "valid", valid)?;
                let scale = |mean: f64| if mean > 0.0 { mean } else { 1.0 };
                Self::Poisson { mean: mean.into_iter().map(scale).collect() }
            }
            TaskKind::Regression => Self::Squared { mean, deviation },
            _ => Self::Logistic { outputs: task.targets.len() },
        })
    }

    /// Number of output columns of the network.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Logistic { outputs } => *outputs,
            Self::Softmax { classes } => *classes,
            Self::Squared { mean, .. } | Self::Poisson { mean } => mean.len(),
        }
    }

    /// The mean loss of some rows, which training minimises.
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
        let select = |all: &[f64]| -> Vec<f32> {
            rows.iter()
                .flat_map(|&row| &all[row * width..(row + 1) * width])
                .map(|&value| value as f32)
                .collect()
        };
        let matrix = |values: &[f32]| {
            Tensor::f_from_slice(values).and_then(|all| all.f_view([rows.len() as i64, width as i64]))
        };
        let each = match self {
            Self::Softmax { .. } => {
                let labels: Vec<i64> = rows.iter().map(|&row| targets.values[row] as i64).collect();
                let labels = Tensor::f_from_slice(&labels).map_err(torch)?;
                output
                    .f_log_softmax(-1, Kind::Float)
                    .and_then(|logs| logs.f_nll_loss::<Tensor>(&labels, None, tch::Reduction::None, -100))
                    .and_then(|losses| losses.f_view([rows.len() as i64, 1]))
            }
            Self::Logistic { .. } => matrix(&select(&targets.values)).and_then(|values| {
                output.f_binary_cross_entropy_with_logits::<Tensor>(&values, None, None, tch::Reduction::None)
            }),
            Self::Squared { .. } => matrix(&select(&targets.values))
                .and_then(|values| output.f_sub(&values))
                .and_then(|error| error.f_square()),
            Self::Poisson { .. } => matrix(&select(&targets.values))
                .and_then(|values| output.f_mul(&values))
                .and_then(|product| output.f_exp()?.f_sub(&product)),
        }
        .map_err(torch)?;
        if targets.all_weigh_one {
            return each.f_mean(Kind::Float).map_err(torch);
        }
        let known = rows.iter().flat_map(|&row| &targets.weights[row * width..(row + 1) * width]);
        let count = known.filter(|weight| **weight > 0.0).count().max(1);
        matrix(&select(&targets.weights))
            .and_then(|weights| each.f_mul(&weights))
            .and_then(|losses| losses.f_sum(Kind::Float))
            .and_then(|sum| sum.f_div_scalar(count as f64))
            .map_err(torch)
    }

    /// The mean loss over known targets, weighted as in training, by which an epoch is chosen: log loss in nats, the
    /// squared error of the standardised targets, or the Poisson loss without its constant.
    ///
    /// # Shapes
    /// `output [rows, outputs]`
    pub(crate) fn selection_loss(&self, output: &Array2<f64>, targets: &PreparedTargets) -> f64 {
        self.mean_loss(output, targets, |_, weight, loss| weight * loss)
    }

    /// The mean loss over known targets as it is reported, without weights: log loss in nats, the squared error
    /// on the untransformed scale, or the mean Poisson deviance (McCullagh & Nelder 1989).
    ///
    /// # Shapes
    /// `output [rows, outputs]`
    pub(crate) fn reported_loss(&self, output: &Array2<f64>, targets: &PreparedTargets) -> f64 {
        self.mean_loss(output, targets, |index, _, loss| match self {
            Self::Squared { deviation, .. } => loss * deviation[index % targets.outputs].powi(2),
            Self::Poisson { mean } => {
                let target = targets.values[index];
                let least = if target > 0.0 { target - target * target.ln() } else { 0.0 };
                2.0 * mean[index % targets.outputs] * (loss - least)
            }
            _ => loss,
        })
    }

    /// The mean of `count(index, weight, loss)` over the known targets.
    fn mean_loss(
        &self,
        output: &Array2<f64>,
        targets: &PreparedTargets,
        count: impl Fn(usize, f64, f64) -> f64,
    ) -> f64 {
        let (mut sum, mut n) = (0.0, 0_usize);
        for (index, (&target, &weight)) in targets.values.iter().zip(&targets.weights).enumerate() {
            if weight <= 0.0 {
                continue;
            }
            let (row, column) = (index / targets.outputs, index % targets.outputs);
            let value = output[(row, column)];
            let loss = match self {
                Self::Softmax { .. } => {
                    let logits = output.row(row);
                    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let total: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
                    largest + total.ln() - logits[target as usize]
                }
                Self::Squared { .. } => (value - target).powi(2),
                Self::Poisson { .. } => value.exp() - target * value,
                // log(1 + e^v) - target·v, written so that it does not overflow
                Self::Logistic { .. } => value.max(0.0) - value * target + (-value.abs()).exp().ln_1p(),
            };
            sum += count(index, weight, loss);
            n += 1;
        }
        sum / n.max(1) as f64
    }

    /// Turns outputs into probabilities, or into values on the original scale.
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
            Self::Poisson { mean } => {
                for mut row in output.outer_iter_mut() {
                    row.iter_mut().zip(mean).for_each(|(value, mean)| *value = value.exp() * mean);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::target_preparation::{balanced_weights, prepare};

    /// What `tests/fixtures/training/generate.py` wrote from torch and scikit-learn.
    #[derive(Deserialize)]
    struct Golden {
        losses: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        kind: String,
        rows: usize,
        #[serde(default)]
        classes: usize,
        #[serde(default)]
        columns: usize,
        output: Vec<f64>,
        targets: Vec<Option<f64>>,
        loss: f64,
        gradient: Vec<f64>,
        reported: Option<f64>,
        predictions: Option<Vec<f64>>,
    }

    fn close(value: f64, expected: f64, tolerance: f64, name: &str) {
        let error = (value - expected).abs() / expected.abs().max(1e-2);
        assert!(error <= tolerance, "{name}: {value}, expected {expected}");
    }

    #[test]
    fn losses_and_gradients_are_those_of_torch() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/fixtures/training/golden.json")).unwrap();
        assert_eq!(golden.losses.len(), 8);
        for case in golden.losses {
            let name = case.name.as_str();
            let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<String>>();
            let (kind, loss) = match (case.kind.as_str(), case.classes) {
                ("classes", 2) => (TaskKind::Binary, Loss::Bce),
                ("classes", _) => (TaskKind::Multiclass, Loss::CrossEntropy),
                ("multilabel", _) => (TaskKind::Multilabel, Loss::Bce),
                _ if name == "poisson" => (TaskKind::Regression, Loss::Poisson),
                _ => (TaskKind::Regression, Loss::Auto),
            };
            let task = Task { kind, targets: names(case.columns.max(1)), classes: names(case.classes) };
            let targets = if case.classes > 0 {
                let labels = case.targets.iter().map(|label| label.unwrap() as u32).collect();
                Targets::Classes { labels, n_classes: case.classes }
            } else {
                let values = Array2::from_shape_vec((case.rows, case.columns), case.targets).unwrap();
                Targets::Values { values }
            };
            let objective = TaskLoss::new(&task, loss, &targets, &targets, &mut Vec::new()).unwrap();
            let mut prepared = prepare(&objective, &targets).unwrap();
            let plain = prepare(&objective, &targets).unwrap();
            if name.ends_with("balanced") {
                let weights = balanced_weights(&objective, &prepared).unwrap();
                prepared.weigh(&weights);
            }
            let shape = (case.rows, objective.outputs());
            let output = Array2::from_shape_vec(shape, case.output).unwrap();
            close(objective.selection_loss(&output, &prepared), case.loss, 1e-9, name);
            let unweighted = objective.selection_loss(&output, &plain);
            match case.reported {
                Some(expected) => close(objective.reported_loss(&output, &prepared), expected, 1e-9, name),
                None => close(objective.reported_loss(&output, &prepared), unweighted, 1e-12, name),
            }
            if let Some(expected) = case.predictions {
                let found = objective.predictions(output.clone());
                found.iter().zip(expected).for_each(|(value, expected)| close(*value, expected, 1e-9, name));
            }
            // The same through libtorch in single precision, rows in another order.
            let rows: Vec<usize> = (0..case.rows).rev().collect();
            let single: Vec<f32> = output.rows().into_iter().rev().flatten().map(|&v| v as f32).collect();
            let single =
                Tensor::from_slice(&single).view([shape.0 as i64, shape.1 as i64]).requires_grad_(true);
            let loss = tch::with_grad(|| objective.loss(&single, &prepared, &rows)).unwrap();
            close(loss.double_value(&[]), case.loss, 1e-5, name);
            let gradient = Tensor::run_backward(&[&loss], &[&single], false, false).remove(0).flip([0]);
            let gradient = Vec::<f32>::try_from(gradient.contiguous().view(-1)).unwrap();
            assert_eq!(gradient.len(), case.gradient.len());
            for (value, expected) in gradient.into_iter().zip(case.gradient) {
                close(f64::from(value), expected, 1e-4, name);
            }
        }
    }

    #[test]
    fn a_loss_must_suit_its_task_and_counts_are_not_negative() {
        let task = |kind| Task { kind, targets: vec!["y".into()], classes: vec!["a".into(), "b".into()] };
        let counts = |last: f64| Targets::Values {
            values: Array2::from_shape_vec((4, 1), vec![Some(1.0), None, Some(0.0), Some(last)]).unwrap(),
        };
        let error = |kind, loss, valid: f64| {
            TaskLoss::new(&task(kind), loss, &counts(2.0), &counts(valid), &mut Vec::new())
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        assert!(error(TaskKind::Regression, Loss::Poisson, 2.0).is_ok());
        let text = error(TaskKind::Regression, Loss::Poisson, -2.0).unwrap_err();
        assert!(text.contains("\"y\" is -2 in row 3") && text.contains("valid split"), "{text}");
        assert!(error(TaskKind::Regression, Loss::Mse, -2.0).is_ok());
        let text = error(TaskKind::Multilabel, Loss::Poisson, 2.0).unwrap_err();
        assert!(text.contains("poisson does not suit a multilabel task"), "{text}");
    }
}
