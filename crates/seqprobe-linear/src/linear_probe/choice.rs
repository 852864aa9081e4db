//! A path of models, one per penalty, their losses on rows that were not fitted on, and the choice among them.

use crate::error::LinearError;
use crate::prepare::penalties::{end_of_grid, strongest_first};
use crate::prepare::standardised::Standardised;
use ndarray::{Array1, Array2};

/// One model of a path.
pub(crate) struct PathModel {
    /// `[linear outputs, features]`
    pub(crate) weights: Array2<f64>,
    pub(crate) intercepts: Array1<f64>,
    /// `None` for a closed form.
    pub(crate) converged: Option<bool>,
    /// 0 for a closed form, `None` if the solver does not report them.
    pub(crate) iterations: Option<u64>,
    pub(crate) gradient_norm: Option<f64>,
}

/// The models of one choice: all outputs of a class task, or one target of several.
pub(crate) struct Path {
    /// One per penalty, in the order of the penalties.
    pub(crate) models: Vec<PathModel>,
    /// Losses of the models on rows that none of them was fitted on.
    pub(crate) losses: Losses,
    pub(crate) warnings: Vec<String>,
}

/// Sum of losses per penalty, and the total weight of the rows summed over.
#[derive(Clone)]
pub(crate) struct Losses {
    pub(crate) sums: Vec<f64>,
    pub(crate) weight: f64,
}

impl Losses {
    /// Adds the losses over other rows.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum += other;
        }
        self.weight += other.weight;
    }

    fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.weight).collect()
    }
}

/// One chosen model.
pub(crate) struct Choice {
    pub(crate) model: PathModel,
    pub(crate) penalty: f64,
    pub(crate) validation_loss: f64,
    /// Steps along the whole path, if the solver reports them.
    pub(crate) iterations: Option<u64>,
    pub(crate) warnings: Vec<String>,
}

impl Path {
    /// Returns the model with the smallest mean loss: by `folds` if given, else by the losses of the path, which are
    /// those on validation. `None` if there is no model.
    pub(crate) fn choose(self, penalties: &[f64], folds: Option<&Losses>) -> Option<Choice> {
        let on_validation = self.losses.means();
        let best = least(&folds.map_or_else(|| on_validation.clone(), Losses::means), penalties);
        let mut warnings = self.warnings;
        for (model, penalty) in self.models.iter().zip(penalties) {
            if let (Some(false), Some(gradient_norm)) = (model.converged, model.gradient_norm) {
                warnings.push(format!(
                    "not converged at penalty {penalty} (largest mean gradient {gradient_norm:.1e})"
                ));
            }
        }
        let iterations = self.models.iter().map(|model| model.iterations).sum();
        let penalty = *penalties.get(best)?;
        warnings.extend(end_of_grid(penalty, penalties));
        let model = self.models.into_iter().nth(best)?;
        Some(Choice { model, penalty, validation_loss: on_validation[best], iterations, warnings })
    }
}

/// Returns the index of the smallest loss; among equal losses that of the strongest penalty.
pub(crate) fn least(losses: &[f64], penalties: &[f64]) -> usize {
    let mut order = strongest_first(penalties);
    order.sort_by(|&left, &right| losses[left].total_cmp(&losses[right]));
    order.first().copied().unwrap_or(0)
}

/// Computes the linear outputs of several models, side by side, in one pass over the rows.
///
/// # Shapes
/// `[rows, Σ outputs]`
pub(crate) fn outputs_of<'m>(
    models: impl Iterator<Item = &'m PathModel>,
    rows: &Standardised<'_>,
) -> Result<Array2<f64>, LinearError> {
    let design = rows.design();
    let mut parameters = Vec::new();
    let mut n_outputs = 0;
    for model in models {
        for (weights, intercept) in model.weights.rows().into_iter().zip(&model.intercepts) {
            parameters.extend(weights);
            parameters.push(*intercept);
            n_outputs += 1;
        }
    }
    let values = design.outputs(&parameters, n_outputs)?;
    Array2::from_shape_vec((design.n_rows, n_outputs), values)
        .map_err(|error| LinearError::Numeric(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_losses_choose_the_strongest_penalty() {
        assert_eq!(least(&[0.2, 0.1, 0.1], &[1.0, 10.0, 100.0]), 2);
        assert_eq!(least(&[0.2, f64::NAN, 0.3], &[1.0, 10.0, 100.0]), 0);
    }
}
