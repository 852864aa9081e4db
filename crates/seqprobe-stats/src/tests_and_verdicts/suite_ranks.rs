//! Comparison of methods over several datasets: average ranks, Friedman's test, and groups of methods whose ranks do
//! not differ significantly.
//!
//! These are the numbers of a critical-difference diagram (Demšar 2006). This file does not draw it.

use crate::tests_and_verdicts::corrections::holm;
use crate::tests_and_verdicts::floors::{floor_note, paired_floor};
use crate::tests_and_verdicts::wilcoxon::wilcoxon_signed_rank;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

/// The test of pairs of methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairTest {
    /// Two methods differ if their average ranks are further apart than Nemenyi's critical difference.
    Nemenyi,
    /// Wilcoxon's signed-rank test of each pair, corrected by Holm's method over the pairs (Benavoli, Corani and
    /// Mangili 2016).
    WilcoxonHolm,
}

/// The numbers of a critical-difference diagram.
#[derive(Clone, Debug, PartialEq)]
pub struct RankSummary {
    /// Average rank of each method; 1 is best, and equal scores share their mean rank.
    pub average_ranks: Vec<f64>,
    /// The methods, best average rank first.
    pub order: Vec<usize>,
    /// Number of datasets.
    pub n_datasets: usize,
    /// p value of Friedman's test, corrected for ties. The null hypothesis is that all methods have equal ranks.
    pub friedman_p: f64,
    /// Nemenyi's critical difference; `None` for [`PairTest::WilcoxonHolm`].
    pub critical_difference: Option<f64>,
    /// Adjusted p value of each pair `(left, right, p)` with `left < right`; empty for [`PairTest::Nemenyi`].
    pub pairs: Vec<(usize, usize, f64)>,
    /// Groups of neighbours in `order` that do not differ significantly: the bars of the diagram. A group has at
    /// least two methods.
    pub groups: Vec<Vec<usize>>,
    /// A warning if the number of datasets is too small for any significant pair in an exact test.
    pub note: Option<String>,
}

/// Ranks methods over datasets. Returns `None` for fewer than two methods or datasets, rows of unequal length, or
/// scores that are not finite.
///
/// # Shapes
/// `scores`: `[datasets][methods]`, all finite.
#[must_use]
pub fn rank_methods(
    scores: &[Vec<f64>],
    higher_is_better: bool,
    test: PairTest,
    alpha: f64,
) -> Option<RankSummary> {
    let (n_datasets, n_methods) = (scores.len(), scores.first()?.len());
    let fits = scores.iter().all(|row| row.len() == n_methods && row.iter().all(|score| score.is_finite()));
    if n_datasets < 2 || n_methods < 2 || !fits {
        return None;
    }
    let ranks: Vec<Vec<f64>> = scores.iter().map(|row| ranks_of(row, higher_is_better)).collect();
    let average = |method: usize| ranks.iter().map(|row| row[method]).sum::<f64>() / n_datasets as f64;
    let average_ranks: Vec<f64> = (0..n_methods).map(average).collect();
    let mut order: Vec<usize> = (0..n_methods).collect();
    order.sort_by(|&left, &right| average_ranks[left].total_cmp(&average_ranks[right]));

    let mut summary = RankSummary {
        friedman_p: friedman(&ranks),
        average_ranks,
        order,
        n_datasets,
        critical_difference: None,
        pairs: Vec::new(),
        groups: Vec::new(),
        note: None,
    };
    match test {
        PairTest::Nemenyi => {
            let critical = nemenyi_difference(n_methods, n_datasets, alpha);
            summary.critical_difference = Some(critical);
            let ranks = &summary.average_ranks;
            summary.groups =
                groups(&summary.order, |left, right| (ranks[left] - ranks[right]).abs() <= critical);
        }
        PairTest::WilcoxonHolm => {
            summary.pairs = wilcoxon_pairs(scores, n_methods);
            let pairs = &summary.pairs;
            let alike = |left: usize, right: usize| {
                let pair = (left.min(right), left.max(right));
                pairs.iter().any(|&(first, second, p)| (first, second) == pair && p > alpha)
            };
            summary.groups = groups(&summary.order, alike);
            let what = format!("{n_datasets} datasets and {} pairs", pairs.len());
            summary.note = floor_note(&what, paired_floor(n_datasets) * pairs.len() as f64, alpha);
        }
    }
    Some(summary)
}

/// Returns ranks from 1, the best; equal scores share their mean rank.
fn ranks_of(scores: &[f64], higher_is_better: bool) -> Vec<f64> {
    let sign = if higher_is_better { -1.0 } else { 1.0 };
    let rank = |&own: &f64| {
        let better = scores.iter().filter(|&&other| sign * other < sign * own).count() as f64;
        let worse = scores.iter().filter(|&&other| sign * other > sign * own).count() as f64;
        let equal = scores.len() as f64 - better - worse;
        better + (equal + 1.0) / 2.0
    };
    scores.iter().map(rank).collect()
}

