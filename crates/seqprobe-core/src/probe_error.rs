//! Why a probe could not be fitted, applied or restored.

use crate::features::FeatureError;
use thiserror::Error;

/// Why a probe could not be fitted or applied.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// Features could not be read.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// This probe cannot be fitted on such features or such a task.
    #[error("not applicable: {0}")]
    NotApplicable(String),
    /// The probe needs rows of one length, and these differ in length or are too short. A cell of a run is then not
    /// applicable; it has not failed.
    #[error("not applicable: {0}")]
    Length(String),
    /// Only one class is present where two are needed.
    #[error(
        "the {split} split holds only class {class:?}\n  hint: a classifier needs examples of at least two classes"
    )]
    OneClass {
        /// Which split.
        split: &'static str,
        /// The one class.
        class: String,
    },
    /// A target has too few known values.
    #[error("target {target:?} has {n} known values in the {split} split, needs at least {needed}")]
    TooFewTargets {
        /// The target.
        target: String,
        /// Which split.
        split: &'static str,
        /// Known values.
        n: usize,
        /// Values needed.
        needed: usize,
    },
    /// Features or parameters are not finite.
    #[error("{0}")]
    NotFinite(String),
    /// Numerical failure of the solver.
    #[error("the solver failed: {0}")]
    Solver(String),
    /// Features of a different width than those fitted on.
    #[error("features have {got} values per row, the probe was fitted on {expected}")]
    Width {
        /// Values fitted on.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// A stored probe that cannot be restored.
    #[error("stored probe cannot be restored: {0}")]
    Stored(String),
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(String),
}
