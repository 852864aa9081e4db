//! Points of diagnostic curves: ROC, precision-recall and calibration of binary probes, confusion of classes, predicted
//! against true values; and the ranks of representations over the suite. Verdicts do not use them.

use super::cell::Role;
use super::cell_id::CellId;
use serde::{Deserialize, Serialize};

/// The diagnostic curves of one cell on test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// The cell.
    pub cell: CellId,
    /// Its role.
    pub role: Role,
    /// Number of seeds; the points are means over them.
    pub n_seeds: usize,
    /// The points.
    pub shown: DiagnosticData,
}

/// The points, by kind of task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum DiagnosticData {
    /// Two classes.
    Binary {
        /// False positive rate and the mean over seeds of the true positive rate there.
        roc: Vec<[f64; 2]>,
        /// Recall and the mean over seeds of the precision there.
        precision_recall: Vec<[f64; 2]>,
        /// Share of positives: the precision of random predictions.
        share_positive: f64,
        /// Ranges of predicted probability.
        calibration: Vec<CalibrationPoint>,
        /// Mean over seeds of the examples by true class (rows) and decided class, at a probability of 0.5.
        confusion: Vec<Vec<f64>>,
    },
    /// More classes.
    Multiclass {
        /// Mean over seeds of the examples by true class (rows) and most probable class.
        confusion: Vec<Vec<f64>>,
    },
    /// Numbers.
    Regression {
        /// The target, the first of the dataset.
        target: String,
        /// True value and mean prediction over seeds; an even sample if there are many examples.
        points: Vec<[f64; 2]>,
        /// Examples with a known value.
        n: usize,
    },
}

impl DiagnosticData {
    /// All numbers.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Binary { roc, precision_recall, share_positive, calibration, confusion } => {
                let curves = roc.iter().chain(precision_recall).flatten().copied();
                let bins =
                    calibration.iter().flat_map(|bin| [bin.predicted, bin.observed, bin.lower, bin.upper]);
                curves
                    .chain(bins)
                    .chain([*share_positive])
                    .chain(confusion.iter().flatten().copied())
                    .collect()
            }
            Self::Multiclass { confusion } => confusion.iter().flatten().copied().collect(),
            Self::Regression { points, .. } => points.iter().flatten().copied().collect(),
        }
    }
}

/// A range of predicted probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPoint {
    /// Mean predicted probability.
    pub predicted: f64,
    /// Share of positives.
    pub observed: f64,
    /// Lower end of its 95% interval.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
    /// Predictions, over all seeds.
    pub n: usize,
}

/// Ranks of representations over the datasets of a suite, each with the probe that validation chooses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankRecord {
    /// The representations that every dataset scored.
    pub representations: Vec<String>,
    /// Average rank of each, 1 is best; equal scores share their mean rank.
    pub average_ranks: Vec<f64>,
    /// Datasets.
    pub n_datasets: usize,
    /// p value of Friedman's test of no difference in ranks.
    pub friedman_p: f64,
    /// Nemenyi's critical difference at 5%: average ranks closer than this do not differ significantly.
    pub critical_difference: f64,
    /// Groups, as indices into `representations`, that do not differ significantly.
    pub groups: Vec<Vec<usize>>,
    /// Wilcoxon's signed-rank test of each pair over datasets, Holm over the pairs: indices and p value.
    pub pairs: Vec<(usize, usize, f64)>,
    /// A remark if the exact test cannot find a significant pair with any scores.
    pub note: Option<String>,
}
