//! The corrected t test for repeated splits of one dataset.

use crate::intervals::student_t::{sample_variance, t_quantile, t_tail};

/// The mean difference over repeated splits, with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResampledT {
    /// Mean difference.
    pub mean: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// Corrected standard error.
    pub standard_error: f64,
    /// Number of splits minus one.
    pub degrees_of_freedom: f64,
    /// Two-sided p value of the null hypothesis "no difference".
    pub p_value: f64,
}

/// Computes the corrected resampled t test of Nadeau and Bengio (2003) on differences, one per random split into
/// train and test.
///
/// Splits of one dataset share examples, so their differences are correlated and the plain t test is significant too
/// often. The variance of their mean is estimated as `(1 / J + n_test / n_train) s²` instead of `s² / J`, for `J`
/// splits. Returns `None` for fewer than two splits, an empty training split or differences that are all the same.
#[must_use]
pub fn corrected_resampled_t(
    differences: &[f64],
    n_train: usize,
    n_test: usize,
    level: f64,
) -> Option<ResampledT> {
    if differences.len() < 2 || n_train == 0 {
        return None;
    }
    let n_splits = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / n_splits;
    let share = 1.0 / n_splits + n_test as f64 / n_train as f64;
    let standard_error = (share * sample_variance(differences)).sqrt();
    let degrees_of_freedom = n_splits - 1.0;
    let half_width = t_quantile(level, degrees_of_freedom) * standard_error;
    (standard_error > 0.0 && half_width.is_finite()).then(|| ResampledT {
        mean,
        lower: mean - half_width,
        upper: mean + half_width,
        standard_error,
        degrees_of_freedom,
        p_value: (2.0 * t_tail(mean.abs() / standard_error, degrees_of_freedom)).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn by_hand() {
        // Mean 0.02, s² = 0.0001·(1 + 0 + 1 + 0)/3; ten test rows for ninety of training.
        let test = corrected_resampled_t(&[0.01, 0.02, 0.03, 0.02], 90, 10, 0.95).expect("four splits");
        let variance: f64 = 2e-4 / 3.0;
        assert_relative_eq!(
            test.standard_error,
            ((0.25 + 1.0 / 9.0) * variance).sqrt(),
            max_relative = 1e-12
        );
        // scipy 1.17.1: 2 * stats.t.sf(0.02 / 0.004907, 3), stats.t.ppf(0.975, 3)
        assert_relative_eq!(
            test.upper - test.mean,
            3.182446305284263 * test.standard_error,
            max_relative = 1e-8
        );
        assert_relative_eq!(test.mean, 0.02, max_relative = 1e-12);
        assert_relative_eq!(test.mean - test.lower, test.upper - test.mean, max_relative = 1e-9);
        assert_relative_eq!(test.degrees_of_freedom, 3.0);
        assert!(test.p_value > 0.02 && test.p_value < 0.03, "{}", test.p_value);
        let two = corrected_resampled_t(&[0.1, 0.2], 90, 10, 0.95).expect("two splits");
        assert_relative_eq!(two.degrees_of_freedom, 1.0);
        let plain = corrected_resampled_t(&[0.01, 0.02, 0.03, 0.02], 90, 0, 0.95).expect("four splits");
        assert!(plain.p_value < test.p_value);
    }

    #[test]
    fn too_few_splits_have_no_test() {
        assert_eq!(corrected_resampled_t(&[0.1], 90, 10, 0.95), None);
        assert_eq!(corrected_resampled_t(&[0.1, 0.1], 90, 10, 0.95), None);
        assert_eq!(corrected_resampled_t(&[0.1, 0.2], 0, 10, 0.95), None);
    }
}
