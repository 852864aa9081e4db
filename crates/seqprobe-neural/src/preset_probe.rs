//! The presets as probes: fixed-length networks of publications on features whose rows are all of one length.

use crate::fitted::check_kind;
use crate::layered_network::LayeredNetwork;
use crate::network::Network;
use crate::preset::Preset;
use crate::settings::{DEFAULT_MEMORY_BUDGET_BYTES, TrainingSettings};
use crate::suite_settings::NeuralSettings;
use crate::training::fit;
use crate::unusable;
use seqprobe_core::{
    Candidate, FeatureView, LabelledView, Probe, ProbeError, ProbeFit, Seed, SettingsError, Task,
    settings_from_table,
};

/// A preset, ready to be fitted.
#[derive(Clone, Debug)]
pub struct PresetProbe {
    preset: &'static Preset,
    /// The training loop; at first that of the preset's source.
    pub training: TrainingSettings,
    /// Most bytes of features held in memory while fitting. Does not change a fit.
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
        let network = LayeredNetwork::new(id, layers(), sizes, 1).map_err(ProbeError::Length)?;
        network.check_rows(&train.features, "train")?;
        network.check_rows(&valid.features, "valid")?;
        let build = |_, outputs| Network::Layered(LayeredNetwork { outputs, ..network });
        fit(build, &self.training, self.memory_budget_bytes, task, (train, valid), seed)
    }
}

impl LayeredNetwork {
    /// Refuses rows of another length than the network's.
    pub(crate) fn check_rows(&self, view: &FeatureView<'_>, split: &str) -> Result<(), ProbeError> {
        match (0..view.n_rows()).find(|&row| view.length(row) != self.tokens) {
            None => Ok(()),
            Some(row) => Err(ProbeError::Length(format!(
                "{} needs rows of one length: row {row} of the {split} rows has {} tokens, others have {}\n  \
                 hint: use the cnn probe, which takes any length, or cut the sequences",
                self.preset,
                view.length(row),
                self.tokens
            ))),
        }
    }
}
