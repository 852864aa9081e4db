//! From predictions to verdicts: scores, paired comparisons, control checks, warnings.

pub(crate) mod control_checks;
pub(crate) mod diagnostics;
pub(crate) mod filled_cell;
pub(crate) mod independent_units;
pub(crate) mod model_pairs;
pub(crate) mod partial_means;
pub(crate) mod qualifications;
pub(crate) mod score;
mod significance_tests;
pub(crate) mod truth;
pub(crate) mod verdicts;
pub(crate) mod warnings;
