//! Estimates: a score, or a paired difference of scores, with its interval.
//!
//! The estimand is the mean score over training seeds. Its variance has two parts: the bootstrap variance of
//! the seed mean over test examples (or whole clusters), and the between-seed variance divided by the number of
//! seeds, one such term per side of a difference: seeds are independent, not paired. The interval is
//! Student's, with Satterthwaite's degrees of freedom.

use crate::bootstrap::{Drawn, Resampler};
use crate::interval::{VarianceTerm, no_variance_half_width, satterthwaite, t_quantile, t_tail};
use crate::metric::Metric;
use crate::sample_size::SampleSize;
use crate::truth::{InputError, Truth, Undefined};
use crate::weighted::{LANES, MacroMean, RowWeights, Scores, finite_scores};
use rayon::prelude::*;
use thiserror::Error;

/// Fewer replicates give no useful variance.
const FEWEST_REPLICATES: usize = 100;
/// Share of undefined replicates above which there is no interval.
const MOST_UNDEFINED: f64 = 0.01;
/// Replicates that differ by less than this share of the score differ by rounding only.
const ROUNDING: f64 = 1e-12;

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
    check(truth, resampling)?;
    let side = Side::prepare(metric, truth, outputs_by_seed, 1.0)?;
    interval_of(metric, truth, &[side], metric.range, resampling)
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
    let estimate = interval_of(metric, truth, &sides, (-width, width), resampling)?;
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

/// One side of a comparison, or the only one of an estimate: prepared once per seed.
struct Side {
    seeds: Vec<(MacroMean, f64)>,
    sign: f64,
}

impl Side {
    fn prepare(
        metric: &Metric,
        truth: &Truth<'_>,
        outputs_by_seed: &[&[f64]],
        sign: f64,
    ) -> Result<Self, NoEstimate> {
        let n_seeds = outputs_by_seed.len();
        let prepare = |(seed, outputs): (usize, &&[f64])| {
            metric.prepare(truth, outputs).map_err(|undefined| match undefined {
                Undefined::Input(error) => NoEstimate::Input(error),
                cause if n_seeds == 1 => NoEstimate::Undefined { reason: cause.to_string() },
                cause => NoEstimate::Undefined { reason: format!("seed {} of {n_seeds}: {cause}", seed + 1) },
            })
        };
        let seeds: Vec<_> = outputs_by_seed.iter().enumerate().map(prepare).collect::<Result<_, _>>()?;
        if seeds.is_empty() { Err(InputError::NoSeeds.into()) } else { Ok(Self { seeds, sign }) }
    }

    fn signed_mean(&self) -> f64 {
        self.sign * self.seeds.iter().map(|(_, point)| point).sum::<f64>() / self.seeds.len() as f64
    }

    /// Adds the signed seed mean of each replicate to `sums`.
    fn add_replicates(&self, weights: &[RowWeights], sums: &mut Scores) {
        let share = self.sign / self.seeds.len() as f64;
        for (prepared, _) in &self.seeds {
            for (sum, score) in sums.iter_mut().zip(finite_scores(prepared, weights)) {
                match (sum.as_mut(), score) {
                    (Ok(sum), Ok(score)) => *sum += share * score,
                    (Ok(_), Err(cause)) => *sum = Err(cause),
                    (Err(_), _) => (),
                }
            }
        }
    }

    /// Between-seed variance over the number of seeds; `None` for a single seed.
    fn seed_term(&self) -> Option<VarianceTerm> {
        let n_seeds = self.seeds.len() as f64;
        let points: Vec<f64> = self.seeds.iter().map(|(_, point)| *point).collect();
        (points.len() > 1).then(|| VarianceTerm {
            variance: sample_variance(&points) / n_seeds,
            degrees_of_freedom: n_seeds - 1.0,
        })
    }