/// Returns the p value of Friedman's chi-squared test with the correction for ties; 1 if all methods tie everywhere.
fn friedman(ranks: &[Vec<f64>]) -> f64 {
    let (n, k) = (ranks.len() as f64, ranks[0].len() as f64);
    let mean = (k + 1.0) / 2.0;
    let sums = (0..ranks[0].len()).map(|method| ranks.iter().map(|row| row[method] - mean).sum::<f64>());
    let between: f64 = sums.map(|sum| sum * sum).sum::<f64>() / n;
    let within: f64 = ranks.iter().flatten().map(|rank| (rank - mean).powi(2)).sum::<f64>() / (n * (k - 1.0));
    if within <= 0.0 {
        return 1.0;
    }
    ChiSquared::new(k - 1.0).map_or(1.0, |chi| chi.sf(between / within))
}

fn wilcoxon_pairs(scores: &[Vec<f64>], n_methods: usize) -> Vec<(usize, usize, f64)> {
    let pairs: Vec<(usize, usize)> =
        (0..n_methods).flat_map(|left| (left + 1..n_methods).map(move |right| (left, right))).collect();
    let p_value = |&(left, right): &(usize, usize)| {
        let differences: Vec<f64> = scores.iter().map(|row| row[left] - row[right]).collect();
        wilcoxon_signed_rank(&differences).p_value
    };
    let adjusted = holm(&pairs.iter().map(p_value).collect::<Vec<f64>>());
    pairs.into_iter().zip(adjusted).map(|((left, right), p)| (left, right, p)).collect()
}

/// Returns the runs of neighbours in which every pair is alike. Runs within a longer run are left out.
fn groups(order: &[usize], alike: impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let (mut groups, mut reached): (Vec<Vec<usize>>, usize) = (Vec::new(), 0);
    for start in 0..order.len() {
        let all_alike = |end: usize| order[start..end].iter().all(|&other| alike(other, order[end]));
        let end = (start + 1..order.len()).take_while(|&end| all_alike(end)).last().map_or(start, |end| end);
        if end > start && end + 1 > reached {
            groups.push(order[start..=end].to_vec());
            reached = end + 1;
        }
    }
    groups
}

/// Returns Nemenyi's critical difference of average ranks: `q √(k (k + 1) / 6 N)` for `k` methods and `N` datasets,
/// where `q` is the quantile of the studentised range for infinite degrees of freedom, divided by `√2`.
#[must_use]
pub fn nemenyi_difference(n_methods: usize, n_datasets: usize, alpha: f64) -> f64 {
    let k = n_methods as f64;
    range_quantile(n_methods, 1.0 - alpha) / 2.0_f64.sqrt()
        * (k * (k + 1.0) / (6.0 * n_datasets as f64)).sqrt()
}

