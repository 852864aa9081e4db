//! DeLong's paired test of two areas under the ROC curve.

use crate::intervals::delong::{add_influences, variance_terms};
use crate::intervals::student_t::normal_tail;
use crate::metrics::errors::Undefined;
use crate::metrics::truth::Truth;

/// The result of DeLong's test of two areas on the same examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeLong {
    /// The two areas.
    pub areas: [f64; 2],
    /// First area minus second.
    pub difference: f64,
    /// Standard errors of the two areas.
    pub standard_errors: [f64; 2],
    /// Standard error of the difference.
    pub standard_error: f64,
    /// The difference divided by its standard error; 0 where the difference is 0.
    pub z: f64,
    /// Two-sided p value, from the normal distribution.
    pub p_value: f64,
}

/// Computes DeLong's paired test of the null hypothesis "both areas are equal".
///
/// # Shapes
/// `labels`, `first`, `second`: `[examples]`; scores may have any scale.
///
/// # Errors
/// [`Undefined`] where the labels contain only one class, a class has only one example, or lengths differ.
pub fn delong_test(labels: &[bool], first: &[f64], second: &[f64]) -> Result<DeLong, Undefined> {
    let truth = Truth::Binary(labels);
    truth.check(first)?;
    truth.check(second)?;
    match labels.iter().filter(|&&label| label).count() {
        0 => return Err(Undefined::OneClass),
        positives if positives == labels.len() => return Err(Undefined::OneClass),
        positives if positives.min(labels.len() - positives) < 2 => return Err(Undefined::TooFew),
        _ => (),
    }
    let influences = |outputs: &[f64]| {
        let mut influences = vec![0.0; labels.len()];
        let area = add_influences(&truth, outputs, &[0], &mut influences);
        (area, influences)
    };
    let ((first_area, first), (second_area, second)) = (influences(first), influences(second));
    let areas = [first_area, second_area];
    let error = |influences: &[f64]| {
        let terms = variance_terms(&truth, influences);
        terms.iter().map(|term| term.variance).sum::<f64>().sqrt()
    };
    let paired: Vec<f64> = first.iter().zip(&second).map(|(first, second)| first - second).collect();
    let (difference, standard_error) = (areas[0] - areas[1], error(&paired));
    let z = if difference == 0.0 { 0.0 } else { difference / standard_error };
    Ok(DeLong {
        areas,
        difference,
        standard_errors: [error(&first), error(&second)],
        standard_error,
        z,
        p_value: 2.0 * normal_tail(z.abs()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intervals::student_t::sample_variance;
    use approx::assert_relative_eq;

    #[test]
    fn pairs_written_out() {
        // Positives 3, 2, 2; negatives 1, 2, 0, 1. ψ per positive: 4/4, 3.5/4, 3.5/4; per negative: 1, (1 + ½ + ½)/3,
        // 1, 1.
        let labels = [true, true, true, false, false, false, false];
        let outputs = [3.0, 2.0, 2.0, 1.0, 2.0, 0.0, 1.0];
        let other = [0.5, 0.25, 0.1, 0.3, 0.2, 0.1, 0.0];
        let test = delong_test(&labels, &outputs, &other).expect("both classes occur");
        assert_relative_eq!(test.areas[0], 11.0 / 12.0, max_relative = 1e-14);
        let positives = sample_variance(&[1.0, 0.875, 0.875]) / 3.0;
        let negatives = sample_variance(&[1.0, 2.0 / 3.0, 1.0, 1.0]) / 4.0;
        assert_relative_eq!(test.standard_errors[0], (positives + negatives).sqrt(), max_relative = 1e-12);
        assert_relative_eq!(test.difference, test.areas[0] - test.areas[1]);
        let back = delong_test(&labels, &other, &outputs).expect("both classes occur");
        assert_relative_eq!(back.z, -test.z, max_relative = 1e-12);
        assert_relative_eq!(back.p_value, test.p_value, max_relative = 1e-12);
        let same = delong_test(&labels, &outputs, &outputs).expect("both classes occur");
        assert_relative_eq!(same.p_value, 1.0);
    }

    #[test]
    fn one_example_has_no_variance() {
        assert_eq!(delong_test(&[true, false, false], &[1.0; 3], &[2.0; 3]), Err(Undefined::TooFew));
        assert_eq!(delong_test(&[true, true, false], &[1.0; 3], &[2.0; 3]), Err(Undefined::TooFew));
        assert_eq!(delong_test(&[true; 3], &[1.0; 3], &[2.0; 3]), Err(Undefined::OneClass));
        assert_eq!(delong_test(&[false; 3], &[1.0; 3], &[2.0; 3]), Err(Undefined::OneClass));
        let short = delong_test(&[true, false, true, false], &[1.0; 4], &[2.0; 3]);
        assert!(matches!(short, Err(Undefined::Input(_))));
    }

    #[test]
    fn perfect_scores_have_an_area_of_one() {
        let labels = [true, false, true, false];
        let test =
            delong_test(&labels, &[4.0, 1.0, 3.0, 2.0], &[1.0, 4.0, 2.0, 3.0]).expect("both classes occur");
        assert_eq!((test.areas, test.difference), ([1.0, 0.0], 1.0));
        assert_eq!((test.standard_errors, test.standard_error), ([0.0, 0.0], 0.0));
        assert!(test.z.is_infinite() && test.p_value == 0.0);
    }
}
