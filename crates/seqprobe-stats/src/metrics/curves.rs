//! Curves of a binary probe: ROC, precision and recall, calibration. They describe predictions and are not tested.

use statrs::distribution::{ContinuousCDF, Normal};

/// Returns the true positive rate at each false positive rate, interpolated linearly between thresholds. The area under
/// this curve is the AUROC with ties counted as one half. Returns `None` if one class is missing.
///
/// # Shapes
/// `scores`, `labels`: `[examples]`; result: one per rate. Scores are finite, rates are in 0…1.
#[must_use]
pub fn roc_at(scores: &[f64], labels: &[bool], false_positive_rates: &[f64]) -> Option<Vec<f64>> {
    let steps = steps(scores, labels)?;
    let (positives, negatives) = steps.last().map(|step| (step.positives, step.negatives))?;
    let corners: Vec<(f64, f64)> = std::iter::once((0.0, 0.0))
        .chain(steps.iter().map(|step| (step.negatives / negatives, step.positives / positives)))
        .collect();
    let at = |&rate: &f64| {
        // Of several corners at this rate the highest is on the curve.
        let right = corners.partition_point(|corner| corner.0 <= rate);
        let (x, y) = corners[right.saturating_sub(1)];
        match corners.get(right) {
            Some(&(next_x, next_y)) => y + (next_y - y) * (rate - x) / (next_x - x),
            None => y,
        }
    };
    Some(false_positive_rates.iter().map(at).collect())
}

/// Returns the precision at the highest threshold that reaches each recall, without interpolation. Returns `None` if
/// one class is missing.
///
/// # Shapes
/// `scores`, `labels`: `[examples]`; result: one per recall. Scores are finite, recalls are above 0 and at most 1.
#[must_use]
pub fn precision_at(scores: &[f64], labels: &[bool], recalls: &[f64]) -> Option<Vec<f64>> {
    let steps = steps(scores, labels)?;
    let positives = steps.last()?.positives;
    recalls
        .iter()
        .map(|recall| {
            // Rounding must not miss a recall that is a whole number of examples.
            let wanted = recall * positives - 1e-9;
            let step = steps.iter().find(|step| step.positives >= wanted)?;
            Some(step.positives / (step.positives + step.negatives))
        })
        .collect()
}

/// The examples whose predicted probability is in one range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// Mean predicted probability.
    pub predicted: f64,
    /// Observed share of positives.
    pub observed: f64,
    /// Lower end of Wilson's 95% interval of the share.
    pub lower: f64,
    /// Upper end of Wilson's 95% interval of the share.
    pub upper: f64,
    /// Predictions in the range, over all seeds.
    pub n: usize,
}

/// Returns predicted probabilities against observed shares in ranges of equal width. Ranges without predictions are
/// left out. Seeds are pooled. The interval uses the number of examples that one seed has on average, because all
/// seeds predict the same examples.
///
/// # Shapes
/// `by_seed`: `[seeds][examples]`, probabilities in 0…1; `labels`: `[examples]`.
#[must_use]
pub fn calibration(by_seed: &[&[f64]], labels: &[bool], n_bins: usize) -> Vec<CalibrationBin> {
    let mut sums = vec![(0.0, 0.0, 0_usize); n_bins];
    for probabilities in by_seed {
        for (&probability, &label) in probabilities.iter().zip(labels) {
            let bin = ((probability * n_bins as f64) as usize).min(n_bins.saturating_sub(1));
            let Some((predicted, positives, n)) = sums.get_mut(bin) else { continue };
            *predicted += probability;
            *positives += f64::from(u8::from(label));
            *n += 1;
        }
    }
    sums.into_iter()
        .filter(|(_, _, n)| *n > 0)
        .map(|(predicted, positives, n)| {
            let observed = positives / n as f64;
            let (lower, upper) = wilson(observed, n as f64 / by_seed.len() as f64);
            CalibrationBin { predicted: predicted / n as f64, observed, lower, upper, n }
        })
        .collect()
}

