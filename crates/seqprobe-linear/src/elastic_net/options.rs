//! Who solves the optimisation of an elastic net.

use serde::Deserialize;

/// Who solves the optimisation of an elastic net.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SparseSolver {
    /// This crate's coordinate descent.
    Exact,
    /// linfa-elasticnet's; regression only.
    Linfa,
}

impl SparseSolver {
    /// The word used in suites and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Linfa => "linfa",
        }
    }
}
