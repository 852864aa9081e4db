//! Significance tests, corrections for several tests, and the verdicts made of paired differences.

pub(crate) mod corrections;
pub(crate) mod delong_test;
pub(crate) mod floors;
pub(crate) mod permutation;
pub(crate) mod power;
pub(crate) mod resampled_t;
pub(crate) mod suite_ranks;
pub(crate) mod unpaired;
pub mod verdict;
pub(crate) mod wilcoxon;