/// Returns Wilson's 95% interval of a share among `n` (Wilson 1927).
fn wilson(share: f64, n: f64) -> (f64, f64) {
    let z = Normal::standard().inverse_cdf(0.975);
    let square = z * z / n;
    let middle = (share + square / 2.0) / (1.0 + square);
    let half = z / (1.0 + square) * (share * (1.0 - share) / n + square / (4.0 * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The numbers of examples at or above one threshold.
struct Step {
    positives: f64,
    negatives: f64,
}

/// Returns one step for each distinct score, highest first. The last step counts all examples.
fn steps(scores: &[f64], labels: &[bool]) -> Option<Vec<Step>> {
    let n_positive = labels.iter().filter(|&&label| label).count();
    if n_positive == 0 || n_positive == labels.len() || scores.len() != labels.len() {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&left, &right| scores[right].total_cmp(&scores[left]));
    let mut steps: Vec<Step> = Vec::new();
    let (mut positives, mut negatives) = (0.0, 0.0);
    for (place, &example) in order.iter().enumerate() {
        if labels[example] {
            positives += 1.0;
        } else {
            negatives += 1.0;
        }
        let is_last_of_score = order.get(place + 1).is_none_or(|&next| scores[next] < scores[example]);
        if is_last_of_score {
            steps.push(Step { positives, negatives });
        }
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    #[test]
    fn curves_by_hand() {
        // Highest first: + (0.9), then + and - tied at 0.5, then - (0.1).
        let (scores, labels) = ([0.5, 0.9, 0.1, 0.5], [true, true, false, false]);
        let roc = roc_at(&scores, &labels, &[0.0, 0.25, 0.5, 1.0]).unwrap();
        assert_eq!(roc, [0.5, 0.75, 1.0, 1.0]);
        let precision = precision_at(&scores, &labels, &[0.25, 0.5, 0.75, 1.0]).unwrap();
        assert_eq!(precision, [1.0, 1.0, 2.0 / 3.0, 2.0 / 3.0]);
        assert_eq!(roc_at(&scores, &[true; 4], &[0.5]), None);
        assert_eq!(precision_at(&scores, &[false; 4], &[0.5]), None);
    }

    #[test]
    fn wilson_agrees_with_statsmodels() {
        // statsmodels 0.15.0, proportion_confint(7, 20, method="wilson").
        let (lower, upper) = wilson(7.0 / 20.0, 20.0);
        assert_abs_diff_eq!(lower, 0.181_191_8, epsilon = 1e-6);
        assert_abs_diff_eq!(upper, 0.567_145_7, epsilon = 1e-6);
    }

    #[test]
    fn two_seeds_do_not_narrow_the_interval() {
        let (probabilities, labels) = ([0.1, 0.15, 0.95, 0.9, 1.0], [false, true, true, true, false]);
        let one = calibration(&[&probabilities], &labels, 10);
        let two = calibration(&[&probabilities, &probabilities], &labels, 10);
        assert_eq!(one.iter().map(|bin| bin.n).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(two.iter().map(|bin| bin.n).collect::<Vec<_>>(), [4, 6]);
        assert_abs_diff_eq!(one[1].observed, 2.0 / 3.0);
        assert_abs_diff_eq!(one[1].predicted, 0.95, epsilon = 1e-12);
        assert_abs_diff_eq!(one[1].lower, two[1].lower, epsilon = 1e-12);
        assert_eq!((one[1].lower, one[1].upper), wilson(2.0 / 3.0, 3.0));
        assert!(one[0].lower < 0.5 && one[0].upper > 0.5);
    }

    proptest! {
        #[test]
        fn the_area_under_the_curve_is_the_auroc(
            examples in prop::collection::vec((0_u8..12, any::<bool>()), 4..60),
        ) {
            let scores: Vec<f64> = examples.iter().map(|(score, _)| f64::from(*score)).collect();
            let labels: Vec<bool> = examples.iter().map(|(_, label)| *label).collect();
            let n_positive = labels.iter().filter(|&&label| label).count();
            prop_assume!(n_positive > 0 && n_positive < labels.len());
            let mut pairs = 0.0;
            for (i, _) in labels.iter().enumerate().filter(|(_, label)| **label) {
                for (j, _) in labels.iter().enumerate().filter(|(_, label)| !**label) {
                    pairs += if scores[i] > scores[j] { 1.0 } else if scores[i] < scores[j] { 0.0 } else { 0.5 };
                }
            }
            let auroc = pairs / (n_positive * (labels.len() - n_positive)) as f64;
            let grid: Vec<f64> = (0..=20_000).map(|step| f64::from(step) / 20_000.0).collect();
            let roc = roc_at(&scores, &labels, &grid).unwrap();
            let area: f64 = roc.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0 / 20_000.0).sum();
            prop_assert!((area - auroc).abs() < 5e-3, "{} {}", area, auroc);
            prop_assert!(roc.windows(2).all(|pair| pair[1] >= pair[0] - 1e-12));
        }
    }
}
