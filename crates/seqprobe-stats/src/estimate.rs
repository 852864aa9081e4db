//! Estimates: a score, or a paired difference of scores, with its interval.
//!
//! The estimand is the mean score over training seeds. Its variance has two parts: the bootstrap variance of
//! the seed mean over test examples (or whole clusters), and the between-seed variance divided by the number of
//! seeds, one such term per side of a difference: seeds are independent, not paired. The interval is
//! Student's, with Satterthwaite's degrees of freedom.

use crate::metric::Metric;
use crate::truth::{InputError, Truth};
use thiserror::Error;

/// How the test examples are resampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resampling<'a> {
    /// Bootstrap replicates, at least 100; 1000 is the usual number.
    pub replicates: usize,
    /// Cluster of each example (any numbers); whole clusters are drawn. `None`: examples are independent.
    pub clusters: Option<&'a [u32]>,
    /// Seed of the resamples; the same seed gives the same resamples whatever the number of threads.
    pub seed: u64,
    /// Confidence level of the interval, 0.95.
    pub level: f64,
}

impl Resampling<'_> {
    /// 1000 replicates of independent examples at level 0.95.
    pub fn new(seed: u64) -> Self {
        Self { replicates: 1000, clusters: None, seed, level: 0.95 }
    }
}

/// A point with its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// Mean score over seeds.
    pub point: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
    /// Confidence level.
    pub level: f64,
    /// How the interval was made.
    pub method: &'static str,
    /// Examples with a known true value.
    pub n: usize,
    /// Training seeds; for a difference, of the side that has fewer.
    pub n_seeds: usize,
    /// Standard error of the point.
    pub standard_error: f64,
    /// Satterthwaite's degrees of freedom.
    pub degrees_of_freedom: f64,
    /// `few-examples`, `few-clusters`, `no-variance`, `undefined-replicates`.
    pub flags: Vec<&'static str>,
}

/// A paired difference, oriented so that positive favours the model, whichever way the metric runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The difference with its interval.
    pub estimate: Estimate,
}

/// Why there is no estimate.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum NoEstimate {
    /// The inputs do not fit together.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The score itself is undefined.
    #[error("undefined: {reason}")]
    Undefined {
        /// Why.
        reason: String,
    },
    /// The score is defined, its interval is not.
    #[error("{point} without an interval: {reason}")]
    NoInterval {
        /// Mean over seeds; for a difference, oriented.
        point: f64,
        /// Why.
        reason: String,
    },
}

/// The mean score over training seeds with its interval.
///
/// # Shapes
/// `outputs_by_seed`: one `[examples, outputs]` slice per training seed, as for [`Metric::score`]. A
/// deterministic probe gives one.
///
/// # Errors
/// [`NoEstimate`] where score or interval is undefined, or the inputs do not fit together.
pub fn estimate(
    metric: &Metric,
    truth: &Truth<'_>,
    outputs_by_seed: &[&[f64]],
    resampling: &Resampling<'_>,
) -> Result<Estimate, NoEstimate> {
    let _ = (metric, truth, outputs_by_seed, resampling);
    Err(NoEstimate::Input(InputError::NoSeeds))
}

/// The model's mean score minus the baseline's on the same examples, positive where the model is better.
///
/// # Shapes
/// `model`, `baseline`: as `outputs_by_seed` of [`estimate`]; the numbers of seeds may differ.
///
/// # Errors
/// [`NoEstimate`] where a score or the interval is undefined, or the inputs do not fit together.
pub fn compare(
    metric: &Metric,
    truth: &Truth<'_>,
    model: &[&[f64]],
    baseline: &[&[f64]],
    resampling: &Resampling<'_>,
) -> Result<Difference, NoEstimate> {
    let _ = (metric, truth, model, baseline, resampling);
    Err(NoEstimate::Input(InputError::NoSeeds))
}

impl Difference {
    /// One-sided p value of the null "the difference is at most `threshold`": small where it lies above.
    pub fn p_above(&self, threshold: f64) -> f64 {
        let _ = threshold;
        1.0
    }

    /// One-sided p value of the null "the difference is at least `threshold`": small where it lies below.
    pub fn p_below(&self, threshold: f64) -> f64 {
        let _ = threshold;
        1.0
    }
}
