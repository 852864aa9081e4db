//! Metrics, estimates, bootstrap, paired comparisons and verdicts, on slices.
//!
//! [`metric`] finds a [`Metric`] by its identifier; [`Metric::score`] gives a bare score, [`estimate`] a score
//! with its interval, [`compare`] a difference with its interval, [`verdict`] what the differences mean.
//! What has no value is an error with a plain reason, never NaN and never 0.
//!
//! Nothing here reads a file, fits a model or knows a sequence, and nothing fails for outside reasons.

mod bca;
mod bootstrap;
mod corrections;
mod curves;
mod decisions;
mod delong;
mod estimate;
mod floors;
mod interval;
mod methods;
mod metric;
mod numbers;
mod permutation;
mod poisson;
mod probabilities;
#[cfg(test)]
mod properties;
mod ranking;
mod resampled_t;
mod sample_size;
mod scale;
mod side;
mod suite_ranks;
mod truth;
mod unpaired;
pub mod verdict;
mod weighted;
mod wilcoxon;

/// Raised when the same inputs would give another interval or p value; part of the key of stored scores.
///
/// 2: replicates drawn sixteen at a time. 3: scales that bend with a score's bounds; logit-DeLong for AUROC; the spread of seeds less what the
/// examples make of it.
pub const INTERVALS_VERSION: u32 = 4;

pub use corrections::{benjamini_hochberg, holm};
pub use curves::{CalibrationBin, calibration, precision_at, roc_at};
pub use delong::{DeLong, delong_test};
pub use estimate::{Difference, Estimate, NoEstimate, Resampling, compare, estimate};
pub use floors::{floor_note, paired_floor, rank_sum_floor};
pub use methods::IntervalMethod;
pub use metric::{METRICS, Metric, Needs, TargetScores, metric};
pub use permutation::{PermutationTest, permutation_test};
pub use resampled_t::{ResampledT, corrected_resampled_t};
pub use suite_ranks::{PairTest, RankSummary, nemenyi_difference, rank_methods};
pub use truth::{InputError, Truth, Undefined};
pub use unpaired::{KnownInterval, unpaired};
pub use wilcoxon::{MOST_EXACT, SignTest, mcnemar, wilcoxon_signed_rank};
