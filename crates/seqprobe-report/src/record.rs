//! The run record: what `run.json` holds. Field order is the file's order; a change that an older
//! reader would misunderstand raises [`SCHEMA_VERSION`].

use crate::cell_id::optional_word;
pub use crate::cell_id::{CellId, Fraction, RANDOM_PREFIX, ReadingSetting, RepresentationName, Variant};
use crate::diagnostics::{Diagnostics, RankRecord};
pub use crate::warning::{ControlComparison, ControlKind, Gain, PairedDifference, Warning};
use seqprobe_core::audit::Audit;
use seqprobe_core::{FitReport, LayerIndex, Pooling, Split, TaskKind};
pub use seqprobe_stats::verdict::Verdict;
use seqprobe_stats::{Estimate, NoEstimate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Version of the `run.json` layout.
pub const SCHEMA_VERSION: u32 = 1;

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Name of the suite.
    pub suite: String,
    /// How the run came about.
    pub provenance: Provenance,
    /// The datasets, in suite order.
    pub datasets: Vec<DatasetRecord>,
    /// Every planned cell, in plan order, whatever became of it.
    pub cells: Vec<CellRecord>,
    /// One per dataset, model and probe (and one per dataset and model for best against best).
    pub verdicts: Vec<VerdictRecord>,
    /// What a reader must see first.
    pub warnings: Vec<Warning>,
    /// Points behind the scores of the best cell of each representation, dataset by dataset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostics>,
    /// How representations rank over the datasets, where there are several of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranks: Option<RankRecord>,
}

/// Everything needed to know how the numbers were made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this program.
    pub program: String,
    /// Git commit the program was built from, with `-dirty` where the tree had changes.
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
    /// The suite as resolved, TOML.
    pub suite_toml: String,
    /// Digests of models, by the name the suite uses.
    pub models: BTreeMap<String, String>,
    /// Where models came from that the hub has, by the name the suite uses.
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
    /// The revision that was asked for.
    pub revision: String,
    /// The commit it stood for.
    pub commit: String,
    /// Digests of the files by the hub's own names: SHA-256 of a large file, git's digest of a small one.
    pub files: BTreeMap<String, String>,
}

/// A dataset as it was used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// Identifier.
    pub id: String,
    /// One line saying what it is.
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
    /// What a bootstrap cluster is and how many there are in test, where there are clusters.
    pub clusters: Option<(String, usize)>,
    /// Shortest and longest sequence.
    pub lengths: (usize, usize),
    /// Letters read as N though they were other IUPAC codes, and letters N.
    pub undefined_letters: u64,
    /// Licence.
    pub licence: String,
    /// Citation.
    pub citation: String,
    /// Source.
    pub source: String,
    /// Notes of the reader.
    pub notes: Vec<String>,
    /// Models that are clearly better than their random initialisation, with the paired difference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gains: Vec<Gain>,
    /// Copies and near-duplicates between its splits, contradicting labels, shifts; `None` where it was not audited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
}

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
    /// Seconds to compute the features, all layers and poolings asked for at once; `None` where they came from the cache.
    pub seconds: Option<f64>,
}

/// A description length or the reason there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum DescriptionValue {
    /// Bits and compression.
    Known(DescriptionRecord),
    /// Undefined.
    Undefined {
        /// Why.
        reason: String,
    },
}

/// Bits that send the training labels to someone who has the features, by online coding in several orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DescriptionRecord {
    /// Orders of the training rows, each coded on its own.
    pub n_orders: usize,
    /// Bits under the probe.
    pub bits: RangeRecord,
    /// Bits when every class is taken as equally likely.
    pub uniform_bits: f64,
    /// Uniform bits over bits: above 1 where the features tell something.
    pub compression: RangeRecord,
}

/// A mean with the smallest and largest value it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RangeRecord {
    /// Mean.
    pub mean: f64,
    /// Smallest.
    pub lowest: f64,
    /// Largest.
    pub highest: f64,
}

impl RangeRecord {
    /// The range of some values; `None` where there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let lowest = values.iter().copied().reduce(f64::min)?;
        let highest = values.iter().copied().reduce(f64::max)?;
        Some(Self { mean: values.iter().sum::<f64>() / values.len() as f64, lowest, highest })
    }
}

/// The fit of one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedFit {
    /// The suite's seed.
    pub seed: u64,
    /// What happened.
    pub report: FitReport,
}

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

/// Which probes a verdict compares.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProbeScope {
    /// The same probe on both sides.
    Probe(String),
    /// The best probe of each side, chosen on validation; `best` in files.
    Best,
}

impl ProbeScope {
    /// The word in files.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Probe(name) => name,
            Self::Best => "best",
        }
    }
}

impl From<String> for ProbeScope {
    fn from(word: String) -> Self {
        if word == "best" { Self::Best } else { Self::Probe(word) }
    }
}

macro_rules! as_word {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

as_word!(ScoredTarget);
as_word!(ProbeScope);

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
}

/// A verdict and the comparisons it rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// Dataset.
    pub dataset: String,
    /// Target column, or `macro`.
    pub target: ScoredTarget,
    /// Model.
    pub model: String,
    /// Layer chosen on validation; `None` where the representation has none.
    #[serde(with = "optional_word")]
    pub layer: Option<LayerIndex>,
    /// Pooling chosen on validation; `None` where none is done.
    #[serde(with = "optional_word")]
    pub pooling: Option<Pooling>,
    /// Probe, or `best` for best probe against best probe.
    pub probe: ProbeScope,
    /// Primary metric.
    pub metric: String,
    /// Differences smaller than this do not matter.
    pub margin: f64,
    /// The verdict, after correction over datasets.
    #[serde(with = "verdict_word")]
    pub verdict: Verdict,
    /// Against each baseline.
    pub comparisons: Vec<ComparisonRecord>,
    /// Why it is `unclear`, where that is not the intervals' doing.
    pub reason: Option<String>,
}

impl VerdictRecord {
    /// Layer and pooling as words, those left out that the model does not have.
    pub(crate) fn settings(&self) -> Vec<String> {
        let layer = self.layer.as_ref().map(ToString::to_string);
        layer.into_iter().chain(self.pooling.as_ref().map(ToString::to_string)).collect()
    }
}

/// One paired difference, positive when it favours the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRecord {
    /// The baseline's cell.
    pub baseline: CellId,
    /// Model minus baseline, oriented.
    pub delta: ScoreValue,
    /// p value that the row's verdict rests on: two-sided, of the weakest difference for `beats` and of the
    /// strongest, Holm within the row, for `loses`; Holm over the datasets of the same model and probe.
    pub p_adjusted: Option<f64>,
    /// p value of no difference at all, after Benjamini and Hochberg over all comparisons of the suite: among those at
    /// most `q`, a share of `q` is wrong on average. The verdict does not rest on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_discovery: Option<f64>,
    /// Other tests of the same difference, uncorrected; the verdict does not rest on them. None where a side has several seeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<TestRecord>,
}

/// A test of one paired difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestRecord {
    /// Which: `permutation`, `permutation-exact`, `delong`, `mcnemar-exact`.
    pub test: String,
    /// Two-sided p value, uncorrected.
    pub p: f64,
    /// Said where the test could not have given a small p value, whatever the data.
    pub note: Option<String>,
}

/// A verdict is written as its word.
mod verdict_word {
    use super::Verdict;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(verdict: &Verdict, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(verdict.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Verdict, D::Error> {
        let word = String::deserialize(deserializer)?;
        let found = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == word);
        found
            .ok_or_else(|| D::Error::custom(format!("{word:?} is no verdict: beats, loses, ties or unclear")))
    }
}
