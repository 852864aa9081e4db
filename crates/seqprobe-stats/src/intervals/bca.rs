//! Intervals from the quantiles of the bootstrap replicates: percentile intervals and bias-corrected, accelerated ones.

use crate::intervals::bootstrap::{Resampler, Scheme};
use crate::intervals::seeded_scores::{SeededScores, replicates_of};
use crate::metrics::errors::Undefined;
use crate::metrics::weighted::{LANES, RowWeights};
use statrs::distribution::{ContinuousCDF, Normal};

/// Largest number of parts of a stratum (or of the clusters) for the jackknife of the acceleration. With fewer units,
/// each part is one unit.
const MAX_PARTS: usize = 256;

/// Returns the percentile interval of sorted replicates.
pub(crate) fn percentile_interval(sorted: &[f64], level: f64) -> (f64, f64) {
    let tail = (1.0 - level) / 2.0;
    (quantile(sorted, tail), quantile(sorted, 1.0 - tail))
}

/// Returns Efron's bias-corrected and accelerated interval (1987) of sorted replicates.
pub(crate) fn bca_interval(sorted: &[f64], point: f64, acceleration: f64, level: f64) -> (f64, f64) {
    let normal = Normal::standard();
    let below = sorted.partition_point(|&score| score < point);
    let up_to = sorted.partition_point(|&score| score <= point);
    let share = (below + up_to) as f64 / (2 * sorted.len()) as f64;
    // A point outside all replicates is placed half a replicate beyond them.
    let edge = 0.5 / sorted.len() as f64;
    let bias = normal.inverse_cdf(share.clamp(edge, 1.0 - edge));
    let place = |tail: f64| {
        let shifted = bias + normal.inverse_cdf(tail);
        quantile(sorted, normal.cdf(bias + shifted / (1.0 - acceleration * shifted)))
    };
    let tail = (1.0 - level) / 2.0;
    (place(tail), place(1.0 - tail))
}

/// Returns the acceleration: one sixth of the skewness of the units' influences, from a jackknife over units (or over
/// parts of a stratum). Each stratum is weighted by its own size, as in `scipy.stats.bootstrap`.
pub(crate) fn acceleration(
    sides: &[SeededScores<'_>],
    resampler: &Resampler,
    n_rows: usize,
) -> Result<f64, Undefined> {
    let parts = parts(resampler.scheme());
    let (mut cubes, mut squares) = (0.0, 0.0);
    for stratum in parts {
        let mut scores = Vec::with_capacity(stratum.len());
        for group in stratum.chunks(LANES) {
            let mut weights: Vec<RowWeights> = kept_rows(resampler.scheme(), n_rows);
            for (lane, part) in group.iter().enumerate() {
                for &row in part {
                    weights[row as usize][lane] = 0;
                }
            }
            for score in replicates_of(sides, &weights).0.into_iter().take(group.len()) {
                scores.push(score?);
            }
        }
        let n = scores.len() as f64;
        let mean = scores.iter().sum::<f64>() / n;
        for score in scores {
            let influence = (n - 1.0) * (mean - score) / n;
            cubes += influence.powi(3);
            squares += influence.powi(2);
        }
    }
    Ok(if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 })
}

/// Returns weight 1 for every row that is resampled, else 0.
fn kept_rows(scheme: &Scheme, n_rows: usize) -> Vec<RowWeights> {
    let mut weights = vec![[0; LANES]; n_rows];
    match scheme {
        Scheme::Strata(strata) => {
            for &row in strata.iter().flatten() {
                weights[row as usize] = [1; LANES];
            }
        }
        Scheme::Clusters { cluster_of_row, .. } => {
            for (weight, cluster) in weights.iter_mut().zip(cluster_of_row) {
                *weight = [u8::from(cluster.is_some()); LANES];
            }
        }
    }
    weights
}

