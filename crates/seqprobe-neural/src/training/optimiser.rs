//! The optimiser of the probes: Adam on a flat copy of the trained values. The rule of a step is in `adam.rs`, the
//! learning rate in `schedule.rs`.

use crate::networks::parameters::NetworkParameters;
use crate::settings::TrainingSettings;
use crate::training::adam::{Adam, AdamValues, SINGLE_BETAS};
use tch::{TchError, Tensor};

/// An optimiser with its moments.
pub(crate) struct FlatOptimiser {
    adam: Adam,
    first: Vec<f32>,
    second: Vec<f32>,
    values: Vec<f32>,
    gradient: Vec<f32>,
}

impl FlatOptimiser {
    /// An optimiser that has not stepped yet.
    pub(crate) fn new(parameters: &NetworkParameters, settings: &TrainingSettings) -> Self {
        let zeros = || vec![0.0_f32; parameters.n_trained() as usize];
        let adam = Adam {
            kind: settings.optimiser,
            betas: SINGLE_BETAS,
            epsilon: settings.epsilon,
            weight_decay: settings.weight_decay,
            clip_norm: settings.clip_norm,
            steps: 0,
        };
        Self { adam, first: zeros(), second: zeros(), values: zeros(), gradient: zeros() }
    }

    /// Takes one step against a gradient, which has the order of [`NetworkParameters::trained_flat`].
    pub(crate) fn step(
        &mut self,
        parameters: &NetworkParameters,
        gradient: &Tensor,
        rate: f64,
    ) -> Result<(), TchError> {
        tch::no_grad(|| {
            let size = self.gradient.len();
            gradient.f_copy_data(&mut self.gradient, size)?;
            let (mut trained, n_decayed) = parameters.trained_flat()?;
            trained.f_copy_data(&mut self.values, size)?;
            let of = AdamValues {
                values: &mut self.values,
                gradient: &mut self.gradient,
                first: &mut self.first,
                second: &mut self.second,
                n_decayed: n_decayed as usize,
            };
            self.adam.update_values(rate, of);
            trained.f_copy_(&Tensor::f_from_slice(&self.values)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::parameters::{ParameterRole, Specification, Start};

    /// What `tests/fixtures/training/generate.py` wrote from torch.
    #[derive(serde::Deserialize)]
    struct Golden {
        optimisers: Vec<Case>,
    }

    #[derive(serde::Deserialize)]
    struct Case {
        settings: TrainingSettings,
        rates: Vec<f64>,
        weight: Vec<f32>,
        offset: Vec<f32>,
        inputs: Vec<f32>,
        targets: Vec<f32>,
        /// Weight and offset after each step.
        after: Vec<Vec<f32>>,
    }

    #[test]
    fn ten_steps_are_those_of_torch() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/fixtures/training/golden.json")).unwrap();
        assert_eq!(golden.optimisers.len(), 4);
        for case in golden.optimisers {
            let n = case.weight.len();
            let specification = |name: &'static str, size: usize, role| Specification {
                name: name.into(),
                shape: vec![size as i64],
                role,
                start: Start::Constant(0.0),
            };
            let specifications = vec![
                specification("offset", 1, ParameterRole::Offset),
                specification("weight", n, ParameterRole::Weight),
            ];
            let parameters = NetworkParameters::build(specifications, |specification| {
                if specification.name == "weight" { case.weight.clone() } else { case.offset.clone() }
            })
            .unwrap();
            let inputs = Tensor::from_slice(&case.inputs).view([-1, n as i64]);
            let targets = Tensor::from_slice(&case.targets);
            let mut optimiser = FlatOptimiser::new(&parameters, &case.settings);
            for (rate, expected) in case.rates.iter().zip(&case.after) {
                let loss = tch::with_grad(|| {
                    let output = inputs.matmul(parameters.get("weight").unwrap());
                    (output + parameters.get("offset").unwrap() - &targets).square().mean(tch::Kind::Float)
                });
                optimiser.step(&parameters, &parameters.gradient_of(&loss).unwrap(), *rate).unwrap();
                for (value, expected) in parameters.values().unwrap().into_iter().zip(expected) {
                    approx::assert_relative_eq!(value, *expected, max_relative = 2e-5, epsilon = 1e-6);
                }
            }
            assert_eq!(case.after.len(), 10);
        }
    }
}
