//! Exact sign tests: Wilcoxon's signed-rank test over datasets, McNemar's test over decisions.

use crate::intervals::student_t::normal_tail;
use crate::tests_and_verdicts::floors::paired_floor;

/// Maximum number of non-zero differences for which the p value is exact.
pub const MAX_EXACT: usize = 50;

/// The result of a test of paired observations.
#[derive(Clone, Debug, PartialEq)]
pub struct SignTest {
    /// The method, as a word for results.
    pub method: &'static str,
    /// Signed-rank test: the sum of the ranks of positive differences. McNemar's test: pairs in favour of the first.
    pub statistic: f64,
    /// Number of pairs that differ. Only these are tested.
    pub n: usize,
    /// Number of pairs that do not differ. They are left out.
    pub n_zeros: usize,
    /// Two-sided p value; 1 if no pair differs.
    pub p_value: f64,
    /// The smallest p value that this test can give for `n` pairs; 0 if the test is not exact.
    pub floor: f64,
}

/// Computes Wilcoxon's signed-rank test of differences, one per dataset. The null hypothesis is that their
/// distribution is symmetric around 0.
///
/// Zeros are left out (Wilcoxon's original method) and counted in the result. Ties share their mean rank. For up to
/// 50 differences the p value is exact, also with ties: all `2^n` sign assignments of the observed ranks are counted.
/// For more differences it is the normal approximation with the variance of tied ranks and without continuity
/// correction.
#[must_use]
pub fn wilcoxon_signed_rank(differences: &[f64]) -> SignTest {
    let mut sizes: Vec<f64> = differences.iter().copied().filter(|&difference| difference != 0.0).collect();
    sizes.sort_unstable_by(|left, right| left.abs().total_cmp(&right.abs()));
    let n = sizes.len();
    // Twice a mid-rank is a whole number.
    let mut twice_ranks = Vec::with_capacity(n);
    for run in sizes.chunk_by(|left, right| left.abs() >= right.abs()) {
        let twice_rank = 2 * twice_ranks.len() + run.len() + 1;
        twice_ranks.extend(run.iter().map(|_| twice_rank));
    }
    let positive: usize =
        sizes.iter().zip(&twice_ranks).filter(|(size, _)| **size > 0.0).map(|(_, rank)| rank).sum();
    let exact = n <= MAX_EXACT;
    let p_value = match n {
        0 => 1.0,
        _ if exact => exact_p(&twice_ranks, positive),
        _ => {
            let mean = twice_ranks.iter().sum::<usize>() as f64 / 2.0;
            let variance = twice_ranks.iter().map(|&rank| (rank as f64).powi(2)).sum::<f64>() / 4.0;
            (2.0 * normal_tail((positive as f64 - mean).abs() / variance.sqrt())).min(1.0)
        }
    };
    SignTest {
        method: if exact { "wilcoxon-exact" } else { "wilcoxon-normal" },
        statistic: positive as f64 / 2.0,
        n,
        n_zeros: differences.len() - n,
        p_value,
        floor: if exact { paired_floor(n) } else { 0.0 },
    }
}

