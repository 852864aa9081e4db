//! What a reader must know before believing a verdict, as data. The sentence of the verdict says it, and `verdicts.csv`
//! has a column for it.

use super::warning::{ControlComparison, ControlKind};
use serde::{Deserialize, Serialize};

/// Something that qualifies a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Qualification {
    /// An interval of its comparisons has a flag.
    Interval {
        /// The flag: `few-examples`, `few-clusters`, `dominant-cluster`, `heavy-tails`, `no-variance`,
        /// `undefined-replicates`.
        flag: String,
    },
    /// Test rows that are also in train, on either strand.
    CopiesInTrain {
        /// Test rows with a copy.
        copies: usize,
        /// All test rows.
        rows: usize,
    },
    /// Test rows that have a near-duplicate in train.
    NearDuplicatesInTrain {
        /// Test rows with a near-duplicate.
        near: usize,
        /// All test rows.
        rows: usize,
    },
    /// The model is not clearly better than one of its controls.
    Control {
        /// The control with the difference.
        comparison: ControlComparison,
    },
    /// A probe that was fitted to shuffled labels scores better than chance on this dataset.
    ShuffledLabels,
}

impl Qualification {
    /// The word in `verdicts.csv`.
    pub fn word(&self) -> &str {
        match self {
            Self::Interval { flag } => flag,
            Self::CopiesInTrain { .. } => "copies-in-train",
            Self::NearDuplicatesInTrain { .. } => "near-duplicates-in-train",
            Self::Control { comparison } => match comparison.control {
                ControlKind::RandomInit => "random-initialisation",
                ControlKind::Composition => "composition",
                ControlKind::ShuffledLabels => "shuffled-labels",
            },
            Self::ShuffledLabels => "shuffled-labels-above-chance",
        }
    }
}
