//! Resampling settings, estimates, paired differences, and why there is none.

use crate::intervals::student_t::t_tail;
use crate::metrics::truth::InputError;
use thiserror::Error;

/// How an interval is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalMethod {
    /// [`Self::LogitDeLong`] for a single AUROC of independent examples, [`Self::StudentBootstrap`] for all else.
    #[default]
    Default,
    /// Student's t with the bootstrap variance.
    StudentBootstrap,
    /// Percentiles of the replicates.
    Percentile,
    /// Percentiles corrected for bias and skewness (Efron 1987).
    Bca,
    /// DeLong's variance, on the logit scale for a single score. AUROC of independent examples only.
    LogitDeLong,
    /// Fisher's z, with Bonett and Wright's variance (2000) for Spearman: right for normal data, a cross-check for
    /// other. A single correlation of independent examples with one target only.
    FisherZ,
}

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
    /// How the interval is made.
    pub method: IntervalMethod,
}

impl Resampling<'_> {
    /// 1000 replicates of independent examples at level 0.95, the default method.
    pub fn new(seed: u64) -> Self {
        Self { replicates: 1000, clusters: None, seed, level: 0.95, method: IntervalMethod::Default }
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
    /// How the interval was made: scale, method and what was drawn, as in `logit-t-stratified-bootstrap`.
    pub method: String,
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

impl Difference {
    /// One-sided p value of the null "the difference is at most `threshold`": small where it lies above.
    pub fn p_above(&self, threshold: f64) -> f64 {
        self.tail(self.estimate.point - threshold)
    }

    /// One-sided p value of the null "the difference is at least `threshold`": small where it lies below.
    pub fn p_below(&self, threshold: f64) -> f64 {
        self.tail(threshold - self.estimate.point)
    }

    /// A difference known exactly (standard error 0) is on the side where it is.
    fn tail(&self, distance: f64) -> f64 {
        if self.estimate.standard_error > 0.0 {
            t_tail(distance / self.estimate.standard_error, self.estimate.degrees_of_freedom)
        } else if distance > 0.0 {
            0.0
        } else {
            1.0
        }
    }
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