/// Returns twice the smaller tail probability of the sum of the ranks with a positive sign. Each sign has probability
/// one half.
fn exact_p(twice_ranks: &[usize], positive: usize) -> f64 {
    let all: usize = twice_ranks.iter().sum();
    let mut ways = vec![0.0_f64; all + 1]; // whole numbers up to 2^50
    ways[0] = 1.0;
    for &rank in twice_ranks {
        for sum in (rank..=all).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    let tail = positive.min(all - positive);
    let below: f64 = ways.iter().take(tail + 1).sum();
    (2.0 * below / 2.0_f64.powi(twice_ranks.len() as i32)).min(1.0)
}

/// Computes McNemar's exact test of two sets of decisions on the same examples. It tests which set is correct more
/// often where they differ.
///
/// # Shapes
/// `first_right`, `second_right`: `[examples]`; whether each decision was correct. Examples beyond the shorter length
/// are ignored.
#[must_use]
pub fn mcnemar(first_right: &[bool], second_right: &[bool]) -> SignTest {
    let (mut first_only, mut second_only, mut same) = (0_usize, 0_usize, 0_usize);
    for (first, second) in first_right.iter().zip(second_right) {
        match (first, second) {
            (true, false) => first_only += 1,
            (false, true) => second_only += 1,
            _ => same += 1,
        }
    }
    let n = first_only + second_only;
    SignTest {
        method: "mcnemar-exact",
        statistic: first_only as f64,
        n,
        n_zeros: same,
        p_value: (2.0 * fair_coin_tail(first_only.min(second_only), n)).min(1.0),
        floor: paired_floor(n),
    }
}

/// Returns the probability of at most `few` heads in `n` throws of a fair coin.
fn fair_coin_tail(few: usize, n: usize) -> f64 {
    use statrs::distribution::{Binomial, DiscreteCDF};
    Binomial::new(0.5, n as u64).map_or(1.0, |coin| coin.cdf(few as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn ranks_by_hand() {
        // Sizes 1, 2, 2, 4 have ranks 1, 2.5, 2.5, 4; positive are 1, 2 and 4: 7.5.
        let test = wilcoxon_signed_rank(&[2.0, 0.0, -2.0, 1.0, 4.0]);
        assert_eq!((test.statistic, test.n, test.n_zeros, test.method), (7.5, 4, 1, "wilcoxon-exact"));
        // Of 16 signs the negative ranks sum to at most 2.5 in: {}, {1}, {2.5}, {2.5'}: 4.
        assert_relative_eq!(test.p_value, 0.5);
        assert_relative_eq!(test.floor, 0.125);
        let other_way: Vec<f64> = [2.0, 0.0, -2.0, 1.0, 4.0].iter().map(|difference| -difference).collect();
        assert_relative_eq!(wilcoxon_signed_rank(&other_way).p_value, 0.5);
    }

    #[test]
    fn the_floor_is_reached_and_nothing_lies_below() {
        for n in [1, 5, 50] {
            let all_positive: Vec<f64> = (1..=n).map(f64::from).collect();
            let test = wilcoxon_signed_rank(&all_positive);
            assert_relative_eq!(test.p_value, test.floor, max_relative = 1e-12);
        }
        let none = wilcoxon_signed_rank(&[0.0; 4]);
        assert_eq!((none.n, none.n_zeros), (0, 4));
        assert_relative_eq!(none.p_value, 1.0);
    }

    #[test]
    fn beyond_fifty_differences_the_p_value_is_the_normal_approximation() {
        let differences = |n: usize| -> Vec<f64> {
            (1..=n).map(|rank| rank as f64 * if rank % 3 == 0 { -1.0 } else { 1.0 }).collect()
        };
        let exact = wilcoxon_signed_rank(&differences(50));
        assert_eq!((exact.method, exact.n), ("wilcoxon-exact", 50));
        let normal = wilcoxon_signed_rank(&differences(51));
        assert_eq!((normal.method, normal.n, normal.floor), ("wilcoxon-normal", 51, 0.0));
        // 3 + 6 + … + 51 = 459 of 51 · 52 / 2 = 1326 are negative.
        assert_relative_eq!(normal.statistic, 867.0);
        let deviation = (51.0 * 52.0 * 103.0 / 24.0_f64).sqrt();
        let expected = 2.0 * normal_tail((867.0 - 663.0) / deviation);
        assert_relative_eq!(normal.p_value, expected, max_relative = 1e-12);
        // All sizes equal: every rank is 26, and the variance of their sum 51 · 26² / 4.
        let ties: Vec<f64> = (0..51).map(|place| if place < 30 { 1.0 } else { -1.0 }).collect();
        let expected = 2.0 * normal_tail(26.0 * (30.0 - 25.5) / (51.0 * 26.0 * 26.0 / 4.0_f64).sqrt());
        assert_relative_eq!(wilcoxon_signed_rank(&ties).p_value, expected, max_relative = 1e-12);
        let even: Vec<f64> = (0..52).map(|place| if place % 2 == 0 { 1.0 } else { -1.0 }).collect();
        assert_relative_eq!(wilcoxon_signed_rank(&even).p_value, 1.0);
    }

    #[test]
    fn mcnemar_by_hand() {
        let first = [true, true, true, true, true, false, true, false];
        let second = [false, false, false, false, true, true, false, false];
        // 5 against 1: 2 (1 + 6) / 64
        let test = mcnemar(&first, &second);
        assert_eq!((test.statistic, test.n, test.n_zeros), (5.0, 6, 2));
        assert_relative_eq!(test.p_value, 14.0 / 64.0, max_relative = 1e-12);
        assert_relative_eq!(mcnemar(&second, &first).p_value, test.p_value);
        assert_relative_eq!(mcnemar(&first, &first).p_value, 1.0);
    }
}
