//! The difference of two estimates of which only points and intervals are known, because the predictions of one side
//! are not available. Its interval is wider than that of a paired difference: examples that are easy or hard for both
//! sides do not cancel.

use crate::intervals::types::{Difference, Estimate};
use statrs::distribution::{ContinuousCDF, Normal};

/// A point and the half width of its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownInterval {
    /// The estimate.
    pub point: f64,
    /// Half the width of the interval, not negative.
    pub half_width: f64,
}

/// Returns the difference `current − baseline` as if the two were independent and normal. For metrics where a lower
/// score is better the sign is reversed, so that a positive difference favours `current`.
///
/// `level` is the confidence level of both intervals and of the result.
pub fn unpaired(
    current: KnownInterval,
    baseline: KnownInterval,
    higher_is_better: bool,
    level: f64,
    n: usize,
) -> Difference {
    let quantile = Normal::standard().inverse_cdf((1.0 + level) / 2.0);
    let half_width = current.half_width.hypot(baseline.half_width);
    let orientation = if higher_is_better { 1.0 } else { -1.0 };
    let point = orientation * (current.point - baseline.point);
    Difference {
        estimate: Estimate {
            point,
            lower: point - half_width,
            upper: point + half_width,
            level,
            method: "unpaired".to_owned(),
            n,
            n_seeds: 1,
            standard_error: half_width / quantile,
            degrees_of_freedom: f64::INFINITY,
            flags: Vec::new(),
        },
        remaining: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn independent_half_widths_add_in_squares() {
        let of = |point, half_width| KnownInterval { point, half_width };
        let difference = unpaired(of(0.80, 0.03), of(0.75, 0.04), true, 0.95, 100);
        assert_relative_eq!(difference.estimate.point, 0.05, max_relative = 1e-12);
        assert_relative_eq!(difference.estimate.upper, 0.10, max_relative = 1e-12);
        assert_relative_eq!(difference.estimate.lower, 0.0, epsilon = 1e-12);
        assert_relative_eq!(
            difference.estimate.standard_error,
            0.05 / 1.959_963_984_540_054,
            max_relative = 1e-6
        );
        // The interval just touches 0, so its two-sided p value is 5%.
        assert_relative_eq!(2.0 * difference.p_above(0.0), 0.05, max_relative = 1e-6);
        let lower_is_better = unpaired(of(0.80, 0.03), of(0.75, 0.04), false, 0.95, 100);
        assert_relative_eq!(lower_is_better.estimate.point, -0.05, max_relative = 1e-12);
    }
}