    fn largest_score(&self) -> f64 {
        self.seeds.iter().map(|(_, point)| point.abs()).fold(0.0, f64::max)
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

fn interval_of(
    metric: &Metric,
    truth: &Truth<'_>,
    sides: &[Side],
    range: (f64, f64),
    resampling: &Resampling<'_>,
) -> Result<Estimate, NoEstimate> {
    let point = sides.iter().map(Side::signed_mean).sum();
    let no_interval = |reason: String| NoEstimate::NoInterval { point, reason };
    let resampler = Resampler::new(truth, resampling.clusters, resampling.seed);
    // Which targets count depends on the truth alone, so any side and seed tells.
    let targets: Vec<usize> = sides[0].seeds[0].0.columns.iter().map(|(target, _)| *target).collect();
    let size = SampleSize::of(truth, &targets, &resampler);
    if let Some(reason) = size.too_small() {
        return Err(no_interval(reason));
    }
    let mut flags = size.flags();

    let replicates = replicate_scores(sides, &resampler, resampling.replicates);
    let n_undefined = replicates.iter().filter(|score| score.is_err()).count();
    if n_undefined > 0 {
        flags.push("undefined-replicates");
    }
    if n_undefined as f64 > MOST_UNDEFINED * resampling.replicates as f64 {
        let first = replicates.iter().find_map(|score| score.as_ref().err());
        let first = first.map_or_else(String::new, ToString::to_string);
        let n = resampling.replicates;
        return Err(no_interval(format!("{n_undefined} of {n} bootstrap replicates are undefined: {first}")));
    }
    let scores: Vec<f64> = replicates.into_iter().filter_map(Result::ok).collect();

    let degrees_of_freedom = size.degrees_of_freedom();
    let largest_score = sides.iter().map(Side::largest_score).fold(0.0, f64::max);
    let (variance, method) = if spread(&scores) > ROUNDING * largest_score {
        (sample_variance(&scores) * size.variance_factor(), size.method())
    } else if metric.like_a_proportion {
        flags.push("no-variance");
        let half_width = no_variance_half_width(resampling.level, size.smallest_group, metric.range);
        let quantile = t_quantile(resampling.level, degrees_of_freedom);
        ((half_width / quantile).powi(2), "t-no-variance-bound")
    } else {
        let reason = "all bootstrap replicates give the same score, so they do not say how sure it is";
        return Err(no_interval(reason.to_owned()));
    };

    let mut terms = vec![VarianceTerm { variance, degrees_of_freedom }];
    terms.extend(sides.iter().filter_map(Side::seed_term));
    let (standard_error, degrees_of_freedom) = satterthwaite(&terms);
    let half_width = t_quantile(resampling.level, degrees_of_freedom) * standard_error;
    if !half_width.is_finite() {
        return Err(no_interval("the variance is too large for a 64-bit number".to_owned()));
    }
    Ok(Estimate {
        point,
        lower: (point - half_width).max(range.0),
        upper: (point + half_width).min(range.1),
        level: resampling.level,
        method,
        n: size.n_examples,
        n_seeds: sides.iter().map(|side| side.seeds.len()).min().unwrap_or(0),
        standard_error,
        degrees_of_freedom,
        flags,
    })
}

fn replicate_scores(
    sides: &[Side],
    resampler: &Resampler,
    n_replicates: usize,
) -> Vec<Result<f64, Undefined>> {
    let group = |drawn: &mut Drawn, group: usize| {
        resampler.draw(group, drawn);
        let mut sums: Scores = std::array::from_fn(|_| Ok(0.0));
        for side in sides {
            side.add_replicates(&drawn.weights, &mut sums);
        }
        sums
    };
    let n_groups = n_replicates.div_ceil(LANES);
    let groups: Vec<Scores> = (0..n_groups).into_par_iter().map_init(Drawn::default, group).collect();
    groups.into_iter().flatten().take(n_replicates).collect()
}

fn identical(truth: &Truth<'_>, n_seeds: usize, resampling: &Resampling<'_>) -> Estimate {
    let n = truth.known_rows().len();
    Estimate {
        point: 0.0,
        lower: 0.0,
        upper: 0.0,
        level: resampling.level,
        method: "identical-predictions",
        n,
        n_seeds,
        standard_error: 0.0,
        degrees_of_freedom: n.saturating_sub(1) as f64,
        flags: Vec::new(),
    }
}

fn sample_variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)
}

fn spread(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    largest - smallest
}
