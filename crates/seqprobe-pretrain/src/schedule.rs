//! The learning rate of each step: a linear warm-up, then half a cosine.

use crate::config::TrainingConfig;
use seqprobe_neural::optimisation::{half_cosine, warm_up};

/// The learning rate of a step (0-based).
pub(crate) fn rate(training: &TrainingConfig, step: u64) -> f64 {
    let most = training.learning_rate;
    if step < training.warm_up_steps {
        return warm_up(most, (step + 1) as f64, training.warm_up_steps as f64);
    }
    let after = (training.steps - training.warm_up_steps).max(1) as f64;
    let done = ((step - training.warm_up_steps) as f64 / after).min(1.0);
    most * (training.final_rate + (1.0 - training.final_rate) * half_cosine(done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_straight_and_falls_along_a_cosine() {
        let training: TrainingConfig = serde_json::from_value(serde_json::json!({
            "steps": 110, "batch": 1, "learning_rate": 2.0, "warm_up_steps": 10, "final_rate": 0.1, "valid_every": 1
        }))
        .unwrap();
        let rates: Vec<f64> = (0..110).map(|step| rate(&training, step)).collect();
        approx::assert_relative_eq!(rates[0], 0.2);
        approx::assert_relative_eq!(rates[9], 2.0);
        approx::assert_relative_eq!(rates[10], 2.0);
        // Half way down: the mean of the largest and the last.
        approx::assert_relative_eq!(rates[60], 2.0 * 0.55);
        assert!(rates[10..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!(rates[109] > 0.2 && rates[109] < 0.201, "{}", rates[109]);
    }
}
