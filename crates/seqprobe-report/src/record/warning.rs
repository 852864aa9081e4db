//! What readers must know before the scores, and what the controls show, as data. [`crate::warning_text`] and
//! [`crate::gain_text`] make the sentences.

use super::cell_id::CellId;
use super::score::EstimateRecord;
use seqprobe_core::Split;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A warning of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", remote = "Self")]
pub enum Warning {
    /// Cells failed.
    CellsFailed {
        /// Failed cells.
        failed: usize,
        /// All cells.
        cells: usize,
    },
    /// A probe that was fitted to shuffled labels scores above chance: something other than the labels is learned.
    ShuffledLabelsAboveChance {
        /// The cell.
        cell: CellId,
        /// Primary metric.
        metric: String,
        /// Its score.
        score: EstimateRecord,
    },
    /// A probe that was fitted to shuffled labels is better than a constant prediction.
    ShuffledLabelsAboveConstant {
        /// The cell.
        cell: CellId,
        /// The paired difference, positive if the cell is better.
        difference: PairedDifference,
    },
    /// A model is not clearly better than some of its controls.
    ControlsNotBeaten {
        /// Dataset.
        dataset: String,
        /// Model.
        model: String,
        /// The model's probe.
        probe: String,
        /// The controls.
        controls: Vec<ControlComparison>,
    },
    /// All test predictions of a cell are the same.
    ConstantPredictions {
        /// The cell.
        cell: CellId,
    },
    /// Fits whose optimiser did not meet its criterion.
    NotConverged {
        /// The cell.
        cell: CellId,
        /// Fits that did not converge.
        open: usize,
        /// All fits.
        fits: usize,
    },
    /// A remark of a fit.
    FitRemark {
        /// The cell.
        cell: CellId,
        /// The remark of the probe or of the extraction.
        text: String,
    },
    /// Sequences of a split that are also in the training split, on either strand.
    SharedWithTrain {
        /// Dataset.
        dataset: String,
        /// The split.
        split: Split,
        /// Rows whose sequence is in train.
        shared: usize,
        /// Rows of the split.
        rows: usize,
    },
    /// Rows of a split that have a near-duplicate in the training split.
    NearDuplicatesInTrain {
        /// Dataset.
        dataset: String,
        /// The split.
        split: Split,
        /// Rows with a near-duplicate, without copies.
        near: usize,
        /// Rows of the split.
        rows: usize,
    },
    /// Bases that are not A, C, G or T.
    AmbiguousBases {
        /// Dataset.
        dataset: String,
        /// How many.
        bases: u64,
    },
    /// The primary score on test is a mean that leaves targets or classes out: their true values are all the same.
    PartialMean {
        /// Dataset.
        dataset: String,
        /// Primary metric.
        metric: String,
        /// Targets or classes in the mean.
        scored: usize,
        /// All of them.
        of: usize,
        /// `targets` or `classes`.
        what: String,
        /// Those left out.
        left_out: Vec<String>,
    },
    /// A sentence of a run that a version before 0.1 wrote.
    Text {
        /// The sentence.
        text: String,
    },
}

/// A control that a model is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// Random initialisations of the model's architecture.
    RandomInit,
    /// Base composition and length.
    Composition,
    /// The model's features, fitted to shuffled labels.
    ShuffledLabels,
}

/// The difference between a model and one control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlComparison {
    /// Which control.
    pub control: ControlKind,
    /// The control's probe.
    pub probe: String,
    /// Model minus control.
    pub difference: PairedDifference,
}

/// A paired difference of two cells on the test examples, with its 95% interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// Metric identifier.
    pub metric: String,
    /// The difference; positive if the first cell is better, for metrics of both directions.
    pub point: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

/// A model that is clearly better than its random initialisations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", remote = "Self")]
pub enum Gain {
    /// The comparison.
    OverRandomInit {
        /// Model.
        model: String,
        /// The model's probe.
        probe: String,
        /// The probe of the random initialisations.
        control_probe: String,
        /// Model minus random initialisations.
        difference: PairedDifference,
    },
    /// A sentence of a run that a version before 0.1 wrote.
    Text {
        /// The sentence.
        text: String,
    },
}

/// A tagged object, or on reading a sentence of an older version.
macro_rules! data_or_sentence {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $name::serialize(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match serde_json::Value::deserialize(deserializer)? {
                    serde_json::Value::String(text) => Ok(Self::Text { text }),
                    value => $name::deserialize(value).map_err(de::Error::custom),
                }
            }
        }
    };
}

data_or_sentence!(Warning);
data_or_sentence!(Gain);
