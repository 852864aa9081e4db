//! Predictions of a cell, example by example. Paired tests and the gate are computed from them.
//!
//! One Parquet file per cell with the columns `example_id,split,target,output,truth,prediction,seed,cluster`, one row
//! per split, seed, example and output, in that order of nesting. In memory the same is kept by column, and
//! identifiers and true values are shared between the cells of a dataset.

use crate::record::CellId;
use seqprobe_core::digest::DigestBuilder;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Predictions of one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct CellPredictions {
    /// The cell.
    pub cell: CellId,
    /// Names of the output columns, in output order.
    pub outputs: Vec<OutputName>,
    /// One for each scored split.
    pub splits: Vec<SplitPredictions>,
}

/// The meaning of a column of predictions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputName {
    /// Target column.
    pub target: String,
    /// Class whose probability it is; the target's own name for regression and multilabel.
    pub output: String,
}

/// Predictions on one split.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitPredictions {
    /// `valid` or `test`.
    pub split: String,
    /// Identifiers of the examples.
    ///
    /// # Shapes
    /// `[examples]`
    pub example_ids: Arc<[String]>,
    /// The true value of each output, row-major: 1 or 0 for a probability, the value for regression, `None`
    /// if the target is missing.
    ///
    /// # Shapes
    /// `[examples, outputs]`
    pub truth: Arc<[Option<f64>]>,
    /// One for each fitted seed.
    pub seeds: Vec<SeedPredictions>,
    /// Bootstrap cluster of each example, if the dataset has groups or chromosomes; the intervals of a comparison need
    /// it.
    ///
    /// # Shapes
    /// `[examples]`
    pub clusters: Option<Arc<[u32]>>,
}

/// Predictions of the fit of one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedPredictions {
    /// The suite's seed.
    pub seed: u64,
    /// Predictions, row-major.
    ///
    /// # Shapes
    /// `[examples, outputs]`
    pub values: Vec<f64>,
}

/// Name of a cell's file within `predictions/`: the readable parts of its name, and a digest that differs between
/// cells.
pub fn predictions_file_name(cell: &CellId) -> String {
    let mut digest = DigestBuilder::new("seqprobe-cell-file");
    let (dataset, representation) = (cell.dataset.as_str(), cell.representation.as_str());
    let words = cell.words();
    for part in [dataset, representation].into_iter().chain(words.iter().map(String::as_str)) {
        digest.part(part.as_bytes());
    }
    let short = digest.finish().short();
    format!("{}--{}--{}--{short}.parquet", safe(dataset), safe(representation), safe(cell.probe_word()))
}

/// Keeps letters, digits and `-`, and replaces every other character by `_`; at most the last 40 characters, because
/// names differ at the end.
fn safe(name: &str) -> String {
    let kept: Vec<char> = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' })
        .collect();
    kept.iter().skip(kept.len().saturating_sub(40)).collect()
}

/// True for names that [`predictions_file_name`] makes.
pub(crate) fn is_predictions_file_name(name: &str) -> bool {
    name.strip_suffix(".parquet").and_then(|stem| stem.rsplit_once("--")).is_some_and(|(_, digest)| {
        digest.len() == 16
            && digest.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}
