//! Resamples of test examples as integer weights: stratified by class, plain, or of whole clusters.
//!
//! `n` of `n` units are drawn with replacement in two steps that read memory in order. First, every unit gets an
//! independent Poisson count of mean 1. Then units chosen uniformly are added, or drawn units chosen uniformly are
//! removed, until the total is `n`. Independent Poisson counts with a given total follow a multinomial distribution,
//! and neither a uniform addition nor a uniform removal changes that. The counts are therefore exactly those of `n`
//! uniform draws. The correction takes about `0.8 √n` steps.
//!
//! Group `g` of [`LANES`] replicates reads stream `g` of one ChaCha8 generator. The number of threads and their order
//! therefore do not change a resample.

use crate::intervals::poisson::PoissonBytes;
use crate::metrics::truth::Truth;
use crate::metrics::weighted::{LANES, RowWeights};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::collections::HashMap;

/// The units that are drawn.
pub(crate) enum Scheme {
    /// Examples, within strata; each stratum keeps its size. The strata are the classes.
    Strata(Vec<Vec<u32>>),
    /// Whole clusters; their number is kept.
    Clusters {
        /// Cluster of each row, numbered without gaps; `None` for a row that is never drawn.
        cluster_of_row: Vec<Option<u32>>,
        /// Rows of each cluster.
        sizes: Vec<usize>,
        /// The clusters of each class where every cluster has one class only, as copies of sequences have. Else one
        /// stratum.
        strata: Vec<Vec<u32>>,
    },
}

/// A resampling scheme with its random generator.
pub(crate) struct Resampler {
    scheme: Scheme,
    rng: ChaCha8Rng,
    poisson: PoissonBytes,
    n_rows: usize,
}

/// Buffers of one thread, reused from group to group.
#[derive(Default)]
pub(crate) struct Drawn {
    /// How often each row occurs in each replicate.
    pub(crate) weights: Vec<RowWeights>,
    units: Vec<RowWeights>,
    of_clusters: Vec<RowWeights>,
}

impl Resampler {
    /// Prepares resampling. `clusters`: any number per row. Rows without a known true value are never drawn.
    pub(crate) fn new(truth: &Truth<'_>, clusters: Option<&[u32]>, seed: u64) -> Self {
        let scheme = match clusters {
            Some(clusters) => whole_clusters(truth, clusters),
            None => Scheme::Strata(strata(truth)),
        };
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { scheme, rng, poisson: PoissonBytes::new(), n_rows: truth.n_examples() }
    }

    pub(crate) fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Draws the [`LANES`] replicates of a group at once.
    pub(crate) fn draw(&self, group: usize, drawn: &mut Drawn) {
        let mut rng = self.rng.clone();
        rng.set_stream(group as u64);
        let Drawn { weights, units, of_clusters } = drawn;
        match &self.scheme {
            Scheme::Strata(strata) => {
                weights.resize(self.n_rows, [0; LANES]);
                for rows in strata {
                    self.draw_units(&mut rng, rows.len(), units);
                    for (&row, unit) in rows.iter().zip(units.iter()) {
                        weights[row as usize] = *unit;
                    }
                }
            }
            Scheme::Clusters { cluster_of_row, sizes, strata } => {
                of_clusters.resize(sizes.len(), [0; LANES]);
                for clusters in strata {
                    self.draw_units(&mut rng, clusters.len(), units);
                    for (&cluster, unit) in clusters.iter().zip(units.iter()) {
                        of_clusters[cluster as usize] = *unit;
                    }
                }
                let weight =
                    |cluster: &Option<u32>| cluster.map_or([0; LANES], |one| of_clusters[one as usize]);
                weights.clear();
                weights.extend(cluster_of_row.iter().map(weight));
            }
        }
    }

    /// Counts how often each of `n_units` units occurs in `n_units` uniform draws, for each replicate of the group.
    fn draw_units(&self, rng: &mut ChaCha8Rng, n_units: usize, units: &mut Vec<RowWeights>) {
        units.resize(n_units, [0; LANES]);
        self.poisson.fill(rng, units.as_flattened_mut());
        let (mut totals, mut largest) = ([0; LANES], [0_u8; LANES]);
        for block in units.chunks(256) {
            let mut sums = [0_u16; LANES]; // 256 times 255 fits
            for unit in block {
                for lane in 0..LANES {
                    sums[lane] += u16::from(unit[lane]);
                    largest[lane] = largest[lane].max(unit[lane]);
                }
            }
            for (total, sum) in totals.iter_mut().zip(sums) {
                *total += usize::from(sum);
            }
        }
        for lane in 0..LANES {
            let mut total = totals[lane];
            while total < n_units {
                let unit = &mut units[below(rng, n_units as u32) as usize][lane];
                *unit = unit.saturating_add(1);
                total += 1;
            }
            while total > n_units {
                // Rejection sampling: a unit is removed with a probability in proportion to its count.
                let unit = &mut units[below(rng, n_units as u32) as usize][lane];
                if below(rng, u32::from(largest[lane])) < u32::from(*unit) {
                    *unit -= 1;
                    total -= 1;
                }
            }
        }
    }
}

