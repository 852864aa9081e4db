//! Why a linear model could not be fitted.

use seqprobe_core::ProbeError;
use thiserror::Error;

/// A linear model that cannot be fitted.
#[derive(Debug, Error)]
pub enum LinearError {
    /// A penalty that leaves the optimum undefined.
    #[error(
        "penalty {0} is not a positive number\n  hint: give penalties above 0, for example [0.01, 1, 100]"
    )]
    Penalty(f64),
    /// No penalty at all.
    #[error("the list of penalties is empty\n  hint: give at least one, for example [1]")]
    NoPenalty,
    /// Different numbers of rows of features and of targets.
    #[error("{records} rows of features but {targets} rows of targets")]
    Rows {
        /// Rows of features.
        records: usize,
        /// Rows of targets.
        targets: usize,
    },
    /// A label outside the classes, or fewer than two classes that occur.
    #[error("{0}")]
    Classes(String),
    /// A feature or target that is not finite.
    #[error("{what} at row {row}, column {column} is {value}, not a finite number")]
    NotFinite {
        /// Feature or target.
        what: &'static str,
        /// 0-based row.
        row: usize,
        /// 0-based column.
        column: usize,
        /// The value.
        value: f64,
    },
    /// A numerical failure.
    #[error("{0}")]
    Numeric(String),
    /// Features could not be read.
    #[error(transparent)]
    Features(#[from] seqprobe_core::FeatureError),
    /// linfa failed.
    #[error(transparent)]
    Linfa(#[from] linfa::Error),
}

impl From<LinearError> for ProbeError {
    fn from(error: LinearError) -> Self {
        match error {
            LinearError::NotFinite { .. } => Self::NotFinite(error.to_string()),
            LinearError::Features(error) => Self::Features(error),
            other => Self::Solver(other.to_string()),
        }
    }
}
