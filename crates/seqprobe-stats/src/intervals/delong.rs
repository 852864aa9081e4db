//! DeLong's variance of the area under the ROC curve, for one score, seed means, macro means and paired differences.
//!
//! The area is a mean over pairs of a positive and a negative example. The *placement* of an example is the share of
//! the other class that it ranks correctly against, with ties counted as one half. The variance of the area is the
//! variance of the mean placements of each class (DeLong, DeLong and Clarke-Pearson 1988, *Biometrics* 44:837). For
//! macro means, an example's influences on all targets are averaged before the variance is computed; for seed means
//! and differences, its influences over seeds and sides. With two classes and one seed this is exactly DeLong's
//! formula.

use crate::intervals::bootstrap::strata;
use crate::intervals::seeded_scores::SeededScores;
use crate::intervals::student_t::{VarianceTerm, sample_variance};
use crate::metrics::errors::InputError;
use crate::metrics::metric::Metric;
use crate::metrics::ranking::yes_no_column;
use crate::metrics::truth::Truth;

/// Returns the variance of the signed sum of the sides' seed means, one term per stratum, and for each side the
/// variance between seeds that test examples alone explain.
pub(crate) fn delong_terms(truth: &Truth<'_>, sides: &[SeededScores<'_>]) -> (Vec<VarianceTerm>, Vec<f64>) {
    let mut sum = vec![0.0; truth.n_examples()];
    let mut from_examples = Vec::new();
    for side in sides {
        let n_seeds = side.n_seeds() as f64;
        let of_seed = |outputs: &&[f64]| {
            let mut influences = vec![0.0; truth.n_examples()];
            add_influences(truth, outputs, &side.targets(), &mut influences);
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

/// Adds each example's influence on the macro mean over `targets` to `influences`. Returns that mean.
pub(crate) fn add_influences(
    truth: &Truth<'_>,
    outputs: &[f64],
    targets: &[usize],
    influences: &mut [f64],
) -> f64 {
    let mut mean = 0.0;
    for &target in targets {
        let mut rows = yes_no_column(truth, outputs, target);
        rows.sort_unstable_by(|left, right| left.2.total_cmp(&right.2));
        let positives = rows.iter().filter(|row| row.1).count() as f64;
        let negatives = rows.len() as f64 - positives;
        // The mean placement of either class is the area.
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
        let share = 1.0 / targets.len() as f64;
        for (row, positive, placement) in placements {
            influences[row] += share * (placement - area) / if positive { positives } else { negatives };
        }
    }
    mean
}

/// Returns the variance of a sum of influences: one term per class, or one of all known rows for several targets. These
/// are the strata of the bootstrap. Each class has at least two examples.
pub(crate) fn variance_terms(truth: &Truth<'_>, influences: &[f64]) -> Vec<VarianceTerm> {
    let strata = strata(truth);
    let term = |rows: &Vec<u32>| {
        let values: Vec<f64> = rows.iter().map(|&row| influences[row as usize]).collect();
        let n = values.len() as f64;
        VarianceTerm::new(n * sample_variance(&values), n - 1.0)
    };
    strata.iter().map(term).collect()
}

/// Checks that DeLong's method applies: AUROC of independent examples.
pub(crate) fn check_delong(metric: &Metric, clustered: bool) -> Result<(), InputError> {
    if metric.id != "auroc" {
        return Err(InputError::Method {
            method: "logit-delong",
            metric: metric.id,
            reason: "it applies to auroc only",
        });
    }
    if clustered {
        let reason = "it assumes independent examples, and these have clusters";
        return Err(InputError::Method { method: "logit-delong", metric: metric.id, reason });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::registry::metric;
    use crate::tests_and_verdicts::delong_test::delong_test;
    use approx::assert_relative_eq;

    #[test]
    fn influences_by_hand() {
        // Positives 4 and 2, negatives 1 and 3: placements 1 and 1/2, 1 and 1/2, around an area of 3/4.
        let labels = [true, true, false, false];
        let mut influences = [0.0; 4];
        let area = add_influences(&Truth::Binary(&labels), &[4.0, 2.0, 1.0, 3.0], &[0], &mut influences);
        assert_eq!((area, influences), (0.75, [0.125, -0.125, 0.125, -0.125]));
    }

    #[test]
    fn influences_on_a_macro_mean_are_means_of_those_on_its_targets() {
        let values: Vec<Option<bool>> = (0..90).map(|at| (at % 11 != 0).then_some(at * 5 % 7 < 3)).collect();
        let truth = Truth::Multilabel { values: &values, n_targets: 3 };
        let outputs: Vec<f64> = (0..90).map(|at| f64::from(at * 37 % 23)).collect();
        let of = |targets: &[usize]| {
            let mut influences = vec![0.0; 30];
            let mean = add_influences(&truth, &outputs, targets, &mut influences);
            (mean, influences)
        };
        let (mean, all) = of(&[0, 1, 2]);
        let auroc = metric("auroc").expect("auroc is a metric");
        assert_relative_eq!(mean, auroc.score(&truth, &outputs).expect("a score"), max_relative = 1e-12);
        let single = [of(&[0]), of(&[1]), of(&[2])];
        for (row, influence) in all.iter().enumerate() {
            let expected = single.iter().map(|(_, influences)| influences[row]).sum::<f64>() / 3.0;
            assert_relative_eq!(*influence, expected, epsilon = 1e-12);
        }
        // One stratum of all rows with a known value.
        let terms = variance_terms(&truth, &all);
        assert_eq!(terms.len(), 1);
        assert_relative_eq!(terms[0].variance, 30.0 * sample_variance(&all), max_relative = 1e-12);
        assert_relative_eq!(terms[0].degrees_of_freedom, 29.0);
    }

    #[test]
    fn variances_of_seeds_by_pairs_of_seeds() {
        let labels: Vec<bool> = (0..60).map(|row| row % 3 == 0).collect();
        let truth = Truth::Binary(&labels);
        let seed = |number: usize| -> Vec<f64> {
            (0..60)
                .map(|row| {
                    ((row * 37 + number * row * row) % 59) as f64 + 9.0 * f64::from(u8::from(labels[row]))
                })
                .collect()
        };
        let seeds = [seed(1), seed(2), seed(3)];
        let slices: Vec<&[f64]> = seeds.iter().map(Vec::as_slice).collect();
        let auroc = metric("auroc").expect("auroc is a metric");
        let side = |seeds, sign| SeededScores::prepare(auroc, &truth, seeds, sign, &[]).expect("a score");
        let (_, from_examples) = delong_terms(&truth, &[side(&slices, 1.0), side(&slices[..1], -1.0)]);
        // The sum of squares around a mean of n is that over all pairs divided by n.
        let pair = |one: usize, other: usize| {
            delong_test(&labels, &seeds[one], &seeds[other]).expect("both classes").standard_error.powi(2)
        };
        let expected = (pair(0, 1) + pair(0, 2) + pair(1, 2)) / 3.0 / 2.0;
        assert_relative_eq!(from_examples[0], expected, max_relative = 1e-9);
        assert_relative_eq!(from_examples[1], 0.0);
        // A difference of single seeds is DeLong's own.
        let (terms, _) = delong_terms(&truth, &[side(&slices[1..2], 1.0), side(&slices[..1], -1.0)]);
        let variance: f64 = terms.iter().map(|term| term.variance).sum();
        assert_relative_eq!(variance, pair(0, 1), max_relative = 1e-9);
        assert_eq!(terms.iter().map(|term| term.degrees_of_freedom).collect::<Vec<_>>(), [39.0, 19.0]);
    }
}