/// Returns a uniform integer below `bound`, without bias (Lemire 2019). Written out here so that an update of a library
/// cannot change the stream.
pub(crate) fn below(rng: &mut ChaCha8Rng, bound: u32) -> u32 {
    loop {
        let product = u64::from(rng.next_u32()) * u64::from(bound);
        let low = product as u32;
        if low >= bound || low >= bound.wrapping_neg() % bound {
            return (product >> 32) as u32;
        }
    }
}

/// Returns the rows of each class that occurs. Multilabel and regression tasks have one stratum of all known rows.
pub(crate) fn strata(truth: &Truth<'_>) -> Vec<Vec<u32>> {
    let mut strata = match truth {
        Truth::Binary(labels) => {
            let mut classes = vec![Vec::new(), Vec::new()];
            for (row, &label) in labels.iter().enumerate() {
                classes[usize::from(label)].push(row as u32);
            }
            classes
        }
        Truth::Classes { labels, n_classes } => {
            let mut classes = vec![Vec::new(); *n_classes];
            for (row, &label) in labels.iter().enumerate() {
                classes[label as usize].push(row as u32);
            }
            classes
        }
        Truth::Multilabel { .. } | Truth::Regression { .. } => vec![truth.known_rows()],
    };
    strata.retain(|rows| !rows.is_empty());
    strata
}

/// Returns the clusters of all known rows, numbered by their first row. Clusters of one class each are drawn class by
/// class.
fn whole_clusters(truth: &Truth<'_>, clusters: &[u32]) -> Scheme {
    let known_rows = truth.known_rows();
    let mut places = HashMap::new();
    let mut cluster_of_row = vec![None; clusters.len()];
    let mut sizes: Vec<usize> = Vec::new();
    for &row in &known_rows {
        let place = *places.entry(clusters[row as usize]).or_insert(sizes.len());
        if place == sizes.len() {
            sizes.push(0);
        }
        sizes[place] += 1;
        cluster_of_row[row as usize] = Some(place as u32);
    }
    let strata = strata_of_clusters(truth, &cluster_of_row, sizes.len())
        .unwrap_or_else(|| vec![(0..sizes.len() as u32).collect()]);
    Scheme::Clusters { cluster_of_row, sizes, strata }
}

