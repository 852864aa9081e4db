//! One fit of a probe: one seed on one draw, with its predictions; or why there is none.

use ndarray::Array2;
use seqprobe_core::{ProbeError, StoredProbe};
use seqprobe_report::record::SeedFit;

/// One fit and what it predicts.
pub(crate) struct OneFit {
    pub(crate) fit: SeedFit,
    /// `[valid examples, outputs]`
    pub(crate) valid: Array2<f64>,
    /// `[test examples, outputs]`
    pub(crate) test: Array2<f64>,
    pub(crate) probe: StoredProbe,
}

/// Why a cell has no result.
#[derive(Clone, Debug)]
pub(crate) enum Unfitted {
    /// The combination cannot exist, which showed only when its features were there.
    NotApplicable(String),
    /// It should have been fitted.
    Failed(String),
}

impl Unfitted {
    /// A failure with its reason.
    pub(crate) fn failed(reason: impl std::fmt::Display) -> Self {
        Self::Failed(reason.to_string())
    }
}

impl From<ProbeError> for Unfitted {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Length(reason) => Self::NotApplicable(reason),
            other => Self::failed(other),
        }
    }
}
