//! Metrics, estimates, bootstrap, paired comparisons and verdicts, on slices.
//!
//! [`metric()`] finds a [`Metric`] by its identifier. [`Metric::score`] returns a bare score, [`estimate()`] a score
//! with its interval, [`compare()`] a paired difference with its interval. [`verdict::judge`] decides from
//! differences whether a model beats its baselines. An undefined number is an error with its reason, never NaN and
//! never 0.
//!
//! This crate reads no files, fits no models and does not know sequences. Its functions depend on their arguments only.

mod intervals;
mod metrics;
mod tests_and_verdicts;

/// Raised when the same inputs give a different interval or p value. Part of the key of stored scores.
///
/// - 2: replicates are drawn in groups of sixteen.
/// - 3: intervals of single scores are computed on scales that respect the score's bounds; AUROC uses logit-DeLong;
///   the part of the seed variance that test examples explain is subtracted.
/// - 4: in differences, the degrees of freedom of seeds use the geometric mean of the corrected and the uncorrected
///   variance.
/// - 5: unequal clusters count as their effective number; clusters of one class each are drawn class by class; clusters
///   are numbered by their first row.
pub const INTERVALS_VERSION: u32 = 5;

pub use intervals::estimate::{compare, estimate};
pub use intervals::types::{Difference, Estimate, IntervalMethod, NoEstimate, Resampling};
pub use metrics::curves::{CalibrationBin, calibration, precision_at, roc_at};
pub use metrics::errors::{InputError, Undefined};
pub use metrics::metric::{MarginScale, Metric, MetricTask, TargetScores};
pub use metrics::registry::{METRICS, metric};
pub use metrics::truth::Truth;
pub use tests_and_verdicts::corrections::{benjamini_hochberg, holm};
pub use tests_and_verdicts::delong_test::{DeLong, delong_test};
pub use tests_and_verdicts::floors::{floor_note, paired_floor, rank_sum_floor};
pub use tests_and_verdicts::permutation::{PermutationTest, permutation_test};
pub use tests_and_verdicts::power::{Power, power};
pub use tests_and_verdicts::resampled_t::{ResampledT, corrected_resampled_t};
pub use tests_and_verdicts::suite_ranks::{PairTest, RankSummary, nemenyi_difference, rank_methods};
pub use tests_and_verdicts::unpaired::{KnownInterval, unpaired};
pub use tests_and_verdicts::verdict;
pub use tests_and_verdicts::wilcoxon::{MAX_EXACT, SignTest, mcnemar, wilcoxon_signed_rank};