/// Returns the quantile of the range of `k` standard normal values, by bisection.
fn range_quantile(k: usize, share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if range_share(k, middle) < share { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// Computes `P(range ≤ q) = k ∫ φ(x) (Φ(x) − Φ(x − q))^(k − 1) dx`, where the largest value is at `x`, by Simpson's
/// rule.
fn range_share(k: usize, q: f64) -> f64 {
    let normal = Normal::standard();
    let density = |x: f64| (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let integrand = |x: f64| density(x) * (normal.cdf(x) - normal.cdf(x - q)).powi(k as i32 - 1);
    let (from, n_steps) = (-9.0, 2000);
    let step = 18.0 / f64::from(n_steps);
    let weight = |place: i32| match place {
        0 => 1.0,
        place if place == n_steps => 1.0,
        place => f64::from(2 + 2 * (place % 2)),
    };
    let sum: f64 = (0..=n_steps).map(|place| weight(place) * integrand(from + step * f64::from(place))).sum();
    k as f64 * sum * step / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn equal_scores_share_their_mean_rank() {
        let scores = [0.9, 0.5, 0.5, 0.1];
        assert_eq!(ranks_of(&scores, true), [1.0, 2.5, 2.5, 4.0]);
        assert_eq!(ranks_of(&scores, false), [4.0, 2.5, 2.5, 1.0]);
        assert_eq!(ranks_of(&[0.5, 0.7, 0.5, 0.5], true), [3.0, 1.0, 3.0, 3.0]);
    }

    #[test]
    fn friedman_by_hand() {
        let ranks = [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]].map(Vec::from);
        // All alike: the statistic is n (k − 1) = 8 with 2 degrees of freedom, whose tail is exp(−4).
        assert_relative_eq!(friedman(&ranks), (-4.0_f64).exp(), max_relative = 1e-9);
        let ranks = [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [1.0, 2.5, 2.5], [2.0, 1.0, 3.0]].map(Vec::from);
        // Sums around the mean: −1, −0.5, 1.5; between 3.5 / 4, within (2 + 2 + 1.5 + 2) / 8.
        let statistic: f64 = (3.5 / 4.0) / (7.5 / 8.0);
        assert_relative_eq!(friedman(&ranks), (-statistic / 2.0).exp(), max_relative = 1e-9);
        assert_relative_eq!(friedman(&[vec![1.5, 1.5], vec![1.5, 1.5]]), 1.0);
    }

    #[test]
    fn groups_are_the_longest_runs() {
        let of = |pairs: &[(usize, usize)]| {
            groups(&[3, 1, 0, 2], |left, right| {
                pairs.contains(&(left, right)) || pairs.contains(&(right, left))
            })
        };
        assert_eq!(of(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(of(&[(3, 1), (1, 0)]), [vec![3, 1], vec![1, 0]]);
        assert_eq!(of(&[(3, 1), (1, 0), (3, 0)]), [vec![3, 1, 0]]);
        assert_eq!(of(&[(3, 1), (1, 0), (3, 0), (0, 2)]), [vec![3, 1, 0], vec![0, 2]]);
        assert_eq!(of(&[(3, 1), (1, 0), (3, 0), (0, 2), (1, 2)]), [vec![3, 1, 0], vec![1, 0, 2]]);
        assert_eq!(of(&[(0, 2)]), [vec![0, 2]]);
        // Pairs that are no neighbours make no group.
        assert_eq!(of(&[(3, 0), (1, 2)]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn the_range_of_two_normal_values_is_a_normal_difference() {
        let normal = Normal::standard();
        for q in [0.1, 1.0, 2.77, 5.0] {
            let expected = 2.0 * normal.cdf(q / 2.0_f64.sqrt()) - 1.0;
            assert_relative_eq!(range_share(2, q), expected, max_relative = 1e-9);
        }
        let z = normal.inverse_cdf(0.975);
        assert_relative_eq!(range_quantile(2, 0.95), 2.0_f64.sqrt() * z, max_relative = 1e-8);
        // q / √2 is the normal quantile, and √(2 · 3 / 6 N) is 1 / √N.
        assert_relative_eq!(nemenyi_difference(2, 9, 0.05), z / 3.0, max_relative = 1e-8);
        // Tables of the studentised range, infinitely many degrees of freedom, 5%: 3.314, 4.474.
        assert_relative_eq!(range_quantile(3, 0.95), 3.3145, max_relative = 1e-4);
        assert_relative_eq!(range_quantile(10, 0.95), 4.4741, max_relative = 1e-4);
    }

    #[test]
    fn pairs_are_corrected_over_all_pairs() {
        let scores: Vec<Vec<f64>> = (0..8)
            .map(|row| {
                let row = f64::from(row);
                vec![0.9 + row / 100.0, 0.5 + row / 50.0, 0.52 + (row - 3.0) / 45.0]
            })
            .collect();
        let got = rank_methods(&scores, true, PairTest::WilcoxonHolm, 0.05).expect("three methods");
        let p = |left: usize, right: usize| {
            let differences: Vec<f64> = scores.iter().map(|row| row[left] - row[right]).collect();
            wilcoxon_signed_rank(&differences).p_value
        };
        let expected = holm(&[p(0, 1), p(0, 2), p(1, 2)]);
        assert_eq!(got.pairs, [(0, 1, expected[0]), (0, 2, expected[1]), (1, 2, expected[2])]);
        assert_eq!((got.n_datasets, got.critical_difference, got.note), (8, None, None));
        assert!(expected[0] < 0.05);
        // 2^(1 − 6) · 3 = 0.094: six datasets are too few for three pairs at 5%, and enough at 10%.
        let note = |alpha: f64| {
            rank_methods(&scores[..6], true, PairTest::WilcoxonHolm, alpha).expect("three methods").note
        };
        assert!(note(0.05).is_some_and(|note| note.starts_with("with 6 datasets and 3 pairs")));
        assert_eq!(note(0.1), None);
        let got = rank_methods(&scores, true, PairTest::Nemenyi, 0.05).expect("three methods");
        assert_eq!((got.pairs.len(), got.note), (0, None));
    }

    #[test]
    fn average_ranks_within_the_critical_difference_form_groups() {
        // Ranks 1, 2.5 and 2.5 over twelve datasets; the critical difference is 3.314 / √2 · √(12 / 72) = 0.957.
        let scores: Vec<Vec<f64>> =
            (0..12).map(|row| vec![0.9, 0.5 + 0.1 * f64::from(row % 2), 0.55]).collect();
        let got = rank_methods(&scores, true, PairTest::Nemenyi, 0.05).expect("three methods");
        assert_eq!((got.average_ranks, got.order), (vec![1.0, 2.5, 2.5], vec![0, 1, 2]));
        assert_relative_eq!(got.critical_difference.expect("Nemenyi's"), 0.9569, max_relative = 1e-3);
        assert_eq!(got.groups, [vec![1, 2]]);
    }

    #[test]
    fn scores_that_cannot_be_ranked_have_no_summary() {
        let of = |scores: &[Vec<f64>]| rank_methods(scores, true, PairTest::Nemenyi, 0.05).is_some();
        let row = || vec![0.1, 0.2];
        assert!(of(&[row(), row()]));
        assert!(!of(&[]));
        assert!(!of(&[row()]));
        assert!(!of(&[vec![0.1], vec![0.2]]));
        assert!(!of(&[row(), vec![0.1, 0.2, 0.3]]));
        assert!(!of(&[row(), vec![0.1, f64::NAN]]));
    }
}
