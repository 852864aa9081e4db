//! Scores of a cell: a number with its uncertainty, or the reason there is none.

use super::word::as_word;
use seqprobe_core::Split;
use seqprobe_stats::{Estimate, NoEstimate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One score of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreRecord {
    /// `valid` or `test`.
    pub split: Split,
    /// Target column, or `macro` for the mean over the defined targets of a multi-target task.
    pub target: ScoredTarget,
    /// Metric identifier.
    pub metric: String,
    /// True for the dataset's primary metric.
    pub primary: bool,
    /// Examples scored.
    pub n: usize,
    /// The number with its uncertainty, or why there is none.
    pub value: ScoreValue,
}

/// What a score or a verdict is about: one target, or the mean over all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScoredTarget {
    /// The mean over the defined targets of a multi-target task; `macro` in files.
    Macro,
    /// One target column.
    Column(String),
}

impl ScoredTarget {
    /// The word in files.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Macro => "macro",
            Self::Column(name) => name,
        }
    }
}

impl From<String> for ScoredTarget {
    fn from(word: String) -> Self {
        if word == "macro" { Self::Macro } else { Self::Column(word) }
    }
}

as_word!(ScoredTarget);

/// A score or the reason there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum ScoreValue {
    /// Point and interval.
    Estimate(EstimateRecord),
    /// The point is defined, its interval is not.
    PointOnly {
        /// Mean over seeds.
        point: f64,
        /// Why there is no interval.
        reason: String,
    },
    /// Undefined.
    Undefined {
        /// Why.
        reason: String,
    },
}

impl From<Result<Estimate, NoEstimate>> for ScoreValue {
    fn from(result: Result<Estimate, NoEstimate>) -> Self {
        match result {
            Ok(estimate) => Self::Estimate(EstimateRecord {
                point: estimate.point,
                lower: estimate.lower,
                upper: estimate.upper,
                level: estimate.level,
                method: estimate.method,
                flags: estimate.flags.into_iter().map(str::to_owned).collect(),
                standard_error: Some(estimate.standard_error),
                // Infinite degrees of freedom are those of a normal distribution; JSON has no infinite numbers.
                degrees_of_freedom: estimate
                    .degrees_of_freedom
                    .is_finite()
                    .then_some(estimate.degrees_of_freedom),
            }),
            Err(NoEstimate::NoInterval { point, reason }) => Self::PointOnly { point, reason },
            Err(NoEstimate::Undefined { reason }) => Self::Undefined { reason },
            Err(NoEstimate::Input(error)) => Self::Undefined { reason: error.to_string() },
        }
    }
}

/// A point with its interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimateRecord {
    /// Mean over seeds.
    pub point: f64,
    /// Lower end.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Level, 0.95.
    pub level: f64,
    /// How the interval was made.
    pub method: String,
    /// Flags such as `few-examples`.
    pub flags: Vec<String>,
    /// Standard error of the point; `None` in records of versions that did not store it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// Degrees of freedom of the interval; `None` for those of a normal distribution, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degrees_of_freedom: Option<f64>,
}
