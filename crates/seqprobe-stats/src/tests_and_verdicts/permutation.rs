//! The paired permutation test: the difference under random exchanges of the two sides' predictions.

use crate::intervals::bootstrap::below;
use crate::metrics::errors::{InputError, Undefined};
use crate::metrics::metric::Metric;
use crate::metrics::truth::Truth;
use crate::metrics::weighted::{LANES, RowWeights, finite_scores};
use crate::tests_and_verdicts::floors::paired_floor;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

/// Differences that are closer than this share of the largest score are equal except for rounding errors.
const ROUNDING: f64 = 1e-12;

/// The result of a paired permutation test.
#[derive(Clone, Debug, PartialEq)]
pub struct PermutationTest {
    /// `permutation-exact` where all exchanges were counted, else `permutation`.
    pub method: &'static str,
    /// First score minus second.
    pub difference: f64,
    /// Two-sided p value.
    pub p_value: f64,
    /// Number of exchanges counted.
    pub n_permutations: usize,
    /// The smallest p value that this number of examples (or clusters) and exchanges can give.
    pub floor: f64,
}

/// Computes the paired permutation test. It exchanges the predictions of both sides, example by example or cluster by
/// cluster, and counts differences that are at least as large as the observed one.
///
/// The null hypothesis is that the predictions of both sides are exchangeable. Both must therefore be on the same
/// scale: probabilities or target values. For AUROC and average precision of other scores, rank each side first. If
/// `2^units` is at most `permutations`, all exchanges are counted. Else random exchanges are counted, and the p value
/// is `(1 + as large) / (1 + permutations)`. Exchanges with an undefined score count as large.
///
/// # Shapes
/// `first`, `second`: `[examples, outputs]`, as for [`Metric::score`]; `clusters`: `[examples]`.
///
/// # Errors
/// [`Undefined`] where a score is undefined or the inputs do not fit together.
pub fn permutation_test(
    metric: &Metric,
    truth: &Truth<'_>,
    first: &[f64],
    second: &[f64],
    clusters: Option<&[u32]>,
    permutations: usize,
    seed: u64,
) -> Result<PermutationTest, Undefined> {
    let scores = [metric.score(truth, first)?, metric.score(truth, second)?];
    let difference = scores[0] - scores[1];
    let n_rows = truth.n_examples();
    let unit_of_row = units(truth, clusters)?;
    let n_units = unit_of_row.iter().flatten().max().map_or(0, |&last| last as usize + 1);
    let exact = n_units < usize::BITS as usize && 1 << n_units <= permutations;
    let n_permutations = if exact { 1 << n_units } else { permutations };

    // The examples of both sides are prepared as one set of twice the size. In an exchange each row belongs to one
    // side.
    let doubled = truth.twice();
    let outputs = [first, second].concat();
    let (prepared, _) = metric.prepare(&doubled.view(), &outputs)?;
    let limit = difference.abs() - ROUNDING * scores[0].abs().max(scores[1].abs());
    let rng = ChaCha8Rng::seed_from_u64(seed);
    let count = |group: usize| {
        let mut rng = rng.clone();
        rng.set_stream(group as u64);
        let mut exchanged = vec![[0_u8; LANES]; n_units];
        for (unit, lanes) in exchanged.iter_mut().enumerate() {
            for (lane, exchange) in lanes.iter_mut().enumerate() {
                let number = group * LANES + lane;
                *exchange = if exact { (number >> unit & 1) as u8 } else { below(&mut rng, 2) as u8 };
            }
        }
        let of_side = |own: u8| -> Vec<RowWeights> {
            let rows = (0..2 * n_rows).map(|row| match unit_of_row[row % n_rows] {
                Some(unit) => {
                    exchanged[unit as usize].map(|exchange| u8::from((exchange == own) == (row < n_rows)))
                }
                None => [0; LANES],
            });
            rows.collect()
        };
        let [ours, theirs] = [0, 1].map(|own| finite_scores(&prepared, &of_side(own)));
        let n_lanes = LANES.min(n_permutations - group * LANES);
        let pairs = ours.into_iter().zip(theirs).take(n_lanes);
        pairs.filter(|pair| !matches!(pair, (Ok(our), Ok(their)) if (our - their).abs() < limit)).count()
    };
    let as_large: usize = (0..n_permutations.div_ceil(LANES)).into_par_iter().map(count).sum();
    let (p_value, floor) = if exact {
        (as_large as f64 / n_permutations as f64, paired_floor(n_units))
    } else {
        let one = 1.0 / (n_permutations as f64 + 1.0);
        (one * (as_large as f64 + 1.0), one.max(paired_floor(n_units)))
    };
    let method = if exact { "permutation-exact" } else { "permutation" };
    Ok(PermutationTest { method, difference, p_value, n_permutations, floor })
}

