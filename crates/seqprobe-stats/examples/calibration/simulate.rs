//! Test sets and predictions with known true scores.
//!
//! Binary tasks: the evidence of an example is normal with mean 0 for negatives, and with the seed's quality as its
//! mean for positives. The output is the probability of a positive given evidence of the average quality. Regression:
//! prediction and true value are normal with the seed's quality as their correlation. Half of the noise belongs to
//! the example and is shared by all seeds and sides. With clusters, 40% of that noise and of the true values belong
//! to the cluster. Clusters have one size or unequal sizes. Numbers are normal, or have a part with Student's t
//! distribution with three degrees of freedom.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use seqprobe_stats::{Metric, Truth};
use statrs::distribution::{ContinuousCDF, Normal};

/// Share of an example's noise that is common to its cluster.
const CLUSTER_SHARE: f64 = 0.4;
/// Number of qualities of training seeds that represent their distribution in the true scores.
const N_QUALITIES: u32 = 65;

/// Sizes of the clusters, in relation to each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sizes {
    /// All the same.
    Equal,
    /// Lognormal with a standard deviation of 1.5 on the log scale.
    Lognormal,
    /// Drawn from the numbers of guide RNAs per gene of a published screen (Doench et al. 2016), divided by ten.
    Genes,
    /// One cluster has half of the examples, the others one each.
    OneHalf,
}

/// Guide RNAs per gene.
const GENES: [usize; 17] =
    [149, 455, 273, 74, 154, 145, 266, 239, 154, 169, 64, 1848, 736, 223, 109, 190, 62];

/// Which part of the numbers has heavy tails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tails {
    /// None: everything is normal.
    Normal,
    /// The true values.
    Values,
    /// Half of the variance of the true values, which no prediction knows.
    Noise,
}

/// Correlation of the true values with the part that predictions know, for [`Tails::Noise`].
const KNOWN: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// One setting of the simulation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Number of examples.
    pub(crate) n: usize,
    /// Negatives per positive, or `None` for regression.
    pub(crate) negatives: Option<usize>,
    /// Number of clusters.
    pub(crate) clusters: Option<usize>,
    /// Their sizes.
    pub(crate) sizes: Sizes,
    /// Tails of the numbers.
    pub(crate) tails: Tails,
    /// Number of training seeds of each side.
    pub(crate) seeds: usize,
    /// Standard deviation of a seed's quality.
    pub(crate) spread: f64,
    /// Number of test sets.
    pub(crate) tries: usize,
}

/// Returns the qualities of two sides that differ.
pub(crate) fn qualities(setting: &Setting) -> [f64; 2] {
    if setting.negatives.is_some() { [2.0, 1.6] } else { [0.8, 0.75] }
}

/// One simulated test set.
pub(crate) struct TestSet {
    pub(crate) labels: Vec<bool>,
    values: Vec<Option<f64>>,
    /// What predictions know of the values.
    known: Vec<f64>,
    pub(crate) clusters: Option<Vec<u32>>,
    shared: Vec<f64>,
    noise: Noise,
}

/// Standard normal values, two at a time (Box and Muller).
struct Noise {
    rng: ChaCha8Rng,
    spare: Option<f64>,
}

