//! Student's t: combined variances, quantiles, tail probabilities, and the bound for a bootstrap without variance.

use statrs::distribution::{Continuous, ContinuousCDF, Normal, StudentsT};

/// A variance and its degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct VarianceTerm {
    pub(crate) variance: f64,
    pub(crate) degrees_of_freedom: f64,
    /// The variance that determines the degrees of freedom. It is larger than `variance` where a part of that was
    /// subtracted.
    pub(crate) variance_for_df: f64,
}

impl VarianceTerm {
    pub(crate) fn new(variance: f64, degrees_of_freedom: f64) -> Self {
        Self { variance, degrees_of_freedom, variance_for_df: variance }
    }
}

/// Returns the standard error and the degrees of freedom of a sum of independent variance terms (Satterthwaite 1946):
/// `(Σ v)² / Σ (v² / df)`. The denominator uses [`VarianceTerm::variance_for_df`]. At least one variance is positive.
pub(crate) fn satterthwaite(terms: &[VarianceTerm]) -> (f64, f64) {
    let total: f64 = terms.iter().map(|term| term.variance).sum();
    // Shares of the total do not underflow when squared.
    let squares: f64 =
        terms.iter().map(|term| (term.variance_for_df / total).powi(2) / term.degrees_of_freedom).sum();
    (total.sqrt(), 1.0 / squares)
}

/// Returns the two-sided quantile of a level: 1.96 for 0.95 and many degrees of freedom.
pub(crate) fn t_quantile(level: f64, degrees_of_freedom: f64) -> f64 {
    let tail = (1.0 - level) / 2.0;
    if degrees_of_freedom.is_infinite() {
        return -Normal::standard().inverse_cdf(tail);
    }
    student(degrees_of_freedom).map_or(f64::INFINITY, |t| {
        // The inverse of statrs has an error of 7e-6 at 1e5 degrees of freedom. Newton steps make it agree with the
        // tail.
        (0..3).fold(-t.inverse_cdf(tail), |quantile, _| quantile + (t.sf(quantile) - tail) / t.pdf(quantile))
    })
}

/// Returns the probability of a value above `statistic`.
pub(crate) fn t_tail(statistic: f64, degrees_of_freedom: f64) -> f64 {
    if degrees_of_freedom.is_infinite() {
        return normal_tail(statistic);
    }
    student(degrees_of_freedom).map_or(1.0, |t| t.sf(statistic))
}

/// Returns the probability of a standard normal value above `statistic`.
pub(crate) fn normal_tail(statistic: f64) -> f64 {
    Normal::standard().sf(statistic)
}

/// Returns `None` only where the degrees of freedom are not a positive number; callers then assume no knowledge.
fn student(degrees_of_freedom: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()
}

/// Returns the variance around the mean, with the denominator `n − 1`.
pub(crate) fn sample_variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)
}

/// Returns the half-width where every replicate has the same score, for example a perfect one.
///
/// With no error among `n` examples, the exact one-sided upper bound of the error rate at level `(1 + level) / 2` is
/// `1 − ((1 − level) / 2)^(1 / n)`: 3.7 / n at level 0.95 (the rule of three is the same bound at a one-sided 0.95).
/// This share of the metric's range is the half-width, with the size of the smallest class or the number of clusters
/// as `n`. It is exact for accuracy with one class. For other metrics it is an order of magnitude, wide rather than
/// narrow.
pub(crate) fn no_variance_half_width(level: f64, smallest_group: usize, range: (f64, f64)) -> f64 {
    let error_rate = 1.0 - ((1.0 - level) / 2.0).powf(1.0 / smallest_group as f64);
    (range.1 - range.0) * error_rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn quantiles_and_tails_are_scipys() {
        // scipy 1.17.1: stats.t.ppf(0.975, df), stats.t.sf(x, df)
        for (degrees_of_freedom, expected) in [
            (1.0, 12.706204736174694),
            (4.0, 2.7764451051977934),
            (7.5, 2.333039626864974),
            (99.0, 1.9842169515864174),
            (999.0, 1.9623414611334493),
            (99_999.0, 1.9599877077718442),
        ] {
            assert_relative_eq!(t_quantile(0.95, degrees_of_freedom), expected, max_relative = 1e-8);
        }
        for (statistic, degrees_of_freedom, expected) in [
            (2.0, 4.0, 0.05805826175840782),
            (-1.5, 12.3, 0.9205805766172446),
            (6.0, 250.0, 3.4438248536765346e-9),
            (0.0, 3.0, 0.5),
            (7.0, 99_999.0, 1.2878279142861618e-12),
            (1.96, 9999.0, 0.0250117615026051),
        ] {
            assert_relative_eq!(t_tail(statistic, degrees_of_freedom), expected, max_relative = 1e-8);
        }
    }

    #[test]
    fn infinite_degrees_of_freedom_are_the_normal() {
        // scipy 1.17.1: stats.norm.ppf(0.975), stats.norm.sf(1.5)
        assert_relative_eq!(t_quantile(0.95, f64::INFINITY), 1.959963984540054, max_relative = 1e-8);
        assert_relative_eq!(t_tail(1.5, f64::INFINITY), 0.06680720126885807, max_relative = 1e-8);
    }

    #[test]
    fn satterthwaite_by_hand() {
        let term = VarianceTerm::new;
        // (4 + 1)² / (16/99 + 1/4) = 25 / 0.41161… ; Welch's degrees of freedom.
        let (error, degrees) = satterthwaite(&[term(4.0, 99.0), term(1.0, 4.0)]);
        assert_relative_eq!(error, 5.0_f64.sqrt());
        assert_relative_eq!(degrees, 25.0 / (16.0 / 99.0 + 0.25), max_relative = 1e-14);
        let (_, alone) = satterthwaite(&[term(1e-300, 9.0), term(0.0, 4.0)]);
        assert_relative_eq!(alone, 9.0);
        // Three quarters of a variance are subtracted; its uncertainty is unchanged.
        let less = VarianceTerm { variance: 0.25, ..term(1.0, 4.0) };
        let (_, degrees) = satterthwaite(&[term(4.0, 99.0), less]);
        assert_relative_eq!(degrees, 4.25 * 4.25 / (16.0 / 99.0 + 0.25), max_relative = 1e-14);
    }

    #[test]
    fn no_errors_in_a_hundred() {
        // Clopper and Pearson's upper end for 0 of 100: scipy.stats.binomtest(0, 100).proportion_ci().high
        assert_relative_eq!(no_variance_half_width(0.95, 100, (0.0, 1.0)), 0.036216693, epsilon = 1e-8);
    }
}