/// Returns the unit of exchange of each row, numbered without gaps; `None` for rows without a known value.
fn units(truth: &Truth<'_>, clusters: Option<&[u32]>) -> Result<Vec<Option<u32>>, InputError> {
    let known = truth.known_rows();
    let mut units = vec![None; truth.n_examples()];
    let Some(clusters) = clusters else {
        for (unit, &row) in (0..).zip(&known) {
            units[row as usize] = Some(unit);
        }
        return Ok(units);
    };
    if clusters.len() != units.len() {
        return Err(InputError::Clusters { expected: units.len(), got: clusters.len() });
    }
    let mut names: Vec<u32> = known.iter().map(|&row| clusters[row as usize]).collect();
    names.sort_unstable();
    names.dedup();
    for &row in &known {
        units[row as usize] = Some(names.partition_point(|&name| name < clusters[row as usize]) as u32);
    }
    Ok(units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::registry::metric;
    use approx::assert_relative_eq;

    #[test]
    fn all_exchanges_written_out() {
        // Squared errors of both sides; exchanging is choosing one of each pair.
        let values = [Some(0.0); 4];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let (first, second) = ([1.0, 2.0, 3.0, 1.0], [2.0, 2.5, 3.5, 0.5]);
        let mse = metric("mse").expect("mse is a metric");
        let test = permutation_test(mse, &truth, &first, &second, None, 100, 1).expect("defined");
        let squares = |values: [f64; 4]| values.map(|value| value * value);
        let gaps: Vec<f64> =
            squares(first).iter().zip(squares(second)).map(|(one, other)| one - other).collect();
        let sum: f64 = gaps.iter().sum();
        let as_large = (0..16).filter(|signs| {
            let signed: f64 = gaps
                .iter()
                .enumerate()
                .map(|(place, gap)| if signs >> place & 1 == 1 { -gap } else { *gap })
                .sum();
            signed.abs() >= sum.abs() - 1e-9
        });
        assert_relative_eq!(test.p_value, as_large.count() as f64 / 16.0);
        assert_eq!((test.method, test.n_permutations), ("permutation-exact", 16));
        assert_relative_eq!(test.floor, 0.125);
    }

    #[test]
    fn exchanges_are_counted_where_there_are_no_more_than_asked_for() {
        let values = [Some(0.0), None, Some(0.0), Some(0.0), Some(0.0)];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let (first, second) = ([1.0, 9.0, 2.0, 3.0, 1.0], [2.0, 0.0, 2.5, 3.5, 0.5]);
        let mse = metric("mse").expect("mse is a metric");
        let test = |permutations: usize, clusters: Option<&[u32]>| {
            permutation_test(mse, &truth, &first, &second, clusters, permutations, 1).expect("defined")
        };
        // Errors of the known rows squared: 1, 4, 9, 1 against 4, 6.25, 12.25, 0.25.
        assert_relative_eq!(test(16, None).difference, (15.0 - 22.75) / 4.0, max_relative = 1e-12);
        assert_eq!((test(16, None).method, test(16, None).n_permutations), ("permutation-exact", 16));
        // As large are the observed exchange, and its opposite, and those that leave the 0.75 the other way.
        assert_relative_eq!(test(16, None).p_value, 4.0 / 16.0);
        let random = test(15, None);
        assert_eq!((random.method, random.n_permutations), ("permutation", 15));
        let counted = random.p_value * 16.0 - 1.0;
        assert_relative_eq!(counted, counted.round(), epsilon = 1e-9);
        assert!((0.0..=15.0).contains(&counted.round()), "{counted}");
        assert_relative_eq!(random.floor, 0.125);
        assert_relative_eq!(test(5, None).floor, 1.0 / 6.0);
        // The first two known rows are exchanged together: 9 + 4 against 4 + 6.25 and so on, in 8 ways.
        let clustered = test(100, Some(&[7, 1, 7, 9, 3]));
        assert_eq!((clustered.n_permutations, clustered.method), (8, "permutation-exact"));
        assert_relative_eq!(clustered.floor, 0.25);
        // Gaps 5.25, 3.25 and −0.75: signs with a sum of at least 7.75.
        assert_relative_eq!(clustered.p_value, 4.0 / 8.0);
    }

    #[test]
    fn two_scores_of_zero_do_not_differ() {
        let values: Vec<Option<f64>> = (0..4).map(|row| Some(f64::from(row))).collect();
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let right = [0.0, 1.0, 2.0, 3.0];
        let mse = metric("mse").expect("mse is a metric");
        let test = permutation_test(mse, &truth, &right, &right, None, 100, 1).expect("defined");
        assert_eq!((test.difference, test.p_value), (0.0, 1.0));
    }

    #[test]
    fn exchanges_without_a_score_count_as_large() {
        // Both sides decide one example each: most exchanges leave a side with equal decisions only, without an MCC.
        let labels = [true, false, true, false];
        let (first, second) = ([0.9, 0.1, 0.1, 0.1], [0.1, 0.1, 0.9, 0.1]);
        let mcc = metric("mcc").expect("mcc is a metric");
        let test = permutation_test(mcc, &Truth::Binary(&labels), &first, &second, None, 16, 1);
        let test = test.expect("both sides have a score");
        // The difference is 0, and so every exchange is as large.
        assert_relative_eq!(test.difference, 0.0);
        assert_relative_eq!(test.p_value, 1.0);
        // Exchanging the first or the third alone gives one side both positives and the other none.
        let (first, second) = ([0.9, 0.1, 0.9, 0.1], [0.1, 0.1, 0.9, 0.1]);
        let test = permutation_test(mcc, &Truth::Binary(&labels), &first, &second, None, 16, 1);
        assert_relative_eq!(test.expect("both sides have a score").p_value, 1.0);
    }

    #[test]
    fn random_exchanges_come_near_the_exact_value() {
        let labels: Vec<bool> = (0..14).map(|row| row % 2 == 0).collect();
        let first: Vec<f64> =
            (0..14).map(|row| f64::from((row * 5) % 14 + 6 * ((row + 1) % 2)) / 20.0).collect();
        let second: Vec<f64> = (0..14).map(|row| f64::from((row * 3) % 14) / 20.0).collect();
        let truth = Truth::Binary(&labels);
        let auroc = metric("auroc").expect("auroc is a metric");
        let p = |permutations| {
            permutation_test(auroc, &truth, &first, &second, None, permutations, 3)
                .expect("both classes")
                .p_value
        };
        let (exact, random) = (p(1 << 14), p(10_000));
        assert!((0.001..0.9).contains(&exact), "{exact}");
        assert!((exact - random).abs() < 4.0 * (exact * (1.0 - exact) / 10_000.0).sqrt(), "{exact} {random}");
    }

    #[test]
    fn identical_sides_and_few_clusters() {
        let labels: Vec<bool> = (0..40).map(|row| row % 2 == 0).collect();
        let outputs: Vec<f64> = (0..40).map(|row| f64::from((row * 7) % 40) / 40.0).collect();
        let truth = Truth::Binary(&labels);
        let mcc = metric("brier").expect("brier is a metric");
        let same = permutation_test(mcc, &truth, &outputs, &outputs, None, 500, 1).expect("defined");
        assert_relative_eq!(same.p_value, 1.0);
        let clusters: Vec<u32> = (0..40).map(|row| row / 8 * 3).collect();
        let other: Vec<f64> = outputs.iter().map(|output| 1.0 - output).collect();
        let few = permutation_test(mcc, &truth, &outputs, &other, Some(&clusters), 500, 1).expect("defined");
        assert_eq!((few.n_permutations, few.method), (32, "permutation-exact"));
        assert_relative_eq!(few.floor, 1.0 / 16.0);
        let wrong = permutation_test(mcc, &truth, &outputs, &other, Some(&[1, 2]), 500, 1);
        assert_eq!(wrong, Err(Undefined::Input(InputError::Clusters { expected: 40, got: 2 })));
    }
}
