//! One cell of a run: its outcome, its fits and the cost of its features.

use super::cell_id::CellId;
use super::description::DescriptionValue;
use super::score::ScoreRecord;
use seqprobe_core::FitReport;
use serde::{Deserialize, Serialize};

/// What a representation is for in a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A frozen model or imported embeddings: what the suite compares with baselines.
    Model,
    /// One-hot or k-mers with the same probe.
    Baseline,
    /// Random initialisation, shuffled labels, composition, majority or mean.
    Control,
    /// The rule without a model that is best on validation: a baseline of every probe.
    Rule,
    /// Ready predictions of a published model: shown, but no part of verdicts.
    Reference,
    /// The true generating model of a simulated task.
    Oracle,
}

/// The key of a rule's name in [`CellRecord::chosen_rule`]'s fit.
pub const CHOSEN_RULE: &str = "rule";
/// The key of the number of test rows that a rule says something about.
pub const COVERED_ROWS: &str = "test rows covered";

/// The outcome of a planned cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Fitted and scored.
    Ok,
    /// The combination cannot exist; the reason says why.
    NotApplicable,
    /// It failed; the reason says why.
    Failed,
}

/// One cell, all its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// Coordinates.
    pub id: CellId,
    /// Content address: digest of everything that changes the cell's numbers.
    pub key: String,
    /// Its role.
    pub role: Role,
    /// Its outcome.
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
    /// Description length of the training labels under the probe, if the suite asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<DescriptionValue>,
    /// Cost of its features, if it was fitted on features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<CostRecord>,
}

/// Cost of the features of a cell; means per sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostRecord {
    /// Bytes of features as they are read: four per value.
    pub bytes: f64,
    /// Parameters of the encoder, 0 if features are made from the bases alone; `None` if unknown.
    pub parameters: Option<u64>,
    /// Tokens, added ones included, of a sample of at most 64 sequences; `None` if there is no tokenizer.
    pub tokens: Option<f64>,
    /// Floating-point operations as an estimate: two for each parameter and token, for both strands if both are read.
    /// The operations of attention along the sequence are left out; the parameters of the embedding table are counted.
    pub operations: Option<f64>,
    /// Seconds to compute the features, all layers and poolings at once; `None` if they came from the
    /// cache.
    pub seconds: Option<f64>,
}

/// The fit with one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedFit {
    /// The suite's seed.
    pub seed: u64,
    /// The report of the probe.
    pub report: FitReport,
}

impl CellRecord {
    /// The name of the rule without a model that validation chose, for the cell of the best rule.
    pub fn chosen_rule(&self) -> Option<&str> {
        let chosen = &self.fits.first().filter(|_| self.role == Role::Rule)?.report.chosen;
        chosen.get(CHOSEN_RULE).map(String::as_str)
    }
}
