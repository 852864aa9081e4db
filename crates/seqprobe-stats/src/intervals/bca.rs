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
        Scheme::Clusters { cluster_of_row, n_clusters } => {
            let n_parts = (*n_clusters).min(MAX_PARTS);
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
