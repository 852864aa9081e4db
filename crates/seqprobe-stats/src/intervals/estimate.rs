//! Estimates: a score, or a paired difference of scores, with its interval.
//!
//! The estimand is the mean score over training seeds. Its variance has two parts. The first is the variance of the
//! seed mean over test examples (or whole clusters). The second is the variance between seeds divided by the number
//! of seeds, one such term per side of a difference, because seeds are independent and not paired. Test examples also
//! make seeds differ; that share is part of the first variance already and is subtracted from the second.
//! `methods.rs` turns the variances into intervals.

use crate::intervals::methods::{IntervalRequest, interval_of};
use crate::intervals::seeded_scores::SeededScores;
use crate::intervals::types::{Difference, Estimate, NoEstimate, Resampling};
use crate::metrics::errors::InputError;
use crate::metrics::metric::Metric;
use crate::metrics::scale::Scale;
use crate::metrics::truth::Truth;

/// Minimum number of bootstrap replicates; fewer give no useful variance.
const MIN_REPLICATES: usize = 100;

/// Returns the mean score over training seeds with its interval.
///
/// # Shapes
/// `outputs_by_seed`: one `[examples, outputs]` slice per training seed, as for [`Metric::score`]. A
/// deterministic probe gives one.
///
/// # Errors
/// [`NoEstimate`] where the score or the interval is undefined, or the inputs do not fit together.
///
/// # Examples
/// ```
/// use seqprobe_stats::{Resampling, Truth, estimate, metric};
///
/// // 100 sequences, half of them promoters, and the probability that a probe gives to each.
/// let labels: Vec<bool> = (0..100).map(|row| row % 2 == 0).collect();
/// let probabilities: Vec<f64> =
///     (0..100).map(|row| f64::from(row * 37 % 100) / 200.0 + if row % 2 == 0 { 0.4 } else { 0.1 }).collect();
///
/// let auroc = metric("auroc").expect("a known metric");
/// let score = estimate(auroc, &Truth::Binary(&labels), &[&probabilities], &Resampling::new(1))?;
/// assert!(score.lower < score.point && score.point < score.upper);
/// assert_eq!(score.method, "logit-delong");
/// # Ok::<(), seqprobe_stats::NoEstimate>(())
/// ```
pub fn estimate(
    metric: &Metric,
    truth: &Truth<'_>,
    outputs_by_seed: &[&[f64]],
    resampling: &Resampling<'_>,
) -> Result<Estimate, NoEstimate> {
    check(truth, resampling)?;
    let side = SeededScores::prepare(metric, truth, outputs_by_seed, 1.0, resampling.names)?;
    interval_of(
        &IntervalRequest { metric, truth, sides: &[side], range: metric.range, scale: metric.scale },
        resampling,
    )
}

/// Returns the paired difference of a model and a baseline on the same examples: their mean scores over seeds, model
/// minus baseline. For metrics where a lower score is better the sign is reversed, so that a positive difference
/// favours the model.
///
/// If both sides have the same outputs, the difference is exactly 0 with the interval \[0, 0\] (method
/// `identical-predictions`).
///
/// # Shapes
/// `model`, `baseline`: as `outputs_by_seed` of [`estimate()`]; the numbers of seeds may differ.
///
/// # Errors
/// [`NoEstimate`] where a score or the interval is undefined, or the inputs do not fit together.
///
/// # Examples
/// ```
/// use seqprobe_stats::{Resampling, Truth, compare, metric};
///
/// let labels: Vec<bool> = (0..200).map(|row| row % 2 == 0).collect();
/// let noise = |row: usize| (row * 37 % 100) as f64 / 200.0;
/// let probabilities = |shift: f64| -> Vec<f64> {
///     (0..200).map(|row| noise(row) + if row % 2 == 0 { shift } else { 0.0 }).collect()
/// };
/// let (model, baseline) = (probabilities(0.4), probabilities(0.1));
///
/// let brier = metric("brier").expect("a known metric");
/// let difference = compare(brier, &Truth::Binary(&labels), &[&model], &[&baseline], &Resampling::new(1))?;
/// // A lower Brier score is better, and a positive difference favours the model.
/// assert!(difference.estimate.lower > 0.0);
/// assert!(difference.p_above(0.0) < 0.001);
/// # Ok::<(), seqprobe_stats::NoEstimate>(())
/// ```
pub fn compare(
    metric: &Metric,
    truth: &Truth<'_>,
    model: &[&[f64]],
    baseline: &[&[f64]],
    resampling: &Resampling<'_>,
) -> Result<Difference, NoEstimate> {
    check(truth, resampling)?;
    let orientation = if metric.higher_is_better { 1.0 } else { -1.0 };
    let named = |name: &'static str| {
        move |error| match error {
            NoEstimate::Undefined { reason } => NoEstimate::Undefined { reason: format!("{name}: {reason}") },
            other => other,
        }
    };
    let model_side =
        SeededScores::prepare(metric, truth, model, orientation, resampling.names).map_err(named("model"))?;
    let baseline_side = SeededScores::prepare(metric, truth, baseline, -orientation, resampling.names)
        .map_err(named("baseline"))?;
    let best = if metric.higher_is_better { metric.range.1 } else { metric.range.0 };
    let remaining = best.is_finite().then(|| {
        // The baseline's side has the opposite sign.
        let best = orientation * best;
        [best - model_side.signed_mean(), best + baseline_side.signed_mean()]
    });
    if model == baseline {
        return Ok(Difference { estimate: identical(truth, model.len(), resampling), remaining });
    }
    let width = metric.range.1 - metric.range.0;
    let sides = [model_side, baseline_side];
    let range = (-width, width);
    let estimate = interval_of(
        &IntervalRequest { metric, truth, sides: &sides, range, scale: Scale::Plain },
        resampling,
    )?;
    Ok(Difference { estimate, remaining })
}

