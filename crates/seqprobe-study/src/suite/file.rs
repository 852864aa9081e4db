//! The suite file as written: what a person may say. Checking it is left to [`crate::suite::Suite::check`].

use seqprobe_data::audit::LeakKind;
use seqprobe_embed::Window;
use serde::{Deserialize, Serialize};

/// A suite as written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuiteFile {
    pub(crate) schema: u32,
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seeds: Option<Vec<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) margin: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replicates: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) controls: Option<ControlsEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fractions: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) draws: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description_length: Option<bool>,
    pub(crate) datasets: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) drop_leaks: Option<LeakKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) simulate: Option<SimulateEntry>,
    pub(crate) representation: Vec<RepresentationEntry>,
    pub(crate) probe: Vec<ProbeEntry>,
}

/// Sizes of the simulated datasets of a suite; what is not given has its usual value.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulateEntry {
    /// Seed of the simulation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Training examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Validation examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<usize>,
    /// Test examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// Bases per sequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
}

/// One `[[representation]]` as written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepresentationEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) layers: Option<LayersEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pooling: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<String>,
    /// The old name of `keep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) truncate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<Window>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rc: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) precision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) embeddings: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ids: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
}

impl RepresentationEntry {
    /// The keys that only models have, and whether each is given.
    pub(crate) fn model_keys(&self) -> [(&'static str, bool); 7] {
        [
            ("layers", self.layers.is_some()),
            ("keep", self.keep.is_some()),
            ("truncate", self.truncate.is_some()),
            ("window", self.window.is_some()),
            ("rc", self.rc.is_some()),
            ("precision", self.precision.is_some()),
            ("store", self.store.is_some()),
        ]
    }
}

/// `layers = "all"` or a list of names and numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum LayersEntry {
    One(LayerEntry),
    Many(Vec<LayerEntry>),
}

impl LayersEntry {
    /// From words of the command line.
    pub(crate) fn from_words(words: &[String]) -> Self {
        if words == ["all"] {
            return Self::One(LayerEntry::Name("all".to_owned()));
        }
        let entry =
            |word: &String| word.parse().map_or_else(|_| LayerEntry::Name(word.clone()), LayerEntry::Number);
        Self::Many(words.iter().map(entry).collect())
    }
}

/// A layer's name or number.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum LayerEntry {
    Number(u32),
    Name(String),
}

/// `controls = false`, or the list of those wanted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum ControlsEntry {
    Switch(bool),
    Some(Vec<String>),
}

impl ControlsEntry {
    /// From words of the command line: `all`, `none`, or a list.
    pub(crate) fn from_words(words: &[String]) -> Self {
        match words {
            [word] if word == "all" => Self::Switch(true),
            [word] if word == "none" => Self::Switch(false),
            _ => Self::Some(words.to_vec()),
        }
    }
}

/// One `[[probe]]` as written: its id and the keys that this probe knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProbeEntry {
    /// Which probe.
    pub(crate) id: String,
    /// The probe's own settings, which it reads and checks itself.
    #[serde(flatten)]
    pub(crate) settings: toml::Table,
}
