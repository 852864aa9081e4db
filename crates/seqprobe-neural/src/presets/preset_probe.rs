//! The presets as probes: networks of publications, for features whose rows all have the same length.

use crate::error::unusable;
use crate::networks::ProbeNetwork;
use crate::networks::input_checks::{check_kind, check_lengths};
use crate::networks::layered_network::LayeredNetwork;
use crate::presets::preset::Preset;
use crate::settings::NeuralSettings;
use crate::settings::{DEFAULT_MEMORY_BUDGET_BYTES, TrainingSettings};
use crate::training::fit;
use seqprobe_core::{
    Candidate, LabelledView, Probe, ProbeError, ProbeFit, Seed, SettingsError, Task, settings_from_table,
};

/// A preset, ready to fit.
#[derive(Clone, Debug)]
pub struct PresetProbe {
    preset: &'static Preset,
    /// The training; by default that of the preset's source.
    pub training: TrainingSettings,
    /// Maximum number of bytes of features in memory during a fit. It does not change a fit.
    pub memory_budget_bytes: usize,
}

impl PresetProbe {
    /// The preset with the training of its source.
    pub fn new(preset: &'static Preset) -> Self {
        Self { preset, training: (preset.training)(), memory_budget_bytes: DEFAULT_MEMORY_BUDGET_BYTES }
    }

    /// The preset with the training that a suite's table describes.
    ///
    /// # Errors
    /// [`SettingsError`] for an unknown key or a value that is not allowed.
    pub fn from_table(preset: &'static Preset, table: &toml::Table) -> Result<Self, SettingsError> {
        let own = Self::new(preset);
        let training = settings_from_table::<NeuralSettings>(table)?.training(&own.training)?;
        Ok(Self { training, ..own })
    }
}

impl Probe for PresetProbe {
    fn id(&self) -> &str {
        self.preset.id
    }

    fn version(&self) -> u32 {
        self.preset.version
    }

    fn is_deterministic(&self) -> bool {
        false
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!({ "training": self.training })
    }

    fn candidates(&self) -> Vec<Candidate> {
        let at = |(point, training)| Candidate { point, probe: Box::new(Self { training, ..*self }) };
        self.training.points().into_iter().map(at).collect()
    }

    fn fit(
        &self,
        task: &Task,
        train: LabelledView<'_>,
        valid: LabelledView<'_>,
        seed: Seed,
    ) -> Result<ProbeFit, ProbeError> {
        let Preset { id, reads, layers, .. } = self.preset;
        self.training.check().map_err(unusable)?;
        check_kind(id, *reads, &[&train.features, &valid.features])?;
        let sizes = (train.features.dim(), train.features.longest());
        let network = LayeredNetwork::new(id, layers(), sizes, 1)
            .map_err(|error| ProbeError::Length(error.to_string()))?;
        check_lengths(&network, &train.features, "train")?;
        check_lengths(&network, &valid.features, "valid")?;
        let build = |_, outputs| ProbeNetwork::Layered(LayeredNetwork { outputs, ..network });
        fit(build, &self.training, self.memory_budget_bytes, task, (train, valid), seed)
    }
}
