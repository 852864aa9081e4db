//! The matched probes, `cnn`, `mlp` and `attention`: after one linear reduction to a fixed width everything is the same for
//! every representation. What tells them apart is their settings and the network these stand for.

use crate::attention_network::AttentionNetwork;
use crate::cnn_network::CnnNetwork;
use crate::fitted::check_kind;
use crate::mlp_network::MlpNetwork;
use crate::network::Network;
use crate::settings::{
    AttentionSettings, CnnSettings, DEFAULT_MEMORY_BUDGET_BYTES, MlpSettings, Reduction, TrainingSettings,
};
use crate::suite_settings::{AttentionProbeSettings, NeuralSettings, at_least_one};
use crate::training::fit;
use crate::unusable;
use seqprobe_core::{
    Candidate, FeatureKind, LabelledView, Probe, ProbeError, ProbeFit, Seed, SettingsError, Task,
    settings_from_table,
};
use serde::Serialize;

/// A network with its training, ready to be fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedProbe<S> {
    /// Everything that changes a fit.
    pub settings: S,
    /// Most bytes of training features held in memory while fitting; beyond it they stream in shuffled parts. Does
    /// not change a fit.
    pub memory_budget_bytes: usize,
}

/// The default convolutional probe. It reads token features ([`FeatureKind::Tokens`]) of any length of at least 1.
pub type CnnProbe = MatchedProbe<CnnSettings>;
/// The multilayer perceptron. It reads pooled features ([`FeatureKind::Pooled`]).
pub type MlpProbe = MatchedProbe<MlpSettings>;
/// Attention pooling and a linear layer. It reads token features ([`FeatureKind::Tokens`]) of any length of at least 1.
pub type AttentionProbe = MatchedProbe<AttentionSettings>;

impl<S> MatchedProbe<S> {
    /// A probe with these settings.
    pub fn new(settings: S) -> Self {
        Self { settings, memory_budget_bytes: DEFAULT_MEMORY_BUDGET_BYTES }
    }
}

impl<S: Default> Default for MatchedProbe<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl CnnProbe {
    /// The probe that a suite's table describes.
    ///
    /// # Errors
    /// [`SettingsError`] for an unknown key or a value that is not allowed.
    pub fn from_table(table: &toml::Table, reduction: Reduction) -> Result<Self, SettingsError> {
        let own = CnnSettings::default();
        let training = settings_from_table::<NeuralSettings>(table)?.training(&own.training)?;
        Ok(Self::new(CnnSettings { reduction, training, ..own }))
    }
}

impl MlpProbe {
    /// The probe that a suite's table describes.
    ///
    /// # Errors
    /// [`SettingsError`] for an unknown key or a value that is not allowed.
    pub fn from_table(table: &toml::Table, reduction: Reduction) -> Result<Self, SettingsError> {
        let own = MlpSettings::default();
        let training = settings_from_table::<NeuralSettings>(table)?.training(&own.training)?;
        Ok(Self::new(MlpSettings { reduction, training, ..own }))
    }
}

impl AttentionProbe {
    /// The probe that a suite's table describes.
    ///
    /// # Errors
    /// [`SettingsError`] for an unknown key or a value that is not allowed.
    pub fn from_table(table: &toml::Table) -> Result<Self, SettingsError> {
        let own = AttentionSettings::default();
        let given: AttentionProbeSettings = settings_from_table(table)?;
        at_least_one("heads", given.heads)?;
        let training = given.training(&own.training)?;
        Ok(Self::new(AttentionSettings { heads: given.heads.unwrap_or(own.heads), training, ..own }))
    }
}

/// What a kind of settings says of its probe.
pub(crate) trait Matched: Clone + Serialize + Sync + 'static {
    /// Identifiers with a learned reduction and with a fixed one.
    const IDS: [&'static str; 2];
    /// Raised whenever the same inputs would give other numbers.
    const VERSION: u32;
    /// What it reads.
    const READS: FeatureKind;

    fn reduction(&self) -> Reduction;

    fn training(&self) -> &TrainingSettings;

    fn with_training(&self, training: TrainingSettings) -> Self;

    fn check(&self) -> Result<(), SettingsError>;

    fn network(&self, dim: usize, outputs: usize) -> Network;
}

impl<S: Matched> Probe for MatchedProbe<S> {
    fn id(&self) -> &str {
        let [learned, fixed] = S::IDS;
        self.settings.reduction().probe_id(learned, fixed)
    }

    fn version(&self) -> u32 {
        S::VERSION
    }

    fn is_deterministic(&self) -> bool {
        false
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self.settings)
    }

    fn candidates(&self) -> Vec<Candidate> {
        let at = |(point, training)| {
            let settings = self.settings.with_training(training);
            Candidate { point, probe: Box::new(Self { settings, ..*self }) }
        };
        self.settings.training().points().into_iter().map(at).collect()
    }

    fn fit(
        &self,
        task: &Task,
        train: LabelledView<'_>,
        valid: LabelledView<'_>,
        seed: Seed,
    ) -> Result<ProbeFit, ProbeError> {
        self.settings.check().map_err(unusable)?;
        check_kind(S::IDS[0], S::READS, &[&train.features, &valid.features])?;
        let build = |dim, outputs| self.settings.network(dim, outputs);
        fit(build, self.settings.training(), self.memory_budget_bytes, task, (train, valid), seed)
    }
}

impl Matched for CnnSettings {
    const IDS: [&'static str; 2] = ["cnn", "cnn-fixed-projection"];
    const VERSION: u32 = 3;
    const READS: FeatureKind = FeatureKind::Tokens;

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn training(&self) -> &TrainingSettings {
        &self.training
    }

    fn with_training(&self, training: TrainingSettings) -> Self {
        Self { training, ..self.clone() }
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.check()
    }

    fn network(&self, dim: usize, outputs: usize) -> Network {
        Network::Cnn(CnnNetwork {
            dim,
            width: self.reduction_width,
            channels: self.channels,
            outputs,
            dropout: self.dropout,
            reduction_is_fixed: self.reduction == Reduction::FixedRandom,
        })
    }
}

impl Matched for MlpSettings {
    const IDS: [&'static str; 2] = ["mlp", "mlp-fixed-projection"];
    const VERSION: u32 = 3;
    const READS: FeatureKind = FeatureKind::Pooled;

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn training(&self) -> &TrainingSettings {
        &self.training
    }

    fn with_training(&self, training: TrainingSettings) -> Self {
        Self { training, ..self.clone() }
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.check()
    }

    fn network(&self, dim: usize, outputs: usize) -> Network {
        Network::Mlp(MlpNetwork {
            dim,
            width: self.reduction_width,
            hidden: self.hidden,
            outputs,
            dropout: self.dropout,
            reduction_is_fixed: self.reduction == Reduction::FixedRandom,
        })
    }
}

impl Matched for AttentionSettings {
    const IDS: [&'static str; 2] = ["attention", "attention-fixed-projection"];
    const VERSION: u32 = 1;
    const READS: FeatureKind = FeatureKind::Tokens;

    fn reduction(&self) -> Reduction {
        self.reduction
    }

    fn training(&self) -> &TrainingSettings {
        &self.training
    }

    fn with_training(&self, training: TrainingSettings) -> Self {
        Self { training, ..self.clone() }
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.check()
    }

    fn network(&self, dim: usize, outputs: usize) -> Network {
        Network::Attention(AttentionNetwork {
            dim,
            width: self.reduction_width,
            heads: self.heads,
            outputs,
            dropout: self.dropout,
            reduction_is_fixed: self.reduction == Reduction::FixedRandom,
        })
    }
}
