//! Learning rates: a linear warm-up, then constant, falling when validation does not improve, or along a cosine.
//! Pretraining shares the two curves.

use crate::settings::{Schedule, TrainingSettings};

/// The learning rate during warm-up, at step `step` of `steps`: a straight line from 0.
pub fn warm_up(rate: f64, step: f64, steps: f64) -> f64 {
    rate * step / steps
}

/// Half a cosine: falls from 1 at `done` = 0 to 0 at `done` = 1.
pub fn half_cosine(done: f64) -> f64 {
    0.5 * (1.0 + (std::f64::consts::PI * done).cos())
}

/// The learning rate of a training run.
pub(crate) struct LearningRate<'a> {
    settings: &'a TrainingSettings,
    /// Optimiser steps of the warm-up.
    rise: f64,
    /// Number of optimiser steps if training does not stop early.
    planned: f64,
    /// The current rate of a plateau schedule.
    rate: f64,
    last_change: usize,
}

impl<'a> LearningRate<'a> {
    /// The schedule of a run with this many batches per epoch.
    pub(crate) fn new(settings: &'a TrainingSettings, batches: usize) -> Self {
        let planned = settings.max_epochs.saturating_mul(batches);
        Self {
            settings,
            rise: settings.warm_up_epochs * batches as f64,
            planned: planned.min(settings.max_steps) as f64,
            rate: settings.learning_rate,
            last_change: 0,
        }
    }

    /// The learning rate of a step (1-based).
    pub(crate) fn at(&self, step: usize) -> f64 {
        let step = step as f64;
        if step < self.rise {
            return warm_up(self.rate, step, self.rise);
        }
        let (least, most) = (self.settings.least_learning_rate, self.settings.learning_rate);
        match self.settings.schedule {
            Schedule::Constant => most,
            Schedule::Plateau => self.rate,
            Schedule::Cosine => {
                let done = (step - 1.0 - self.rise).max(0.0) / (self.planned - self.rise).max(1.0);
                least + (most - least) * half_cosine(done.min(1.0))
            }
        }
    }

    /// Records the end of an epoch; `rests` when the rate must not fall yet, because the loss fell or it is too early.
    pub(crate) fn after_epoch(&mut self, epoch: usize, rests: bool) {
        if rests {
            self.last_change = epoch;
        } else if self.settings.schedule == Schedule::Plateau
            && epoch - self.last_change >= self.settings.learning_rate_patience.max(1)
        {
            let (least, factor) = (self.settings.least_learning_rate, self.settings.learning_rate_factor);
            self.rate = (self.rate * factor).max(least);
            self.last_change = epoch;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Golden {
        cosine: Vec<Cosine>,
        plateau: Vec<Plateau>,
    }

    #[derive(serde::Deserialize)]
    struct Cosine {
        settings: TrainingSettings,
        batches: usize,
        rates: Vec<f64>,
    }

    #[derive(serde::Deserialize)]
    struct Plateau {
        settings: TrainingSettings,
        losses: Vec<f64>,
        /// The rate after each epoch.
        rates: Vec<f64>,
    }

    fn golden() -> Golden {
        serde_json::from_str(include_str!("../../tests/fixtures/training/golden.json")).unwrap()
    }

    #[test]
    fn the_cosine_is_that_of_torch() {
        let cases = golden().cosine;
        assert_eq!(cases.len(), 3);
        for case in cases {
            let rate = LearningRate::new(&case.settings, case.batches);
            for (step, expected) in case.rates.iter().enumerate() {
                approx::assert_relative_eq!(
                    rate.at(step + 1),
                    expected,
                    max_relative = 1e-9,
                    epsilon = 1e-15
                );
            }
            assert_eq!(case.rates.len(), case.settings.max_epochs * case.batches);
        }
    }

    #[test]
    fn the_plateau_is_that_of_torch() {
        let cases = golden().plateau;
        assert_eq!(cases.len(), 2);
        for case in cases {
            let mut rate = LearningRate::new(&case.settings, 1);
            let mut best = f64::INFINITY;
            for (index, (&loss, expected)) in case.losses.iter().zip(&case.rates).enumerate() {
                rate.after_epoch(index + 1, loss < best);
                best = best.min(loss);
                approx::assert_relative_eq!(rate.at(index + 2), expected, max_relative = 1e-12);
            }
        }
    }
}
