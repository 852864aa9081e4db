//! Verdicts of a run and the paired differences behind them.

use super::cell_id::{CellId, optional_word};
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
    /// Differences smaller than this do not matter.
    pub margin: f64,
    /// The verdict, after correction over datasets.
    #[serde(with = "verdict_word")]
    pub verdict: Verdict,
    /// The comparisons with each baseline.
    pub comparisons: Vec<ComparisonRecord>,
    /// Why it is `unclear`, if the reason is not in the intervals.
    pub reason: Option<String>,
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