/// Returns the rows of each part, by stratum. Clusters form one stratum whose units are whole clusters.
fn parts(scheme: &Scheme) -> Vec<Vec<Vec<u32>>> {
    match scheme {
        Scheme::Strata(strata) => strata
            .iter()
            .map(|rows| {
                let n_parts = rows.len().min(MAX_PARTS);
                (0..n_parts).map(|part| rows.iter().skip(part).step_by(n_parts).copied().collect()).collect()
            })
            .collect(),
        Scheme::Clusters { cluster_of_row, sizes, .. } => {
            let n_parts = sizes.len().min(MAX_PARTS);
            let mut parts = vec![Vec::new(); n_parts];
            for (row, cluster) in cluster_of_row.iter().enumerate() {
                if let Some(cluster) = cluster {
                    parts[*cluster as usize % n_parts].push(row as u32);
                }
            }
            vec![parts]
        }
    }
}

/// Returns a quantile of sorted values by linear interpolation (NumPy's default).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (place - place.floor()) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::registry::metric;
    use crate::metrics::truth::Truth;
    use approx::assert_relative_eq;

    #[test]
    fn quantiles_by_hand() {
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (share, expected) in [(0.0, 1.0), (0.25, 2.0), (0.3, 2.4), (0.5, 4.0), (0.9, 12.8), (1.0, 16.0)] {
            assert_relative_eq!(quantile(&sorted, share), expected, max_relative = 1e-12);
        }
        let (lower, upper) = percentile_interval(&sorted, 0.4);
        assert_relative_eq!(lower, 2.4, max_relative = 1e-12);
        assert_relative_eq!(upper, 7.2, max_relative = 1e-12);
    }

    /// Replicates 0, 1, …, 1000: a quantile is a thousand times its share.
    fn even() -> Vec<f64> {
        (0..=1000).map(f64::from).collect()
    }

    #[test]
    fn bias_and_acceleration_by_hand() {
        let normal = Normal::standard();
        // 700 replicates are below the point and one is equal to it.
        let bias = normal.inverse_cdf(700.5 / 1001.0);
        for acceleration in [0.0, 0.1, -0.05] {
            let place = |z: f64| normal.cdf(bias + (bias + z) / (1.0 - acceleration * (bias + z)));
            let (lower, upper) = bca_interval(&even(), 700.0, acceleration, 0.9);
            let z = normal.inverse_cdf(0.95);
            assert_relative_eq!(lower, 1000.0 * place(-z), max_relative = 1e-9);
            assert_relative_eq!(upper, 1000.0 * place(z), max_relative = 1e-9);
        }
        let (lower, upper) = bca_interval(&even(), 500.0, 0.0, 0.95);
        assert_relative_eq!(lower, 25.0, max_relative = 1e-6);
        assert_relative_eq!(upper, 975.0, max_relative = 1e-6);
    }

    #[test]
    fn a_point_outside_all_replicates_has_a_finite_bias() {
        let normal = Normal::standard();
        for (point, share) in [(-7.0, 0.5 / 1001.0), (2000.0, 1.0 - 0.5 / 1001.0)] {
            let bias = normal.inverse_cdf(share);
            let (lower, upper) = bca_interval(&even(), point, 0.0, 0.5);
            let z = normal.inverse_cdf(0.75);
            assert_relative_eq!(lower, 1000.0 * normal.cdf(2.0 * bias - z), max_relative = 1e-9);
            assert_relative_eq!(upper, 1000.0 * normal.cdf(2.0 * bias + z), max_relative = 1e-9);
        }
    }

    /// Errors of predictions of 0, squared: skewed to the right.
    fn outputs(n: usize) -> Vec<f64> {
        (0..n).map(|row| 1.0 + (row * 7919 % 101) as f64 / 50.0).collect()
    }

    fn acceleration_of_mse(outputs: &[f64], clusters: Option<&[u32]>) -> f64 {
        let values = vec![Some(0.0); outputs.len()];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let seeds = [outputs];
        let mse = metric("mse").expect("mse is a metric");
        let side = SeededScores::prepare(mse, &truth, &seeds, 1.0, &[]).expect("a score");
        let resampler = Resampler::new(&truth, clusters, 1);
        acceleration(&[side], &resampler, outputs.len()).expect("every part can be left out")
    }

    /// The acceleration of a mean whose parts, left out one by one, leave the means given.
    fn expected(means_without: &[f64]) -> f64 {
        let mean = means_without.iter().sum::<f64>() / means_without.len() as f64;
        let deviations = means_without.iter().map(|without| mean - without);
        let (cubes, squares) =
            deviations.fold((0.0, 0.0), |sums, d| (sums.0 + d.powi(3), sums.1 + d.powi(2)));
        cubes / (6.0 * squares.powf(1.5))
    }

    /// The means that are left where each part, given as the number of each row's part, is left out.
    fn means_without(losses: &[f64], part_of: impl Fn(usize) -> usize, n_parts: usize) -> Vec<f64> {
        let without = |part: usize| {
            let kept = losses.iter().enumerate().filter(|(row, _)| part_of(*row) != part);
            let (sum, n) = kept.fold((0.0, 0.0), |sums, (_, loss)| (sums.0 + loss, sums.1 + 1.0));
            sum / n
        };
        (0..n_parts).map(without).collect()
    }

    #[test]
    fn the_acceleration_of_a_mean_by_hand() {
        for (n, n_parts) in [(40, 40), (256, 256), (600, 256)] {
            let outputs = outputs(n);
            let losses: Vec<f64> = outputs.iter().map(|output| output * output).collect();
            let expected = expected(&means_without(&losses, |row| row % n_parts, n_parts));
            assert!(expected.abs() > 1e-3, "{expected}");
            assert_relative_eq!(acceleration_of_mse(&outputs, None), expected, max_relative = 1e-8);
        }
        for (n_clusters, n_parts) in [(20, 20), (300, 256)] {
            let outputs = outputs(900);
            let losses: Vec<f64> = outputs.iter().map(|output| output * output).collect();
            let clusters: Vec<u32> = (0..900).map(|row| row % n_clusters).collect();
            let part = |row: usize| clusters[row] as usize % n_parts;
            let expected = expected(&means_without(&losses, part, n_parts));
            assert_relative_eq!(
                acceleration_of_mse(&outputs, Some(&clusters)),
                expected,
                max_relative = 1e-8
            );
        }
    }

    #[test]
    fn strata_count_by_their_own_size() {
        let labels: Vec<bool> = (0..42).map(|row| row < 12).collect();
        let outputs: Vec<f64> = (0..42).map(|row| (row * 37 % 43) as f64 / 43.0).collect();
        let truth = Truth::Binary(&labels);
        let seeds = [outputs.as_slice()];
        let brier = metric("brier").expect("a metric");
        let side = SeededScores::prepare(brier, &truth, &seeds, 1.0, &[]).expect("a score");
        let got = acceleration(&[side], &Resampler::new(&truth, None, 1), 42).expect("a score");
        let losses: Vec<f64> = outputs
            .iter()
            .zip(&labels)
            .map(|(output, &label)| (output - f64::from(u8::from(label))).powi(2))
            .collect();
        let without = means_without(&losses, |row| row, 42);
        let (mut cubes, mut squares) = (0.0, 0.0);
        for rows in [0..12, 12..42] {
            let n = rows.len() as f64;
            let mean = without[rows.clone()].iter().sum::<f64>() / n;
            for score in &without[rows] {
                let influence = (n - 1.0) / n * (mean - score);
                cubes += influence.powi(3);
                squares += influence.powi(2);
            }
        }
        assert_relative_eq!(got, cubes / (6.0 * squares.powf(1.5)), max_relative = 1e-9);
    }

    #[test]
    fn units_that_all_count_the_same_have_no_acceleration() {
        assert_eq!(acceleration_of_mse(&[1.0; 30], None).to_bits(), 0);
    }
}