/// Returns the clusters of each class; `None` where a cluster has several classes.
fn strata_of_clusters(
    truth: &Truth<'_>,
    cluster_of_row: &[Option<u32>],
    n_clusters: usize,
) -> Option<Vec<Vec<u32>>> {
    let mut class_of_cluster = vec![None; n_clusters];
    let mut classes = strata(truth);
    for (class, rows) in classes.iter().enumerate() {
        for cluster in rows.iter().filter_map(|&row| cluster_of_row[row as usize]) {
            if *class_of_cluster[cluster as usize].get_or_insert(class) != class {
                return None;
            }
        }
    }
    classes.iter_mut().for_each(Vec::clear);
    for (cluster, class) in class_of_cluster.into_iter().enumerate() {
        classes[class?].push(cluster as u32);
    }
    Some(classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use statrs::distribution::{Binomial, Discrete};

    fn draw(resampler: &Resampler, group: usize) -> Vec<RowWeights> {
        let mut drawn = Drawn::default();
        resampler.draw(group, &mut drawn);
        drawn.weights
    }

    fn totals(weights: &[RowWeights]) -> [u32; LANES] {
        std::array::from_fn(|lane| weights.iter().map(|row| u32::from(row[lane])).sum())
    }

    #[test]
    fn strata_keep_their_sizes() {
        let labels: Vec<u32> = (0..60).map(|row| if row < 40 { 0 } else { 2 }).collect();
        let resampler = Resampler::new(&Truth::Classes { labels: &labels, n_classes: 3 }, None, 5);
        for group in 0..20 {
            let weights = draw(&resampler, group);
            assert_eq!(totals(&weights[..40]), [40; LANES]);
            assert_eq!(totals(&weights[40..]), [20; LANES]);
            assert!((1..LANES).any(|lane| weights.iter().any(|row| row[lane] != row[0])));
        }
        assert_ne!(draw(&resampler, 0), draw(&resampler, 1));
        // Buffers of an earlier group change nothing.
        let mut used = Drawn::default();
        resampler.draw(3, &mut used);
        resampler.draw(7, &mut used);
        assert_eq!(used.weights, draw(&resampler, 7));
    }

    #[test]
    fn clusters_are_drawn_whole_and_unknown_rows_never() {
        let values = [Some(1.0), None, Some(2.0), Some(3.0), Some(4.0), Some(5.0)];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        // Numbers have gaps; cluster 4 has no known row.
        let resampler = Resampler::new(&truth, Some(&[9, 4, 9, 7, 7, 70]), 1);
        let Scheme::Clusters { sizes, .. } = resampler.scheme() else { panic!("not clusters") };
        assert_eq!(*sizes, [2, 2, 1]);
        for group in 0..20 {
            let weights = draw(&resampler, group);
            assert_eq!((weights[0], weights[1], weights[3]), (weights[2], [0; LANES], weights[4]));
            assert_eq!(totals(&[weights[0], weights[3], weights[5]]), [3; LANES]);
        }
    }

    #[test]
    fn clusters_are_numbered_by_their_first_row() {
        let values = [Some(1.0), None, Some(2.0), Some(3.0), Some(4.0), Some(5.0), Some(6.0)];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        let Scheme::Clusters { cluster_of_row, sizes, strata } =
            whole_clusters(&truth, &[9, 4, 9, 7, 7, 70, 8])
        else {
            panic!("not clusters")
        };
        assert_eq!(cluster_of_row, [Some(0), None, Some(0), Some(1), Some(1), Some(2), Some(3)]);
        assert_eq!((sizes, strata), (vec![2, 2, 1, 1], vec![vec![0, 1, 2, 3]]));
    }

    #[test]
    fn clusters_of_one_class_are_drawn_class_by_class() {
        let labels = [true, true, false, true, false, false];
        let of = |clusters: &[u32]| {
            let truth = Truth::Binary(&labels);
            let Scheme::Clusters { strata, .. } = whole_clusters(&truth, clusters) else {
                panic!("not clusters")
            };
            strata
        };
        assert_eq!(of(&[1, 1, 2, 3, 2, 4]), [vec![1, 3], vec![0, 2]]);
        assert_eq!(of(&[1, 1, 1, 3, 2, 4]), [vec![0, 1, 2, 3]]);
        // Ten copies of each row are drawn exactly as the rows are.
        let labels: Vec<bool> = (0..90).map(|row| row % 3 == 0).collect();
        let repeated: Vec<bool> = labels.iter().flat_map(|label| [*label; 10]).collect();
        let clusters: Vec<u32> = (0..900).map(|row| 1000 - row / 10).collect();
        let rows = Resampler::new(&Truth::Binary(&labels), None, 3);
        let copies = Resampler::new(&Truth::Binary(&repeated), Some(&clusters), 3);
        for group in 0..5 {
            let (rows, copies) = (draw(&rows, group), draw(&copies, group));
            assert!(copies.iter().enumerate().all(|(row, weights)| *weights == rows[row / 10]));
        }
    }

    #[test]
    fn integers_below_a_bound_are_those_of_lemire() {
        // A word is refused where the low half of its product with the bound is below 2^32 modulo the bound.
        for bound in [1_u32, 2, 3, 1000, 3 << 30, (1 << 31) + 1, u32::MAX] {
            let mut rng = ChaCha8Rng::seed_from_u64(17);
            let mut words = rng.clone();
            for _ in 0..200 {
                let expected = loop {
                    let product = u64::from(words.next_u32()) * u64::from(bound);
                    if product % (1 << 32) >= (1 << 32) % u64::from(bound) {
                        break product >> 32;
                    }
                };
                assert_eq!(u64::from(below(&mut rng, bound)), expected, "below {bound}");
            }
        }
    }

    #[test]
    fn counts_are_those_of_uniform_draws() {
        // Each row's count is binomial (n, 1/n), and two rows' counts have covariance −1/n.
        for n in [2_usize, 5, 50] {
            let labels = vec![true; n];
            let resampler = Resampler::new(&Truth::Binary(&labels), None, 3);
            let (n_groups, mut seen, mut products) = (4000, [0_u32; 8], 0.0);
            for group in 0..n_groups {
                let weights = draw(&resampler, group);
                for (&first, &last) in weights[0].iter().zip(&weights[n - 1]) {
                    seen[usize::from(first).min(7)] += 1;
                    products += (f64::from(first) - 1.0) * (f64::from(last) - 1.0);
                }
            }
            let n_draws = (n_groups * LANES) as f64;
            let expected = Binomial::new(1.0 / n as f64, n as u64).expect("a binomial");
            for (count, &times) in seen.iter().take(7).enumerate() {
                let rate = expected.pmf(count as u64);
                let spread = (rate * (1.0 - rate) / n_draws).sqrt();
                let got = f64::from(times) / n_draws;
                assert!((got - rate).abs() <= 4.5 * spread, "n {n}, count {count}: {got} {rate}");
            }
            let covariance = products / n_draws;
            assert!((covariance + 1.0 / n as f64).abs() < 4.5 / n_draws.sqrt(), "n {n}: {covariance}");
        }
    }
}
