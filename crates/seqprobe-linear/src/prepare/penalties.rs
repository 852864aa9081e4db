//! Lists of penalties: their check, their order, and a warning when the best one may lie beyond them.

use crate::error::LinearError;
use seqprobe_core::SettingsError;

/// Checks that there are penalties and that each is a positive number.
pub(crate) fn check_penalties(penalties: &[f64]) -> Result<(), LinearError> {
    if penalties.is_empty() {
        return Err(LinearError::NoPenalty);
    }
    match penalties.iter().find(|penalty| !(penalty.is_finite() && **penalty > 0.0)) {
        Some(&penalty) => Err(LinearError::Penalty(penalty)),
        None => Ok(()),
    }
}

/// Checks the key `penalties` of a suite.
pub(crate) fn check_penalty_setting(penalties: &[f64]) -> Result<(), SettingsError> {
    check_penalties(penalties).map_err(|error| {
        let expected = match error {
            LinearError::NoPenalty => "at least one number above 0",
            _ => "numbers above 0",
        };
        SettingsError::value("penalties", &format!("{penalties:?}"), expected)
    })
}

/// Returns the indices of the penalties, the largest penalty first.
pub(crate) fn strongest_first(penalties: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..penalties.len()).collect();
    order.sort_by(|&left, &right| penalties[right].total_cmp(&penalties[left]));
    order
}

/// Returns a warning when the chosen penalty is the smallest or largest of several: the best may lie beyond.
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
    fn only_the_ends_of_a_grid_are_warned_of() {
        assert!(end_of_grid(1.0, &[1.0]).is_none());
        assert!(end_of_grid(2.0, &[3.0, 2.0, 1.0]).is_none());
        assert!(end_of_grid(3.0, &[3.0, 2.0, 1.0]).unwrap().contains("largest"));
        assert!(end_of_grid(1.0, &[3.0, 2.0, 1.0]).unwrap().contains("smallest"));
    }
}