impl Noise {
    fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), spare: None }
    }

    fn uniform(&mut self) -> f64 {
        ((self.rng.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let (radius, angle) = ((-2.0 * self.uniform().ln()).sqrt(), std::f64::consts::TAU * self.uniform());
        self.spare = Some(radius * angle.sin());
        radius * angle.cos()
    }

    /// Returns a value of Student's t distribution with three degrees of freedom, divided by its standard deviation.
    fn heavy(&mut self) -> f64 {
        let squares: f64 = (0..3).map(|_| self.next().powi(2)).sum();
        self.next() / squares.sqrt()
    }

    /// Returns the sizes of clusters with `mean` examples on average.
    fn sizes(&mut self, n_clusters: usize, sizes: Sizes, mean: usize) -> Vec<usize> {
        match sizes {
            Sizes::Equal => vec![mean; n_clusters],
            Sizes::Genes => {
                let mut one = || GENES[(self.uniform() * GENES.len() as f64) as usize].div_ceil(10);
                (0..n_clusters).map(|_| one()).collect()
            }
            Sizes::OneHalf => {
                let mut sizes = vec![1; n_clusters];
                sizes[0] = n_clusters - 1;
                sizes
            }
            Sizes::Lognormal => {
                let sizes: Vec<f64> = (0..n_clusters).map(|_| (1.5 * self.next()).exp()).collect();
                let scale = (mean * n_clusters) as f64 / sizes.iter().sum::<f64>();
                sizes.into_iter().map(|size| (size * scale).round().max(1.0) as usize).collect()
            }
        }
    }

    /// Returns standard normal values, in part shared by the members of a cluster.
    fn clustered(&mut self, n: usize, clusters: Option<&[u32]>, n_clusters: usize) -> Vec<f64> {
        let common: Vec<f64> = (0..n_clusters).map(|_| self.next()).collect();
        let mut one = |row: usize| match clusters {
            Some(clusters) => {
                let common = common[clusters[row] as usize];
                CLUSTER_SHARE.sqrt() * common + (1.0 - CLUSTER_SHARE).sqrt() * self.next()
            }
            None => self.next(),
        };
        (0..n).map(&mut one).collect()
    }
}

impl TestSet {
    pub(crate) fn new(setting: &Setting, seed: u64) -> Self {
        let mut noise = Noise::new(seed);
        let n_clusters = setting.clusters.unwrap_or(0);
        let clusters: Option<Vec<u32>> = setting.clusters.map(|n_clusters| {
            let sizes = noise.sizes(n_clusters, setting.sizes, setting.n / n_clusters);
            let rows = sizes.into_iter().zip(0..).map(|(size, cluster)| vec![cluster; size]);
            rows.flatten().collect()
        });
        let n = clusters.as_ref().map_or(setting.n, Vec::len);
        let known = match (setting.negatives, setting.tails) {
            (Some(_), _) => Vec::new(),
            (None, Tails::Values) => (0..n).map(|_| noise.heavy()).collect(),
            (None, _) => noise.clustered(n, clusters.as_deref(), n_clusters),
        };
        let mut value = |known: &f64| match setting.tails {
            Tails::Noise => Some(KNOWN * known + (1.0 - KNOWN * KNOWN).sqrt() * noise.heavy()),
            Tails::Normal | Tails::Values => Some(*known),
        };
        let values = known.iter().map(&mut value).collect();
        // Each class has a fixed number of labels. With clusters, labels are random.
        let period = setting.negatives.map_or(1, |negatives| negatives + 1);
        let label = |row: usize| match setting.clusters {
            None => row.is_multiple_of(period),
            Some(_) => noise.uniform() < 1.0 / period as f64,
        };
        let labels = (0..n).map(label).collect();
        let shared = noise.clustered(n, clusters.as_deref(), n_clusters);
        Self { labels, values, known, clusters, shared, noise }
    }

    pub(crate) fn truth(&self) -> Truth<'_> {
        if self.values.is_empty() {
            Truth::Binary(&self.labels)
        } else {
            Truth::Regression { values: &self.values, n_targets: 1 }
        }
    }

    /// Returns the outputs of the seeds of one side.
    pub(crate) fn side(&mut self, setting: &Setting, quality: f64) -> Vec<Vec<f64>> {
        let half = 0.5_f64.sqrt();
        let mut seed = || {
            let own = with_spread(setting, quality, self.noise.next());
            let mut noise = |row: usize| half * self.shared[row] + half * self.noise.next();
            let output = |row: usize| match self.known.get(row) {
                Some(value) => own * value + (1.0 - own * own).sqrt() * noise(row),
                None => probability(setting, own * f64::from(u8::from(self.labels[row])) + noise(row)),
            };
            (0..self.shared.len()).map(output).collect()
        };
        (0..setting.seeds).map(|_| seed()).collect()
    }
}

/// Returns the quality of a seed that is `deviation` standard deviations from the mean.
fn with_spread(setting: &Setting, quality: f64, deviation: f64) -> f64 {
    let own = quality + setting.spread * deviation;
    if setting.negatives.is_some() { own } else { own.clamp(-0.99, 0.99) }
}

/// Returns the probability of a positive given evidence of the average quality.
fn probability(setting: &Setting, evidence: f64) -> f64 {
    let odds = setting.negatives.map_or(1.0, |negatives| 1.0 / negatives as f64);
    1.0 / (1.0 + (-(2.0 * evidence - 2.0 + odds.ln())).exp())
}

/// Returns the mean score over seeds in the whole population of examples.
pub(crate) fn true_score(metric: &Metric, setting: &Setting, quality: f64) -> f64 {
    let normal = Normal::standard();
    let of_seed = |place: u32| {
        let deviation = normal.inverse_cdf((f64::from(place) + 0.5) / f64::from(N_QUALITIES));
        let own = with_spread(setting, quality, deviation);
        match setting.negatives {
            Some(negatives) => score_of_grid(metric, setting, own, negatives, &normal),
            None if setting.tails == Tails::Noise => score_of_normals(metric.id, KNOWN * own),
            None => score_of_normals(metric.id, own),
        }
    };
    if setting.spread <= 0.0 {
        return of_seed(N_QUALITIES / 2);
    }
    (0..N_QUALITIES).into_par_iter().map(of_seed).sum::<f64>() / f64::from(N_QUALITIES)
}

/// Returns the score of a prediction with this correlation, where both have variance 1. Spearman's correlation needs
/// normal values.
fn score_of_normals(metric: &str, correlation: f64) -> f64 {
    match metric {
        "pearson" => correlation,
        "spearman" => 6.0 / std::f64::consts::PI * (correlation / 2.0).asin(),
        "r2" => 2.0 * correlation - 1.0,
        "mse" => 2.0 - 2.0 * correlation,
        "rmse" => (2.0 - 2.0 * correlation).sqrt(),
        other => panic!("the score {other} of normals is not written down"),
    }
}

/// Returns the score of evenly spaced quantiles of both classes.
fn score_of_grid(metric: &Metric, setting: &Setting, quality: f64, negatives: usize, normal: &Normal) -> f64 {
    let n_positives = 40_000 / (negatives + 1).min(8);
    let sizes = [n_positives * negatives, n_positives];
    let (mut labels, mut outputs) = (Vec::new(), Vec::new());
    for (class, n) in sizes.into_iter().enumerate() {
        for place in 0..n {
            let noise = normal.inverse_cdf((place as f64 + 0.5) / n as f64);
            labels.push(class == 1);
            outputs.push(probability(setting, quality * class as f64 + noise));
        }
    }
    metric.score(&Truth::Binary(&labels), &outputs).expect("a grid of both classes has a score")
}
