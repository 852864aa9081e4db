//! Targets as training needs them: on the scale of the objective, with a weight each.

use crate::objective::Objective;
use seqprobe_core::{ProbeError, Targets};

/// The targets of one split.
pub(crate) struct PreparedTargets {
    pub(crate) outputs: usize,
    /// `[rows, outputs]`: 0, 1 or the scaled target; 0 where missing. For classes `[rows]`, the class.
    pub(crate) values: Vec<f64>,
    /// As `values`: 0 where missing, else 1 or the weight of its class.
    pub(crate) weights: Vec<f64>,
    pub(crate) all_weigh_one: bool,
}

impl PreparedTargets {
    /// Multiplies each weight by that of its class: `weights[output][class]`.
    pub(crate) fn weigh(&mut self, weights: &[Vec<f64>]) {
        for (index, (weight, value)) in self.weights.iter_mut().zip(&self.values).enumerate() {
            *weight *= weights[index % self.outputs][*value as usize];
        }
        self.all_weigh_one = false;
    }
}

impl Objective {
    /// Targets as training needs them.
    pub(crate) fn prepare(&self, targets: &Targets) -> Result<PreparedTargets, ProbeError> {
        let (outputs, values, weights): (usize, Vec<f64>, Vec<f64>) = match (self, targets) {
            (Self::Logistic { outputs: 1 } | Self::Softmax { .. }, Targets::Classes { labels, .. }) => {
                if let Some(label) = labels.iter().find(|&&label| label as usize >= self.outputs().max(2)) {
                    return Err(ProbeError::NotApplicable(format!("class {label} is unknown to the task")));
                }
                (1, labels.iter().map(|&label| f64::from(label)).collect(), vec![1.0; labels.len()])
            }
            (
                Self::Logistic { .. } | Self::Squared { .. } | Self::Poisson { .. },
                Targets::Values { values },
            ) => {
                let scaled = values.indexed_iter().map(|((_, column), value)| match (self, value) {
                    (_, None) => 0.0,
                    (Self::Squared { mean, deviation }, Some(value)) => {
                        (value - mean[column]) / deviation[column]
                    }
                    (Self::Poisson { mean }, Some(value)) => value / mean[column],
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

    /// Weights with which all classes of a target that are present weigh the same in all and a target weighs 1 on
    /// average: known targets over (classes present × targets of the class), as scikit-learn's `balanced`.
    /// A class without a training target weighs 1.
    ///
    /// # Shapes
    /// `[outputs of the targets][classes]`
    pub(crate) fn balanced(&self, train: &PreparedTargets) -> Result<Vec<Vec<f64>>, ProbeError> {
        let classes = match self {
            Self::Logistic { .. } => 2,
            Self::Softmax { classes } => *classes,
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
}
