//! Motifs as position probability matrices, sites drawn from them, and the exact likelihood of a site.
//!
//! The matrices are written by hand in whole percents and follow the known consensus of each factor (JASPAR
//! MA0099 FOS::JUN, MA0035 GATA1, MA0139 CTCF); they define the model and are not copied from a database.

use super::background::{BaseProbabilities, START, base_probability, draw_base, power};
use rand_chacha::ChaCha8Rng;

/// Percent of A, C, G, T at each position.
pub(crate) type Motif = [[u8; 4]];

/// AP-1, consensus TGASTCA.
pub(crate) const AP1: &Motif = &[
    [3, 2, 2, 93],
    [2, 2, 92, 4],
    [91, 3, 3, 3],
    [6, 46, 44, 4],
    [3, 3, 4, 90],
    [4, 90, 3, 3],
    [92, 2, 3, 3],
];

/// GATA, consensus WGATAAG.
pub(crate) const GATA: &Motif = &[
    [62, 6, 8, 24],
    [2, 2, 94, 2],
    [95, 1, 2, 2],
    [3, 2, 2, 93],
    [90, 3, 3, 4],
    [84, 3, 8, 5],
    [24, 9, 59, 8],
];

/// The core of CTCF, consensus CCASYAGRKGGC.
pub(crate) const CTCF: &Motif = &[
    [7, 78, 8, 7],
    [5, 85, 5, 5],
    [60, 5, 25, 10],
    [5, 55, 35, 5],
    [8, 62, 5, 25],
    [86, 4, 7, 3],
    [3, 3, 91, 3],
    [40, 4, 52, 4],
    [6, 4, 55, 35],
    [3, 3, 91, 3],
    [5, 3, 88, 4],
    [8, 80, 6, 6],
];

/// Overwrites the bases from `start` with a site drawn from the motif.
pub(crate) fn place_site(rng: &mut ChaCha8Rng, codes: &mut [u8], motif: &Motif, start: usize) {
    for (code, column) in codes[start..].iter_mut().zip(motif) {
        let probabilities: BaseProbabilities = column.map(|percent| f64::from(percent) / 100.0);
        *code = draw_base(rng, &probabilities);
    }
}

/// For each start of a site, the log of P(sequence | site there) / P(sequence | no site).
///
/// A site overwrites background, so the base after it depends on the base before it through the overwritten bases. The
/// sum over these is a power of the transition matrix. The ratios of two sites multiply if at least one base is between
/// them.
///
/// # Shapes
/// `codes`: `[length]`; the result: `[length - motif length + 1]`, empty if the motif does not fit
pub(crate) fn site_log_ratios(codes: &[u8], motif: &Motif) -> Vec<f64> {
    let width = motif.len();
    let across = power(width + 1);
    let across_from_start = power(width);
    let n_starts = (codes.len() + 1).saturating_sub(width);
    let logs = motif
        .iter()
        .map(|column| column.map(|percent| (f64::from(percent) / 100.0).ln()))
        .collect::<Vec<_>>();
    let background: Vec<f64> = (0..codes.len()).map(|place| base_probability(codes, place).ln()).collect();
    (0..n_starts)
        .map(|start| {
            let end = start + width;
            let site: f64 =
                codes[start..end].iter().zip(&logs).map(|(&code, logs)| logs[usize::from(code)]).sum();
            let ratio = site - background[start..end].iter().sum::<f64>();
            let Some(&after) = codes.get(end) else { return ratio };
            let after = usize::from(after);
            let bridge = match start.checked_sub(1) {
                Some(before) => across[usize::from(codes[before])][after],
                None => START.iter().zip(&across_from_start).map(|(first, row)| first * row[after]).sum(),
            };
            ratio + bridge.ln() - background[end]
        })
        .collect()
}

/// Occupancy of the motif, 0…1: Z / (Z + 500), where Z is the sum over all starts of the likelihood ratio of the motif
/// against independent background bases.
pub(crate) fn occupancy(codes: &[u8], motif: &Motif) -> f64 {
    let sum: f64 = codes
        .windows(motif.len())
        .map(|window| {
            let ratio = |(&code, column): (&u8, &[u8; 4])| {
                f64::from(column[usize::from(code)]) / 100.0 / START[usize::from(code)]
            };
            window.iter().zip(motif).map(ratio).product::<f64>()
        })
        .sum();
    sum / (sum + 500.0)
}

/// The log of the mean of exp(values), for values that may be large.
pub(crate) fn log_mean_exp(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let (sum, count) =
        values.fold((0.0, 0.0), |(sum, count), value| (sum + (value - largest).exp(), count + 1.0));
    largest + f64::ln(sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    const SMALL: &Motif = &[[70, 10, 10, 10], [1, 97, 1, 1], [20, 20, 30, 30]];

    fn all_sequences(length: usize) -> impl Iterator<Item = Vec<u8>> {
        (0..4_usize.pow(length as u32))
            .map(move |number| (0..length).map(|place| ((number >> (2 * place)) & 3) as u8).collect())
    }

    fn background_probability(codes: &[u8]) -> f64 {
        (0..codes.len()).map(|place| base_probability(codes, place)).product()
    }

    #[test]
    fn motifs_are_distributions_without_zeros() {
        for column in [AP1, GATA, CTCF].into_iter().flatten() {
            assert_eq!(column.iter().map(|&percent| u32::from(percent)).sum::<u32>(), 100);
            assert!(column.iter().all(|&percent| percent > 0));
        }
    }

    #[test]
    fn a_site_anywhere_makes_a_distribution_over_all_sequences() {
        let mut sums = [0.0; 5];
        for codes in all_sequences(7) {
            for (sum, ratio) in sums.iter_mut().zip(site_log_ratios(&codes, SMALL)) {
                *sum += background_probability(&codes) * ratio.exp();
            }
        }
        for sum in sums {
            assert_abs_diff_eq!(sum, 1.0, epsilon = 1e-10);
        }
    }

    #[test]
    fn the_likelihood_of_a_site_equals_the_sum_over_overwritten_bases() {
        // P(codes | site at 2) by summing over every background that the site could have overwritten.
        let codes = [0_u8, 3, 0, 1, 2, 2, 1];
        let site: f64 =
            (0..3).map(|index| f64::from(SMALL[index][usize::from(codes[2 + index])]) / 100.0).product();
        let hidden: f64 = all_sequences(3)
            .map(|bases| {
                let mut whole = codes;
                whole[2..5].copy_from_slice(&bases);
                background_probability(&whole)
            })
            .sum();
        let expected = site * hidden / background_probability(&codes);
        assert_abs_diff_eq!(site_log_ratios(&codes, SMALL)[2].exp(), expected, epsilon = 1e-9 * expected);
    }

    #[test]
    fn two_sites_with_a_base_between_multiply() {
        let mut sum = 0.0;
        for codes in all_sequences(9) {
            let ratios = site_log_ratios(&codes, SMALL);
            sum += background_probability(&codes) * (ratios[1] + ratios[5]).exp();
        }
        assert_abs_diff_eq!(sum, 1.0, epsilon = 1e-9);
    }

    #[test]
    fn log_mean_exp_does_not_overflow() {
        assert_abs_diff_eq!(log_mean_exp([1000.0, 1000.0].into_iter()), 1000.0, epsilon = 1e-9);
        assert_abs_diff_eq!(log_mean_exp([0.0, f64::ln(3.0)].into_iter()), f64::ln(2.0), epsilon = 1e-12);
    }
}
