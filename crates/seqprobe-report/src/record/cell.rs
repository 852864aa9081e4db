//! One cell of a run: what became of it, its fits and what its features cost.

use super::cell_id::CellId;
use super::description::DescriptionValue;
use super::score::ScoreRecord;
use seqprobe_core::FitReport;
use serde::{Deserialize, Serialize};

/// What a representation is for in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A frozen model or imported embeddings: what is asked about.
    Model,
    /// One-hot or k-mer through the same probe.
    Baseline,
    /// Random initialisation, shuffled labels, composition, majority or mean.
    Control,
    /// The true generating model of a simulated task.
    Oracle,
}

/// What became of a planned cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Fitted and scored.
    Ok,
    /// The combination cannot exist; the reason says why.
    NotApplicable,
    /// It went wrong; the reason says how.
    Failed,
}

/// One cell, all its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// Coordinates.
    pub id: CellId,
    /// Content address: digest of everything that changes the cell's numbers.
    pub key: String,
    /// What it is for.
    pub role: Role,
    /// What became of it.
    pub status: Status,
    /// Why it is not `ok`.
    pub reason: Option<String>,
    /// Seeds that were fitted.
    pub n_seeds: usize,
    /// One fit per seed.
    pub fits: Vec<SeedFit>,
    /// Scores on valid and test.
    pub scores: Vec<ScoreRecord>,
    /// Seconds to fit and predict, all seeds.
    pub seconds: f64,
    /// True when it was read from the cell cache.
    pub reused: bool,
    /// Description length of the training labels under the probe, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<DescriptionValue>,
    /// What its features cost, where it was fitted on features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostRecord>,
}

/// What the features of a cell cost; means per sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostRecord {
    /// Bytes of features as they are read: four per value.
    pub bytes: f64,
    /// Parameters of the encoder, 0 for what is made from the letters alone; `None` where nobody said.
    pub parameters: Option<u64>,
    /// Tokens, added ones included, of a sample of at most 64 sequences; `None` where there is no tokenizer.
    pub tokens: Option<f64>,
    /// Floating-point operations as an estimate: two for each parameter and token, both strands where both are read.
    /// What attention does along the sequence is left out, and the embedding table, which is looked up, is counted.
    pub operations: Option<f64>,
    /// Seconds to compute the features, all layers and poolings asked for at once; `None` where they came from the
    /// cache.
    pub seconds: Option<f64>,
}

/// The fit of one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedFit {
    /// The suite's seed.
    pub seed: u64,
    /// What happened.
    pub report: FitReport,
}
