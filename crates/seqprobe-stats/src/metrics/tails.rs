//! Heavy tails: a few examples that decide a score of squares.

use crate::metrics::truth::Truth;

/// Smallest number of known values for which tails are judged.
const MIN_VALUES: usize = 50;
/// Share of the examples that are furthest from the mean.
const TOP: f64 = 0.01;
/// Tails are heavy if these examples have a larger share of the squared deviation from the mean.
const LARGE_SHARE: f64 = 0.3;

/// Returns whether the 1% of the examples (rounded up) that are furthest from the mean have more than 30% of the squared
/// deviation of a target. Correlations and squared errors then depend on these few, and their intervals contain the
/// true score too rarely. Of normal values, 1% have about 9%.
pub(crate) fn has_heavy_tails(truth: &Truth<'_>) -> bool {
    let Truth::Regression { values, n_targets } = truth else { return false };
    (0..*n_targets).any(|target| {
        let known: Vec<f64> = values.iter().skip(target).step_by(*n_targets).copied().flatten().collect();
        known.len() >= MIN_VALUES && share_of_top(&known) > LARGE_SHARE
    })
}

/// Returns the share of the squared deviation that the top 1% of the values have; 0 for values that are all the same.
fn share_of_top(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let mut squares: Vec<f64> = values.iter().map(|value| (value - mean).powi(2)).collect();
    squares.sort_unstable_by(|left, right| right.total_cmp(left));
    let n_top = (TOP * values.len() as f64).ceil() as usize;
    let total: f64 = squares.iter().sum();
    if total > 0.0 { squares.iter().take(n_top).sum::<f64>() / total } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn a_few_large_values_are_heavy_tails() {
        // 198 values of ±1 and two of ±v: the two have 2 v² of 198 + 2 v².
        let with = |large: f64| -> Vec<Option<f64>> {
            let value = |row: u32| if row < 2 { large } else { 1.0 };
            (0..200).map(|row| Some(if row % 2 == 0 { value(row) } else { -value(row) })).collect()
        };
        let heavy = |values: &[Option<f64>]| has_heavy_tails(&Truth::Regression { values, n_targets: 1 });
        assert!(!heavy(&with(6.5)), "29.9%");
        assert!(heavy(&with(6.6)), "30.6%");
        let known: Vec<f64> = with(6.5).into_iter().flatten().collect();
        assert_relative_eq!(share_of_top(&known), 84.5 / 282.5, max_relative = 1e-12);
        // The same values as the second of two targets; too few values; classes.
        let two: Vec<Option<f64>> = with(6.6).into_iter().flat_map(|value| [Some(0.0), value]).collect();
        assert!(has_heavy_tails(&Truth::Regression { values: &two, n_targets: 2 }));
        assert!(!heavy(&with(1e6)[..49]) && heavy(&with(1e6)[..50]));
        assert!(!has_heavy_tails(&Truth::Binary(&[true, false])));
        assert!(!heavy(&[Some(2.0); 80]));
    }
}
