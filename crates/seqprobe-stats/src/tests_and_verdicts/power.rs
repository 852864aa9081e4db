//! Power: how large a difference must be to be found with this test set, and how many examples would settle one.

use crate::intervals::types::Difference;

/// Standard errors between a margin and a true difference that is found with a probability of 80%: the quantiles 0.975
/// and 0.8 of the normal distribution, 1.96 + 0.84.
const TO_FIND: f64 = 2.8;
/// Standard errors within a margin for a tie with a probability of 80% where there is no difference: the quantiles
/// 0.975 and 0.9, 1.96 + 1.28.
const TO_TIE: f64 = 3.24;

/// What a test set can show about one difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// The smallest true difference (in either direction) that is found beyond the margin with a probability of 80%.
    pub smallest_detectable: f64,
    /// Test examples with which a true difference of the observed size is found with a probability of 80%; `None` if
    /// the observed difference is within the margin.
    pub examples_to_settle: Option<f64>,
    /// Test examples with which two equal representations are a tie with a probability of 80%; `None` for a margin of 0.
    pub examples_for_a_tie: Option<f64>,
}

/// Returns the power of a difference with this margin (Card et al. 2020); `None` if its standard error is 0.
///
/// The numbers are for one comparison, without corrections, and assume that more examples are like those of the test
/// set (where it has clusters: of clusters of the same sizes) and that the standard error falls with the square root of
/// their number. They round to 2.8 and 3.24 standard errors. A part of the standard error that comes from training
/// seeds does not fall; then they are too small.
///
/// # Examples
/// ```
/// use seqprobe_stats::{KnownInterval, power, unpaired};
///
/// // A difference of 0.03 with a standard error of 0.02 on 500 examples.
/// let side = |point| KnownInterval { point, half_width: 1.96 * 0.02 / 2.0_f64.sqrt() };
/// let difference = unpaired(side(0.83), side(0.80), true, 0.95, 500);
/// let power = power(&difference, 0.01).expect("a standard error");
/// assert!((power.smallest_detectable - 0.066).abs() < 1e-4);
/// assert!((power.examples_to_settle.unwrap() - 500.0 * 2.8_f64.powi(2)).abs() < 1.0);
/// ```
#[must_use]
pub fn power(difference: &Difference, margin: f64) -> Option<Power> {
    let estimate = &difference.estimate;
    let standard_error = estimate.standard_error;
    if !(standard_error > 0.0 && standard_error.is_finite()) {
        return None;
    }
    let n = estimate.n as f64;
    let beyond = estimate.point.abs() - margin;
    let examples = |errors: f64, distance: f64| {
        let examples = n * (errors * standard_error / distance).powi(2);
        (distance > 0.0 && examples.is_finite()).then_some(examples)
    };
    Some(Power {
        smallest_detectable: margin + TO_FIND * standard_error,
        examples_to_settle: examples(TO_FIND, beyond),
        examples_for_a_tie: examples(TO_TIE, margin),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intervals::types::Estimate;
    use approx::assert_relative_eq;

    fn difference(point: f64, standard_error: f64) -> Difference {
        Difference {
            estimate: Estimate {
                point,
                lower: point,
                upper: point,
                level: 0.95,
                method: "by hand".to_owned(),
                n: 600,
                n_seeds: 1,
                standard_error,
                degrees_of_freedom: 599.0,
                flags: Vec::new(),
            },
            remaining: None,
        }
    }

    #[test]
    fn by_hand() {
        for sign in [1.0, -1.0] {
            let found = power(&difference(sign * 0.02, 0.01), 0.01).expect("a standard error");
            assert_relative_eq!(found.smallest_detectable, 0.038);
            assert_relative_eq!(
                found.examples_to_settle.expect("beyond the margin"),
                600.0 * 7.84,
                max_relative = 1e-9
            );
            assert_relative_eq!(
                found.examples_for_a_tie.expect("a margin"),
                600.0 * 3.24 * 3.24,
                max_relative = 1e-9
            );
        }
        let within = power(&difference(0.01, 0.01), 0.01).expect("a standard error");
        assert_eq!(within.examples_to_settle, None);
        let without_margin = power(&difference(0.01, 0.01), 0.0).expect("a standard error");
        assert_eq!(without_margin.examples_for_a_tie, None);
        assert_eq!(power(&difference(0.02, 0.0), 0.01), None);
    }
}
