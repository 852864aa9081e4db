//! The model chosen on validation among those of a path.

use ndarray::{Array1, Array2};

/// One chosen model: all outputs of a class task, or one target of several.
pub(crate) struct Choice {
    /// `[linear outputs, features]`
    pub(crate) weights: Array2<f64>,
    pub(crate) intercepts: Array1<f64>,
    pub(crate) penalty: f64,
    pub(crate) validation_loss: f64,
    /// `None` for a closed form.
    pub(crate) converged: Option<bool>,
    /// Steps along the whole path.
    pub(crate) iterations: u64,
    pub(crate) gradient_norm: Option<f64>,
    pub(crate) warnings: Vec<String>,
}

/// The index of the least loss; among equals that of the strongest penalty.
pub(crate) fn least(losses: &[f64], penalties: &[f64]) -> usize {
    let mut order = crate::check::strongest_first(penalties);
    order.sort_by(|&left, &right| losses[left].total_cmp(&losses[right]));
    order.first().copied().unwrap_or(0)
}

/// Says when the chosen penalty is the first or last of several tried: the best may lie beyond.
pub(crate) fn end_of_grid(chosen: f64, penalties: &[f64]) -> Option<String> {
    let is_smallest = penalties.iter().all(|&penalty| penalty >= chosen);
    let is_largest = penalties.iter().all(|&penalty| penalty <= chosen);
    let end = match (is_smallest, is_largest) {
        (true, false) => "smallest",
        (false, true) => "largest",
        _ => return None,
    };
    Some(format!("the chosen penalty {chosen} is the {end} one tried, the best may lie beyond"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_losses_choose_the_strongest_penalty() {
        assert_eq!(least(&[0.2, 0.1, 0.1], &[1.0, 10.0, 100.0]), 2);
        assert_eq!(least(&[0.2, f64::NAN, 0.3], &[1.0, 10.0, 100.0]), 0);
    }

    #[test]
    fn only_the_ends_of_a_grid_are_warned_of() {
        assert!(end_of_grid(1.0, &[1.0]).is_none());
        assert!(end_of_grid(2.0, &[3.0, 2.0, 1.0]).is_none());
        assert!(end_of_grid(3.0, &[3.0, 2.0, 1.0]).unwrap().contains("largest"));
        assert!(end_of_grid(1.0, &[3.0, 2.0, 1.0]).unwrap().contains("smallest"));
    }
}
