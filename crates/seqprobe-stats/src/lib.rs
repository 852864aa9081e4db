//! Metrics, estimates, bootstrap, paired comparisons and verdicts, on slices.
//!
//! [`metric`] finds a [`Metric`] by its identifier; [`Metric::score`] gives a bare score, [`estimate`] a score
//! with its interval, [`compare`] a difference with its interval, [`verdict`] what the differences mean.
//! What has no value is an error with a plain reason, never NaN and never 0.
//!
//! Nothing here reads a file, fits a model or knows a sequence, and nothing fails for outside reasons.

mod bootstrap;
mod decisions;
mod estimate;
mod holm;
mod interval;
mod metric;
mod numbers;
mod poisson;
mod probabilities;
#[cfg(test)]
mod properties;
mod ranking;
mod sample_size;
mod truth;
mod unpaired;
pub mod verdict;
mod weighted;

/// Raised when the same inputs would give another interval or p value; part of the key of stored scores.
///
/// 2: replicates drawn sixteen at a time.
pub const INTERVALS_VERSION: u32 = 2;

pub use estimate::{Difference, Estimate, NoEstimate, Resampling, compare, estimate};
pub use holm::holm;
pub use metric::{METRICS, Metric, Needs, TargetScores, metric};
pub use truth::{InputError, Truth, Undefined};
pub use unpaired::{KnownInterval, unpaired};
