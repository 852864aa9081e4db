//! DeLong's variance of the area under the ROC curve, for one score, seed means, macro means and paired differences.
//!
//! The area is a mean over pairs of a positive and a negative. How much an example moves it is its *placement*: the
//! share of the other class that it wins against, ties counting one half. The variance of the area is that of the mean
//! placements of each class (DeLong, DeLong and Clarke-Pearson 1988, *Biometrics* 44:837). For macro means an example's
//! influences on all targets are averaged before the variance is taken; for seed means and differences, over seeds and
//! sides. With two classes and one seed that is DeLong's formula to the letter.

use crate::interval::{VarianceTerm, normal_tail};
use crate::metric::Metric;
use crate::ranking::yes_no_column;
use crate::side::{Side, sample_variance};
use crate::truth::{InputError, Truth, Undefined};

/// DeLong's test of two scores on the same examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeLong {
    /// Areas of both.
    pub areas: [f64; 2],
    /// First minus second.
    pub difference: f64,
    /// Standard errors of both areas.
    pub standard_errors: [f64; 2],
    /// Standard error of the difference.
    pub standard_error: f64,
    /// The difference in standard errors; 0 where both are 0.
    pub z: f64,
    /// Two-sided p value, from the normal distribution.
    pub p_value: f64,
}

/// DeLong's paired test of "both areas are the same".
///
/// # Shapes
/// `labels`, `first`, `second`: `[examples]`; scores may have any scale.
///
/// # Errors
/// [`Undefined`] where the labels hold one class only, a class has one example, or lengths differ.
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
        let area = add_influences(&truth, outputs, &[0], 1.0, &mut influences);
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

/// The variance of the signed sum of the sides' seed means, one term per stratum; and for each side the variance over
/// seeds that the examples alone make.
pub(crate) fn delong_terms(truth: &Truth<'_>, sides: &[Side<'_>]) -> (Vec<VarianceTerm>, Vec<f64>) {
    let mut sum = vec![0.0; truth.n_examples()];
    let mut from_examples = Vec::new();
    for side in sides {
        let n_seeds = side.n_seeds() as f64;
        let of_seed = |outputs: &&[f64]| {
            let mut influences = vec![0.0; truth.n_examples()];
            add_influences(truth, outputs, &side.targets(), 1.0, &mut influences);
            influences
        };
        let of_seeds: Vec<Vec<f64>> = side.outputs_by_seed.iter().map(of_seed).collect();
        let mean: Vec<f64> = (0..truth.n_examples())
            .map(|row| of_seeds.iter().map(|influences| influences[row]).sum::<f64>() / n_seeds)
            .collect();
        let variance = |influences: &Vec<f64>| {
            let own: Vec<f64> = influences.iter().zip(&mean).map(|(own, mean)| own - mean).collect();
            variance_terms(truth, &own).iter().map(|term| term.variance).sum::<f64>()
        };
        from_examples.push(of_seeds.iter().map(variance).sum::<f64>() / (n_seeds - 1.0).max(1.0));
        for (sum, mean) in sum.iter_mut().zip(mean) {
            *sum += side.sign * mean;
        }
    }
    (variance_terms(truth, &sum), from_examples)
}

/// Adds `share` of each example's influence on the macro mean over `targets`, and returns that mean.
fn add_influences(
    truth: &Truth<'_>,
    outputs: &[f64],
    targets: &[usize],
    share: f64,
    influences: &mut [f64],
) -> f64 {
    let mut mean = 0.0;
    for &target in targets {
        let mut rows = yes_no_column(truth, outputs, target);
        rows.sort_unstable_by(|left, right| left.2.total_cmp(&right.2));
        let positives = rows.iter().filter(|row| row.1).count() as f64;
        let negatives = rows.len() as f64 - positives;
        // First the placements, whose mean in either class is the area.
        let mut placements = Vec::with_capacity(rows.len());
        let (mut positives_below, mut negatives_below, mut area) = (0.0, 0.0, 0.0);
        for run in rows.chunk_by(|left, right| left.2 >= right.2) {
            let tied_positives = run.iter().filter(|row| row.1).count() as f64;
            let tied_negatives = run.len() as f64 - tied_positives;
            for &(row, positive, _) in run {
                let placement = if positive {
                    (negatives_below + tied_negatives / 2.0) / negatives
                } else {
                    (positives - positives_below - tied_positives / 2.0) / positives
                };
                placements.push((row, positive, placement));
                area += if positive { placement / positives } else { 0.0 };
            }
            positives_below += tied_positives;
            negatives_below += tied_negatives;
        }
        mean += area / targets.len() as f64;
        let share = share / targets.len() as f64;
        for (row, positive, placement) in placements {
            influences[row] += share * (placement - area) / if positive { positives } else { negatives };
        }
    }
    mean
}

/// The variance of a sum of influences: by class, as the bootstrap draws, or of all known rows for several targets.
fn variance_terms(truth: &Truth<'_>, influences: &[f64]) -> Vec<VarianceTerm> {
    let strata = crate::bootstrap::strata(truth);
    let term = |rows: &Vec<u32>| {
        let values: Vec<f64> = rows.iter().map(|&row| influences[row as usize]).collect();
        let n = values.len() as f64;
        VarianceTerm::new(n * sample_variance(&values), n - 1.0)
    };
    strata.iter().filter(|rows| rows.len() > 1).map(term).collect()
}

/// What an AUROC asked for with DeLong must be.
pub(crate) fn check_delong(metric: &Metric, clustered: bool) -> Result<(), InputError> {
    if metric.id != "auroc" {
        return Err(InputError::Method {
            method: "logit-delong",
            metric: metric.id,
            reason: "it is for auroc",
        });
    }
    if clustered {
        let reason = "it takes examples as independent, and these have clusters";
        return Err(InputError::Method { method: "logit-delong", metric: metric.id, reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn pairs_written_out() {
        // Positives 3, 2, 2; negatives 1, 2, 0, 1. ψ per positive: 4/4, 3.5/4, 3.5/4; per negative: 1, (1 + ½ + ½)/3, 1, 1.
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
        assert_eq!(delong_test(&[true; 3], &[1.0; 3], &[2.0; 3]), Err(Undefined::OneClass));
    }
}