fn check(truth: &Truth<'_>, resampling: &Resampling<'_>) -> Result<(), InputError> {
    let Resampling { replicates, clusters, level, .. } = *resampling;
    if replicates < MIN_REPLICATES {
        return Err(InputError::Replicates { replicates });
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(InputError::Level { level });
    }
    match clusters {
        Some(clusters) if clusters.len() != truth.n_examples() => {
            Err(InputError::Clusters { expected: truth.n_examples(), got: clusters.len() })
        }
        _ => Ok(()),
    }
}

fn identical(truth: &Truth<'_>, n_seeds: usize, resampling: &Resampling<'_>) -> Estimate {
    let n = truth.known_rows().len();
    Estimate {
        point: 0.0,
        lower: 0.0,
        upper: 0.0,
        level: resampling.level,
        method: "identical-predictions".to_owned(),
        n,
        n_seeds,
        standard_error: 0.0,
        degrees_of_freedom: n.saturating_sub(1) as f64,
        flags: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::registry::metric;

    #[test]
    fn limits_of_settings_are_checked() {
        let labels = [true, false, true];
        let truth = Truth::Binary(&labels);
        let of = |replicates: usize, level: f64, clusters: Option<&[u32]>| {
            check(&truth, &Resampling { replicates, level, clusters, ..Resampling::new(1) })
        };
        assert_eq!(of(100, 0.95, None), Ok(()));
        assert_eq!(of(99, 0.95, None), Err(InputError::Replicates { replicates: 99 }));
        assert_eq!(of(100, 0.0, None), Err(InputError::Level { level: 0.0 }));
        assert_eq!(of(100, 1.0, None), Err(InputError::Level { level: 1.0 }));
        assert_eq!(of(100, 0.5, Some(&[1, 2, 3])), Ok(()));
        assert_eq!(of(100, 0.5, Some(&[1, 2])), Err(InputError::Clusters { expected: 3, got: 2 }));
        assert!(of(100, f64::NAN, None).is_err());
    }

    #[test]
    fn identical_outputs_keep_their_sizes() {
        let values: Vec<Option<f64>> = (0..30).map(|row| (row % 3 > 0).then_some(f64::from(row))).collect();
        let outputs: Vec<f64> = (0..30).map(|row| f64::from(row * 7 % 30)).collect();
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let mse = metric("mse").expect("a metric");
        let seeds: [&[f64]; 2] = [&outputs, &outputs];
        let got = compare(mse, &truth, &seeds, &seeds, &Resampling::new(1)).expect("defined").estimate;
        assert_eq!((got.n, got.n_seeds, got.level, got.degrees_of_freedom), (20, 2, 0.95, 19.0));
        assert_eq!((got.point, got.standard_error, got.flags.len()), (0.0, 0.0, 0));
    }

    #[test]
    fn only_one_of_several_seeds_is_named() {
        let labels: Vec<bool> = (0..40).map(|row| row % 2 == 0).collect();
        let (truth, constant) = (Truth::Binary(&labels), vec![0.1; 40]);
        let good: Vec<f64> = (0..40).map(|row| f64::from(row * 7 % 40) / 40.0).collect();
        let mcc = metric("mcc").expect("a metric");
        let of = |seeds: &[&[f64]]| {
            estimate(mcc, &truth, seeds, &Resampling::new(1)).expect_err("a constant").to_string()
        };
        let cause = "the predictions are all the same (a constant prediction has no correlation)";
        assert_eq!(of(&[&constant]), format!("undefined: {cause}"));
        assert_eq!(of(&[&good, &constant]), format!("undefined: seed 2 of 2: {cause}"));
    }

    #[test]
    fn reasons_have_the_names_of_classes_and_targets() {
        let names = ["HepG2", "K562"].map(str::to_owned);
        let of = |truth: &Truth<'_>, outputs: &[f64], names: &[String]| {
            let auroc = metric(if matches!(truth, Truth::Regression { .. }) { "pearson" } else { "auroc" });
            let resampling = Resampling { names, ..Resampling::new(1) };
            estimate(auroc.expect("a metric"), truth, &[outputs], &resampling)
                .expect_err("too few")
                .to_string()
        };
        let outputs: Vec<f64> = (0..80).map(|row| f64::from(row * 7 % 80) / 80.0).collect();
        // The second target has four positive values of 40.
        let labels: Vec<Option<bool>> = (0..80)
            .map(|place| Some(if place % 2 == 0 { place % 4 == 0 } else { place % 20 == 1 }))
            .collect();
        let truth = Truth::Multilabel { values: &labels, n_targets: 2 };
        assert!(
            of(&truth, &outputs, &names).contains("the rarer label of target \"K562\" has only 4 examples")
        );
        assert!(of(&truth, &outputs, &[]).contains("the rarer label of target 1 has only 4 examples"));
        let labels: Vec<bool> = (0..80).map(|row| row < 6).collect();
        let truth = Truth::Binary(&labels);
        assert!(of(&truth, &outputs, &names).contains("class \"K562\" has only 6 examples"));
        assert!(of(&truth, &outputs, &[]).contains("the positive class has only 6 examples"));
        let values: Vec<Option<f64>> = (0..80).map(|place| Some(f64::from(place * 3 % 7))).collect();
        let truth = Truth::Regression { values: &values, n_targets: 2 };
        let constant: Vec<f64> =
            outputs.iter().enumerate().map(|(at, &x)| if at % 2 == 0 { x } else { 0.5 }).collect();
        assert!(of(&truth, &constant, &names).contains("\"K562\": the predictions are all the same"));
        assert!(of(&truth, &constant, &[]).contains("target 1: the predictions are all the same"));
    }

    #[test]
    fn a_score_of_zero_has_the_bound_too() {
        let labels: Vec<bool> = (0..120).map(|row| row % 2 == 0).collect();
        let wrong: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(!label))).collect();
        let auroc = metric("auroc").expect("a metric");
        let got = estimate(auroc, &Truth::Binary(&labels), &[&wrong], &Resampling::new(1)).expect("a bound");
        assert_eq!((got.point, got.lower, got.flags), (0.0, 0.0, vec!["no-variance"]));
        assert!((0.05..0.07).contains(&got.upper), "{}", got.upper);
        let accuracy = metric("accuracy").expect("a metric");
        let got =
            estimate(accuracy, &Truth::Binary(&labels), &[&wrong], &Resampling::new(1)).expect("a bound");
        assert_eq!((got.point, got.lower, got.flags), (0.0, 0.0, vec!["no-variance"]));
    }

    #[test]
    fn differences_are_clipped_to_the_width_of_the_range() {
        // All of the model's ten positives are right, all of the baseline's wrong.
        let labels: Vec<bool> = (0..20).map(|row| row < 10).collect();
        let truth = Truth::Binary(&labels);
        let right: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
        let wrong: Vec<f64> = right.iter().map(|output| 1.0 - output).collect();
        for (id, width) in [("auroc", 1.0), ("mcc", 2.0)] {
            let metric = metric(id).expect("a metric");
            let got = compare(metric, &truth, &[&right], &[&wrong], &Resampling::new(1)).expect("a bound");
            assert_eq!((got.estimate.point, got.estimate.upper), (width, width));
            assert!(got.estimate.lower > 0.0 && got.estimate.lower < width);
            assert_eq!(got.estimate.flags, ["few-examples", "no-variance"]);
            let back = compare(metric, &truth, &[&wrong], &[&right], &Resampling::new(1)).expect("a bound");
            assert_eq!((back.estimate.lower, back.estimate.upper), (-width, -got.estimate.lower));
        }
    }
}
