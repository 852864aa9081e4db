//! Metrics, estimates, bootstrap, paired comparisons and verdicts, on slices.
//!
//! [`metric`] finds a [`Metric`] by its identifier; [`Metric::score`] gives a bare score, [`estimate`] a score
//! with its interval, [`compare`] a difference with its interval, [`verdict`] what the differences mean.
//! What has no value is an error with a plain reason, never NaN and never 0.
//!
//! Nothing here reads a file, fits a model or knows a sequence, and nothing fails for outside reasons.

mod intervals;
mod metrics;
mod tests_and_verdicts;

/// Raised when the same inputs would give another interval or p value; part of the key of stored scores.
///
/// 2: replicates drawn sixteen at a time. 3: scales that bend with a score's bounds; logit-DeLong for AUROC; the spread of seeds less what the
/// examples make of it.
pub const INTERVALS_VERSION: u32 = 4;

pub use intervals::estimate::{compare, estimate};
pub use intervals::types::{Difference, Estimate, IntervalMethod, NoEstimate, Resampling};
pub use metrics::curves::{CalibrationBin, calibration, precision_at, roc_at};
pub use metrics::metric::{METRICS, Metric, Needs, TargetScores, metric};
pub use metrics::truth::{InputError, Truth, Undefined};
pub use tests_and_verdicts::corrections::{benjamini_hochberg, holm};
pub use tests_and_verdicts::delong_test::{DeLong, delong_test};
pub use tests_and_verdicts::floors::{floor_note, paired_floor, rank_sum_floor};
pub use tests_and_verdicts::permutation::{PermutationTest, permutation_test};
pub use tests_and_verdicts::resampled_t::{ResampledT, corrected_resampled_t};
pub use tests_and_verdicts::suite_ranks::{PairTest, RankSummary, nemenyi_difference, rank_methods};
pub use tests_and_verdicts::unpaired::{KnownInterval, unpaired};
pub use tests_and_verdicts::verdict;
pub use tests_and_verdicts::wilcoxon::{MOST_EXACT, SignTest, mcnemar, wilcoxon_signed_rank};
