//! The smallest p value that an exact test can give. With few observations it limits every result, however large the
//! difference.

/// Returns the smallest p value of the two-sided rank-sum or permutation test of two groups:
/// `2 / C(first + second, first)`; 1 for an empty group.
#[must_use]
pub fn rank_sum_floor(first: usize, second: usize) -> f64 {
    let (few, all) = (first.min(second), first + second);
    let ways = (0..few).fold(1.0, |ways, taken| ways * (all - taken) as f64 / (taken + 1) as f64);
    (2.0 / ways).min(1.0)
}

/// Returns the smallest p value of the two-sided sign, signed-rank, McNemar and exact paired permutation test of `n`
/// pairs that differ: `2^(1 − n)`.
#[must_use]
pub fn paired_floor(n: usize) -> f64 {
    2.0_f64.powi(1 - i32::try_from(n).unwrap_or(i32::MAX)).min(1.0)
}

/// Returns a warning if the smallest possible p value of a test is above the error rate, so that the test cannot be
/// significant; else `None`.
///
/// `what`: the observations in words, for example `5 against 5 seeds`.
#[must_use]
pub fn floor_note(what: &str, floor: f64, alpha: f64) -> Option<String> {
    (floor > alpha).then(|| {
        let digits = if floor < 0.01 { 4 } else { 3 };
        format!("with {what} an exact test cannot give a p value below {floor:.digits$}, and the error rate is {alpha}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn five_against_five() {
        assert_relative_eq!(rank_sum_floor(5, 5), 2.0 / 252.0, max_relative = 1e-14);
        assert_relative_eq!(rank_sum_floor(3, 4), 2.0 / 35.0, max_relative = 1e-14);
        assert_relative_eq!(rank_sum_floor(1, 1), 1.0);
        assert_relative_eq!(rank_sum_floor(0, 7), 1.0);
        assert_relative_eq!(paired_floor(6), 1.0 / 32.0);
        assert_relative_eq!(paired_floor(0), 1.0);
    }

    #[test]
    fn a_floor_above_the_error_rate_is_reported() {
        assert_eq!(
            floor_note("5 against 5 seeds", rank_sum_floor(5, 5), 0.005).as_deref(),
            Some(
                "with 5 against 5 seeds an exact test cannot give a p value below 0.0079, and the error rate is 0.005"
            )
        );
        assert_eq!(floor_note("6 datasets", paired_floor(6), 0.05), None);
        assert!(floor_note("x", 0.01, 0.005).is_some_and(|note| note.contains("below 0.010,")));
        assert!(floor_note("x", 0.009, 0.005).is_some_and(|note| note.contains("below 0.0090,")));
        assert_eq!(floor_note("x", 0.05, 0.05), None);
        assert!(floor_note("5 datasets", paired_floor(5), 0.05).is_some_and(|note| note.contains("0.062")));
    }
}
