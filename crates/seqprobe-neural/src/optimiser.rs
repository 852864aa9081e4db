//! Adam and AdamW on the flat array of trained values, with an optional bound on the gradient's norm.
//!
//! Which rate a step takes is the schedule's business (`schedule.rs`). One pass over plain slices: gradient,
//! moments and values are each touched once.

use crate::parameters::Parameters;
use crate::settings::{OptimiserKind, TrainingSettings};
use tch::{TchError, Tensor};

const BETA: (f32, f32) = (0.9, 0.999);

/// An optimiser with its moments.
pub(crate) struct Optimiser {
    kind: OptimiserKind,
    weight_decay: f64,
    epsilon: f32,
    clip_norm: Option<f64>,
    first: Vec<f32>,
    second: Vec<f32>,
    values: Vec<f32>,
    gradient: Vec<f32>,
    steps: i32,
}

impl Optimiser {
    /// An optimiser that has not stepped yet.
    pub(crate) fn new(parameters: &Parameters, settings: &TrainingSettings) -> Self {
        let zeros = || vec![0.0_f32; parameters.n_trained() as usize];
        Self {
            kind: settings.optimiser,
            weight_decay: settings.weight_decay,
            epsilon: settings.epsilon as f32,
            clip_norm: settings.clip_norm,
            first: zeros(),
            second: zeros(),
            values: zeros(),
            gradient: zeros(),
            steps: 0,
        }
    }

    /// One step against a gradient, which has the order of [`Parameters::trained_flat`].
    pub(crate) fn step(
        &mut self,
        parameters: &Parameters,
        gradient: &Tensor,
        rate: f64,
    ) -> Result<(), TchError> {
        tch::no_grad(|| {
            let size = self.gradient.len();
            gradient.f_copy_data(&mut self.gradient, size)?;
            let (mut trained, n_decayed) = parameters.trained_flat()?;
            trained.f_copy_data(&mut self.values, size)?;
            self.update(rate, n_decayed as usize);
            trained.f_copy_(&Tensor::f_from_slice(&self.values)?)
        })
    }

    /// Moves the values by the gradient; the first `n_decayed` of them decay.
    fn update(&mut self, rate: f64, n_decayed: usize) {
        if let Some(most) = self.clip_norm {
            let norm = self.gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            if norm > most {
                let scale = (most / norm) as f32;
                self.gradient.iter_mut().for_each(|g| *g *= scale);
            }
        }
        let (decayed, gradient) = (&mut self.values[..n_decayed], &mut self.gradient[..n_decayed]);
        match self.kind {
            OptimiserKind::AdamW => {
                let kept = (1.0 - rate * self.weight_decay) as f32;
                decayed.iter_mut().for_each(|value| *value *= kept);
            }
            OptimiserKind::Adam => {
                let decay = self.weight_decay as f32;
                decayed.iter().zip(gradient).for_each(|(value, g)| *g += decay * value);
            }
        }
        self.steps += 1;
        let correction = (1.0 - f64::from(BETA.0).powi(self.steps), 1.0 - f64::from(BETA.1).powi(self.steps));
        let (length, root) = ((rate / correction.0) as f32, (1.0 / correction.1.sqrt()) as f32);
        let epsilon = self.epsilon;
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((value, &g), (first, second)) in self.values.iter_mut().zip(&self.gradient).zip(moments) {
            *first += (g - *first) * (1.0 - BETA.0);
            *second = *second * BETA.1 + g * g * (1.0 - BETA.1);
            *value -= length * *first / (second.sqrt() * root + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::{Role, Specification, Start};

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
            serde_json::from_str(include_str!("../tests/fixtures/training/golden.json")).unwrap();
        assert_eq!(golden.optimisers.len(), 4);
        for case in golden.optimisers {
            let n = case.weight.len();
            let specification = |name: &'static str, size: usize, role| Specification {
                name: name.into(),
                shape: vec![size as i64],
                role,
                start: Start::Constant(0.0),
            };
            let specifications =
                vec![specification("offset", 1, Role::Offset), specification("weight", n, Role::Weight)];
            let parameters = Parameters::build(specifications, |specification| {
                if specification.name == "weight" { case.weight.clone() } else { case.offset.clone() }
            })
            .unwrap();
            let inputs = Tensor::from_slice(&case.inputs).view([-1, n as i64]);
            let targets = Tensor::from_slice(&case.targets);
            let mut optimiser = Optimiser::new(&parameters, &case.settings);
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
