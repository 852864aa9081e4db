//! The types of intervals: resampling settings and methods, estimates, paired differences, reasons why there is none.

use crate::intervals::student_t::t_tail;
use crate::metrics::errors::InputError;
use thiserror::Error;

/// How an interval is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IntervalMethod {
    /// [`Self::LogitDeLong`] for a single AUROC of independent examples, else [`Self::StudentBootstrap`].
    #[default]
    Default,
    /// Student's t with the bootstrap variance.
    StudentBootstrap,
    /// Percentiles of the bootstrap replicates.
    Percentile,
    /// Percentiles corrected for bias and skewness (Efron 1987).
    Bca,
    /// DeLong's variance, on the logit scale for a single score. Only for AUROC of independent examples.
    LogitDeLong,
    /// Fisher's z, with Bonett and Wright's variance (2000) for Spearman. Correct for normal data, a cross-check for
    /// other data. Only for a single correlation of independent examples with one target.
    FisherZ,
}

/// How test examples are resampled and intervals are computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resampling<'a> {
    /// Bootstrap replicates, at least 100; 1000 is the usual number.
    pub replicates: usize,
    /// Cluster of each example (any numbers): whole clusters are drawn. `None`: examples are independent.
    pub clusters: Option<&'a [u32]>,
    /// Seed of the resamples. The same seed gives the same resamples with any number of threads.
    pub seed: u64,
    /// Confidence level of the interval, usually 0.95.
    pub level: f64,
    /// How the interval is computed.
    pub method: IntervalMethod,
    /// Names of the classes, or of the targets, for the reasons why there is no interval; empty: they are numbered from
    /// 0.
    pub names: &'a [String],
}

impl Resampling<'_> {
    /// Returns the usual settings: 1000 replicates of independent examples, level 0.95, the default method.
    pub fn new(seed: u64) -> Self {
        Self {
            replicates: 1000,
            clusters: None,
            seed,
            level: 0.95,
            method: IntervalMethod::Default,
            names: &[],
        }
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
    /// How the interval was computed: scale, method and resampling scheme, as in `logit-t-stratified-bootstrap`.
    pub method: String,
    /// Number of examples with a known true value.
    pub n: usize,
    /// Number of training seeds; for a difference, that of the side with fewer seeds.
    pub n_seeds: usize,
    /// Standard error of the point.
    pub standard_error: f64,
    /// Satterthwaite's degrees of freedom.
    pub degrees_of_freedom: f64,
    /// Warnings about the interval: `few-examples`, `few-clusters`, `dominant-cluster` (one cluster has more than a
    /// quarter of the examples), `heavy-tails` (1% of the examples have more than 30% of the target's squared
    /// deviation), `no-variance`, `undefined-replicates`.
    pub flags: Vec<&'static str>,
}

/// A paired difference. It is positive where the model is better, also for metrics where a lower score is better.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The difference with its interval.
    pub estimate: Estimate,
    /// How far the model and the baseline are from the best possible score; `None` for metrics without one, and where
    /// it is not known.
    pub remaining: Option<[f64; 2]>,
}

impl Difference {
    /// Returns the one-sided p value of the null hypothesis "the difference is at most `threshold`". It is small
    /// where the difference is above the threshold.
    pub fn p_above(&self, threshold: f64) -> f64 {
        self.tail(self.estimate.point - threshold)
    }

    /// Returns the one-sided p value of the null hypothesis "the difference is at least `threshold`". It is small where
    /// the difference is below the threshold.
    pub fn p_below(&self, threshold: f64) -> f64 {
        self.tail(threshold - self.estimate.point)
    }

    /// Returns the upper tail probability of a distance. A difference with standard error 0 is exact: its p value is
    /// 0 or 1.
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

/// Why a score has no interval.
#[derive(Clone, Debug, PartialEq, Error)]
pub(crate) enum IntervalProblem {
    /// Too few clusters.
    #[error("only {n} clusters, an interval needs at least {min}")]
    FewClusters { n: usize, min: usize },
    /// One cluster has most of the examples.
    #[error(
        "one cluster has {:.1}% of the examples, an interval needs one with at most {:.1}%",
        100.0 * share,
        100.0 * max
    )]
    DominantCluster { share: f64, max: f64 },
    /// Too few examples (or clusters) of a class or target.
    #[error("{group} has only {n} {units}, an interval needs at least {min}")]
    FewExamples { group: String, n: usize, units: &'static str, min: usize },
    /// Fisher's z is infinite.
    #[error("a correlation of exactly 1 or −1 is infinite on Fisher's z scale")]
    PerfectCorrelation,
    /// Too many replicates without a score.
    #[error("{n_undefined} of {n} bootstrap replicates are undefined: {first}")]
    UndefinedReplicates { n_undefined: usize, n: usize, first: String },
    /// No variance between replicates, for a metric without a bound for this case.
    #[error("all bootstrap replicates have the same score, so the uncertainty cannot be estimated")]
    NoVariance,
    /// A jackknife replicate without a score.
    #[error("the score is undefined when some of the examples are left out: {0}")]
    Jackknife(String),
    /// An end of the interval is not finite.
    #[error("the variance is too large for a 64-bit number")]
    NotFinite,
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
    /// The score is defined, but its interval is not.
    #[error("{point} without an interval: {reason}")]
    NoInterval {
        /// Mean score over seeds; for a difference, positive where the model is better.
        point: f64,
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn difference(point: f64, standard_error: f64) -> Difference {
        Difference {
            estimate: Estimate {
                point,
                lower: point,
                upper: point,
                level: 0.95,
                method: "by hand".to_owned(),
                n: 10,
                n_seeds: 1,
                standard_error,
                degrees_of_freedom: 4.0,
                flags: Vec::new(),
            },
            remaining: None,
        }
    }

    #[test]
    fn tails_are_those_of_students_t() {
        // scipy 1.17.1: stats.t.sf(2, 4)
        let tail = 0.058_058_261_758_407_82;
        let got = difference(0.3, 0.1);
        assert_relative_eq!(got.p_above(0.1), tail, max_relative = 1e-8);
        assert_relative_eq!(got.p_below(0.5), tail, max_relative = 1e-8);
        assert_relative_eq!(got.p_above(0.5), 1.0 - tail, max_relative = 1e-8);
    }

    #[test]
    fn an_exact_difference_has_exact_p_values() {
        let got = difference(0.25, 0.0);
        for (threshold, above, below) in [(0.2, 0, 1), (0.25, 1, 1), (0.3, 1, 0)] {
            assert_eq!(got.p_above(threshold).to_bits(), f64::from(above).to_bits(), "{threshold}");
            assert_eq!(got.p_below(threshold).to_bits(), f64::from(below).to_bits(), "{threshold}");
        }
    }
}
