//! The suite file as written: what a person may say. Checking it is left to [`crate::suite::Suite::check`].

pub(crate) use crate::suite::values::{ControlsEntry, LayerEntry, LayersEntry, ProbeEntry};
use crate::suite::values::{keep, pooling, precision, strands};
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
    #[serde(default, deserialize_with = "pooling", skip_serializing_if = "Option::is_none")]
    pub(crate) pooling: Option<Vec<String>>,
    #[serde(default, deserialize_with = "keep", skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<String>,
    /// The old name of `keep`.
    #[serde(default, deserialize_with = "keep", skip_serializing_if = "Option::is_none")]
    pub(crate) truncate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) window: Option<Window>,
    #[serde(default, deserialize_with = "strands", skip_serializing_if = "Option::is_none")]
    pub(crate) rc: Option<String>,
    #[serde(default, deserialize_with = "precision", skip_serializing_if = "Option::is_none")]
    pub(crate) precision: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) store: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) embeddings: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) predictions: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) columns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sequences: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dataset: Option<String>,
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
    /// True if the entry is neither made from the bases nor of a model nor imported embeddings.
    pub(crate) fn has_no_other_source(&self) -> bool {
        self.id.is_none() && self.model.is_none() && self.embeddings.is_none()
    }

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
