//! Estimates: a score, or a paired difference of scores, with its interval.
//!
//! The estimand is the mean score over training seeds. Its variance has two parts: the variance of the seed mean over
//! test examples (or whole clusters), and the between-seed variance divided by the number of seeds, one such term per
//! side of a difference: seeds are independent, not paired. What the test examples themselves make seeds differ by is
//! taken off the second, being in the first. How an interval is made of them stands in `methods.rs`.

use crate::interval::t_tail;
use crate::methods::{IntervalMethod, Question, interval_of};
use crate::metric::Metric;
use crate::scale::Scale;
use crate::side::Side;
use crate::truth::{InputError, Truth};
use thiserror::Error;

/// Fewer replicates give no useful variance.
const FEWEST_REPLICATES: usize = 100;

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
    check(truth, resampling)?;
    let side = Side::prepare(metric, truth, outputs_by_seed, 1.0)?;
    interval_of(
        &Question { metric, truth, sides: &[side], range: metric.range, scale: metric.scale },
        resampling,
    )
}

/// The model's mean score minus the baseline's on the same examples, positive where the model is better.
///
/// Where both sides hold the same outputs the difference is exactly 0 with the interval \[0, 0\] (method
/// `identical-predictions`).
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
    check(truth, resampling)?;
    let orientation = if metric.higher_is_better { 1.0 } else { -1.0 };
    let named = |name: &'static str| {
        move |error| match error {
            NoEstimate::Undefined { reason } => NoEstimate::Undefined { reason: format!("{name}: {reason}") },
            other => other,
        }
    };
    let model_side = Side::prepare(metric, truth, model, orientation).map_err(named("model"))?;
    let baseline_side = Side::prepare(metric, truth, baseline, -orientation).map_err(named("baseline"))?;
    if model == baseline {
        return Ok(Difference { estimate: identical(truth, model.len(), resampling) });
    }
    let width = metric.range.1 - metric.range.0;
    let sides = [model_side, baseline_side];
    let range = (-width, width);
    let estimate =
        interval_of(&Question { metric, truth, sides: &sides, range, scale: Scale::Plain }, resampling)?;
    Ok(Difference { estimate })
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

fn check(truth: &Truth<'_>, resampling: &Resampling<'_>) -> Result<(), InputError> {
    let Resampling { replicates, clusters, level, .. } = *resampling;
    if replicates < FEWEST_REPLICATES {
        return Err(InputError::Replicates { replicates });
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(InputError::Level { level });
    }
    match clusters {
        Some(clusters) if clusters.len() != truth.n_examples() => {
            Err(InputError::Clusters { expected: truth.n_examples(), got: clusters.len() })
        }
        _ => Ok(()),
    }
}

fn identical(truth: &Truth<'_>, n_seeds: usize, resampling: &Resampling<'_>) -> Estimate {
    let n = truth.known_rows().len();
    Estimate {
        point: 0.0,
        lower: 0.0,
        upper: 0.0,
        level: resampling.level,
        method: "identical-predictions".to_owned(),
        n,
        n_seeds,
        standard_error: 0.0,
        degrees_of_freedom: n.saturating_sub(1) as f64,
        flags: Vec::new(),
    }
}
