//! Resamples of test examples as integer weights: stratified by class, plain, or of whole clusters.
//!
//! Replicate `i` reads stream `i` of one ChaCha8 generator, so that neither the number of threads nor their
//! order changes a resample.

use crate::truth::Truth;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What is drawn.
pub(crate) enum Scheme {
    /// Examples, as many as there are from each stratum; the strata are the classes.
    Strata(Vec<Vec<u32>>),
    /// Whole clusters, as many as there are. `None` marks a row that takes no part.
    Clusters {
        /// Cluster of each row, numbered without gaps.
        cluster_of_row: Vec<Option<u32>>,
        /// Number of clusters.
        n_clusters: usize,
    },
}

/// A scheme with its generator.
pub(crate) struct Resampler {
    scheme: Scheme,
    rng: ChaCha8Rng,
    n_rows: usize,
}

impl Resampler {
    /// `clusters`: any number per row. Rows without a known true value are never drawn.
    pub(crate) fn new(truth: &Truth<'_>, clusters: Option<&[u32]>, seed: u64) -> Self {
        let scheme = match clusters {
            Some(clusters) => whole_clusters(&truth.known_rows(), clusters),
            None => Scheme::Strata(strata(truth)),
        };
        Self { scheme, rng: ChaCha8Rng::seed_from_u64(seed), n_rows: truth.n_examples() }
    }

    pub(crate) fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Writes how often each row occurs in a replicate.
    pub(crate) fn draw(&self, replicate: usize, weights: &mut Vec<u32>) {
        let mut rng = self.rng.clone();
        rng.set_stream(replicate as u64);
        weights.clear();
        match &self.scheme {
            Scheme::Strata(strata) => {
                weights.resize(self.n_rows, 0);
                for rows in strata {
                    let drawn = draw_with_replacement(&mut rng, rows.len());
                    for (&row, count) in rows.iter().zip(drawn) {
                        weights[row as usize] = count;
                    }
                }
            }
            Scheme::Clusters { cluster_of_row, n_clusters } => {
                let drawn = draw_with_replacement(&mut rng, *n_clusters);
                let weight = |cluster: &Option<u32>| cluster.map_or(0, |cluster| drawn[cluster as usize]);
                weights.extend(cluster_of_row.iter().map(weight));
            }
        }
    }
}

/// How often each of `n_units` comes up in `n_units` draws.
fn draw_with_replacement(rng: &mut ChaCha8Rng, n_units: usize) -> Vec<u32> {
    let mut drawn = vec![0; n_units];
    for _ in 0..n_units {
        drawn[below(rng, n_units as u32) as usize] += 1;
    }
    drawn
}

/// A uniform integer below `bound`, without bias (Lemire 2019); written out so that no library can change it.
fn below(rng: &mut ChaCha8Rng, bound: u32) -> u32 {
    loop {
        let product = u64::from(rng.next_u32()) * u64::from(bound);
        let low = product as u32;
        if low >= bound || low >= bound.wrapping_neg() % bound {
            return (product >> 32) as u32;
        }
    }
}

/// The rows of each class that occurs; one stratum of all known rows for several targets.
fn strata(truth: &Truth<'_>) -> Vec<Vec<u32>> {
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

fn whole_clusters(known_rows: &[u32], clusters: &[u32]) -> Scheme {
    let mut names: Vec<u32> = known_rows.iter().map(|&row| clusters[row as usize]).collect();
    names.sort_unstable();
    names.dedup();
    let mut cluster_of_row = vec![None; clusters.len()];
    for &row in known_rows {
        let place = names.partition_point(|&name| name < clusters[row as usize]);
        cluster_of_row[row as usize] = Some(place as u32);
    }
    Scheme::Clusters { cluster_of_row, n_clusters: names.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(resampler: &Resampler, replicate: usize) -> Vec<u32> {
        let mut weights = Vec::new();
        resampler.draw(replicate, &mut weights);
        weights
    }

    #[test]
    fn strata_keep_their_sizes() {
        let labels: Vec<u32> = (0..60).map(|row| if row < 40 { 0 } else { 2 }).collect();
        let resampler = Resampler::new(&Truth::Classes { labels: &labels, n_classes: 3 }, None, 5);
        for replicate in 0..20 {
            let weights = draw(&resampler, replicate);
            assert_eq!(weights[..40].iter().sum::<u32>(), 40);
            assert_eq!(weights[40..].iter().sum::<u32>(), 20);
        }
        assert_ne!(draw(&resampler, 0), draw(&resampler, 1));
        assert_eq!(draw(&resampler, 7), draw(&resampler, 7));
    }

    #[test]
    fn clusters_are_drawn_whole_and_unknown_rows_never() {
        let values = [Some(1.0), None, Some(2.0), Some(3.0), Some(4.0), Some(5.0)];
        let truth = Truth::Regression { values: &values, n_targets: 1 };
        // Numbers have gaps; cluster 4 has no known row.
        let resampler = Resampler::new(&truth, Some(&[9, 4, 9, 7, 7, 70]), 1);
        let Scheme::Clusters { n_clusters, .. } = resampler.scheme() else { panic!("not clusters") };
        assert_eq!(*n_clusters, 3);
        for replicate in 0..20 {
            let weights = draw(&resampler, replicate);
            assert_eq!((weights[0], weights[1], weights[3]), (weights[2], 0, weights[4]));
            assert_eq!(weights[0] + weights[3] + weights[5], 3);
        }
    }

    #[test]
    fn every_row_is_drawn_about_once() {
        let labels = vec![true; 50];
        let resampler = Resampler::new(&Truth::Binary(&labels), None, 3);
        let mut totals = vec![0_u32; 50];
        for replicate in 0..2000 {
            for (total, weight) in totals.iter_mut().zip(draw(&resampler, replicate)) {
                *total += weight;
            }
        }
        // Poisson-like: standard deviation √2000 ≈ 45; five of them.
        assert!(totals.iter().all(|&total| (1775..=2225).contains(&total)), "{totals:?}");
    }
}
