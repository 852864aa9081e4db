//! Verdicts of a run and the paired differences behind them.

use super::cell_id::{CellId, optional_word};
use super::qualification::Qualification;
use super::score::{ScoreValue, ScoredTarget};
use super::word::as_word;
use seqprobe_core::{LayerIndex, Pooling};
use seqprobe_stats::verdict::Verdict;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

as_word!(ProbeScope);

/// A verdict and the comparisons that decide it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// Dataset.
    pub dataset: String,
    /// Target column, or `macro`.
    pub target: ScoredTarget,
    /// Model.
    pub model: String,
    /// Layer chosen on validation; `None` if the representation has none.
    #[serde(with = "optional_word")]
    pub layer: Option<LayerIndex>,
    /// Pooling chosen on validation; `None` if there is none.
    #[serde(with = "optional_word")]
    pub pooling: Option<Pooling>,
    /// Probe, or `best` for best probe against best probe.
    pub probe: ProbeScope,
    /// Primary metric.
    pub metric: String,
    /// Differences smaller than this do not matter. In units of the metric: the margin of the suite times
    /// `margin_unit`.
    pub margin: f64,
    /// For `rmse` the standard deviation, for `mse` the variance of the target in train: what the suite's margin is a
    /// share of. `None` for metrics without units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin_unit: Option<f64>,
    /// The verdict, after correction over datasets.
    #[serde(with = "verdict_word")]
    pub verdict: Verdict,
    /// The comparisons with each baseline.
    pub comparisons: Vec<ComparisonRecord>,
    /// Why it is `unclear`, if the reason is not in the intervals.
    pub reason: Option<String>,
    /// What a reader must know before believing it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub qualifications: Vec<Qualification>,
}

impl VerdictRecord {
    /// Layer and pooling as words, if the model has them.
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
    /// p value that decides the verdict: two-sided, of the weakest difference for `beats` and of the
    /// strongest, Holm within the row, for `loses`; Holm over the datasets of the same model and probe.
    pub p_adjusted: Option<f64>,
    /// p value of no difference at all, after Benjamini and Hochberg over all comparisons of the suite: among those at
    /// most `q`, a share of `q` is wrong on average. The verdict does not use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub false_discovery: Option<f64>,
    /// Other tests of the same difference, uncorrected; the verdict does not use them. Empty if a side has
    /// several seeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<TestRecord>,
    /// What this test set can show about the difference; `None` if it has no standard error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<PowerRecord>,
    /// The same difference by a robust metric, where few examples decide the primary one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub companion: Option<CompanionRecord>,
}

/// How large a difference must be to be found, and how many test examples would settle this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerRecord {
    /// The smallest true difference that is found beyond the margin with a probability of 80%.
    pub smallest_detectable: f64,
    /// Test examples to find a true difference of the observed size with that probability; `None` if it is within the
    /// margin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples_to_settle: Option<f64>,
    /// Test examples for a tie of two equal representations with that probability; `None` for a margin of 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples_for_a_tie: Option<f64>,
}

/// A paired difference by another metric than the primary one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompanionRecord {
    /// The metric.
    pub metric: String,
    /// Model minus baseline, oriented.
    pub delta: ScoreValue,
}

/// The paired difference of two models on one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelComparison {
    /// Dataset.
    pub dataset: String,
    /// Target column, or `macro`.
    pub target: ScoredTarget,
    /// Probe, or `best` for best probe against best probe.
    pub probe: ProbeScope,
    /// Primary metric.
    pub metric: String,
    /// Differences smaller than this do not matter, in units of the metric.
    pub margin: f64,
    /// The first model's cell.
    pub first: CellId,
    /// The second model's cell.
    pub second: CellId,
    /// First minus second, oriented.
    pub delta: ScoreValue,
    /// Two-sided p value of a difference beyond the margin, Holm over all pairs of models and all datasets with this
    /// probe; `None` if the difference is undefined.
    pub p_adjusted: Option<f64>,
}

/// A test of one paired difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestRecord {
    /// Which: `permutation`, `permutation-exact`, `delong`, `mcnemar-exact`.
    pub test: String,
    /// Two-sided p value, uncorrected.
    pub p: f64,
    /// A remark if the test cannot give a small p value with any data.
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
        found.ok_or_else(|| {
            D::Error::custom(format!(
                "{word:?} is not a verdict\n  hint: verdicts are beats, loses, \
                ties and unclear"
            ))
        })
    }
}
