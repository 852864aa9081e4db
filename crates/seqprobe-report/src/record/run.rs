//! The top of the run record, its provenance and its datasets. Field order is the file's order; a change that an older
//! reader would misunderstand raises [`SCHEMA_VERSION`].

use super::cell::CellRecord;
use super::diagnostics::{Diagnostics, RankRecord};
use super::verdict::{ModelComparison, VerdictRecord};
use super::warning::{Gain, Warning};
use seqprobe_core::audit::Audit;
use seqprobe_core::{PublishedScore, TaskKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the `run.json` layout.
///
/// - 2: the margin of `rmse` and `mse` is a share of the target's spread; verdicts have qualifications; there are
///   comparisons of models, standard errors and power.
pub const SCHEMA_VERSION: u32 = 2;

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Name of the suite.
    pub suite: String,
    /// How the run was made.
    pub provenance: Provenance,
    /// The datasets, in suite order.
    pub datasets: Vec<DatasetRecord>,
    /// Every planned cell, in plan order, fitted or not.
    pub cells: Vec<CellRecord>,
    /// One per dataset, model and probe (and one per dataset and model for best against best).
    pub verdicts: Vec<VerdictRecord>,
    /// Paired differences of the suite's models, each pair once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub model_comparisons: Vec<ModelComparison>,
    /// What readers must know before the scores.
    pub warnings: Vec<Warning>,
    /// Points behind the scores of the best cell of each representation, dataset by dataset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostics>,
    /// Ranks of representations over the datasets, if there are several of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks: Option<RankRecord>,
}

/// How the numbers of a run were made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this program.
    pub program: String,
    /// Git commit the program was built from, with `-dirty` if the tree had changes.
    pub commit: String,
    /// libtorch version.
    pub libtorch: String,
    /// Device, threads, processor.
    pub device: String,
    /// libtorch threads.
    pub threads: u32,
    /// Command line.
    pub command: String,
    /// Start in UTC, ISO 8601.
    pub started: String,
    /// Seconds the run took.
    pub seconds: f64,
    /// Version of the rule that makes verdicts of differences; 0 in records of versions that did not store it.
    #[serde(default)]
    pub verdict_rules: u32,
    /// The suite as resolved, TOML.
    pub suite_toml: String,
    /// Digests of models, by the name in the suite.
    pub models: BTreeMap<String, String>,
    /// Origins of models from the hub, by the name in the suite.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, ModelOrigin>,
}

/// Where a model came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelOrigin {
    /// Address of the hub.
    pub endpoint: String,
    /// `owner/name`.
    pub repository: String,
    /// The requested revision.
    pub revision: String,
    /// The commit of that revision.
    pub commit: String,
    /// Digests of the files by their names in the hub: SHA-256 of a large file, git's digest of a small one.
    pub files: BTreeMap<String, String>,
}

/// A dataset as it was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// Identifier.
    pub id: String,
    /// One line that says what it is.
    pub title: String,
    /// Kind of task.
    pub task: TaskKind,
    /// Target columns.
    pub targets: Vec<String>,
    /// Class names in output order.
    pub classes: Vec<String>,
    /// Primary metric.
    pub metric: String,
    /// Digest of its content.
    pub digest: String,
    /// Examples in train, valid, test.
    pub n_train: usize,
    /// Validation examples.
    pub n_valid: usize,
    /// Test examples.
    pub n_test: usize,
    /// What a bootstrap cluster is and the number of clusters in test, if there are clusters.
    pub clusters: Option<(String, usize)>,
    /// Shortest and longest sequence.
    pub lengths: (usize, usize),
    /// Bases that are N or another IUPAC code, which is read as N.
    pub undefined_letters: u64,
    /// Licence.
    pub licence: String,
    /// Citation.
    pub citation: String,
    /// Source.
    pub source: String,
    /// Scores that papers report on the dataset, with other protocols.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedScore>,
    /// Notes of the reader.
    pub notes: Vec<String>,
    /// Models that are clearly better than their random initialisation, with the paired difference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gains: Vec<Gain>,
    /// Copies and near-duplicates between its splits, contradicting labels, shifts; `None` if it was not audited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
}
