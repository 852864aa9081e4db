//! Estimates: a score, or a paired difference of scores, with its interval.
//!
//! The estimand is the mean score over training seeds. Its variance has two parts: the variance of the seed mean over
//! test examples (or whole clusters), and the between-seed variance divided by the number of seeds, one such term per
//! side of a difference: seeds are independent, not paired. What the test examples themselves make seeds differ by is
//! taken off the second, being in the first. How an interval is made of them stands in `methods.rs`.

use crate::intervals::methods::{Question, interval_of};
use crate::intervals::seeded_scores::Side;
use crate::intervals::types::{Difference, Estimate, NoEstimate, Resampling};
use crate::metrics::metric::Metric;
use crate::metrics::scale::Scale;
use crate::metrics::truth::{InputError, Truth};

/// Fewer replicates give no useful variance.
const FEWEST_REPLICATES: usize = 100;

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
