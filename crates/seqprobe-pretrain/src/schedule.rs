//! The learning rate of each step: a straight rise, then half a cosine.

use crate::config::TrainingConfig;

/// The rate of a step, counted from 0.
pub(crate) fn rate(training: &TrainingConfig, step: u64) -> f64 {
    let most = training.learning_rate;
    if step < training.warm_up_steps {
        return most * (step + 1) as f64 / training.warm_up_steps as f64;
    }
    let after = (training.steps - training.warm_up_steps).max(1) as f64;
    let done = ((step - training.warm_up_steps) as f64 / after).min(1.0);
    let share = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
    most * (training.final_rate + (1.0 - training.final_rate) * share)
}
