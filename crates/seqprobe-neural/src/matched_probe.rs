//! The matched probes `cnn`, `mlp` and `attention`: after one linear reduction to a fixed width, everything is the
//! same for every representation. They differ in their settings and in the network that the settings describe.

use crate::error::unusable;
use crate::networks::ProbeNetwork;
use crate::networks::attention_network::AttentionNetwork;
use crate::networks::cnn_network::CnnNetwork;
use crate::networks::input_checks::check_kind;
use crate::networks::mlp_network::MlpNetwork;
use crate::settings::{
    AttentionProbeSettings, AttentionSettings, CnnSettings, DEFAULT_MEMORY_BUDGET_BYTES, MlpSettings,
    NeuralSettings, Reduction, TrainingSettings,
};
use crate::training::fit;
use seqprobe_core::{
    Candidate, FeatureKind, LabelledView, Probe, ProbeError, ProbeFit, Seed, SettingsError, Task,
    settings_from_table,
};
use serde::Serialize;

/// A network and its training, ready to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedProbe<S> {
    /// Everything that affects a fit.
    pub settings: S,
    /// Maximum number of bytes of training features in memory during a fit. Larger features are streamed in shuffled
    /// parts. It does not change a fit.
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
        let training = given.training(&own.training)?;
        let settings = AttentionSettings { heads: given.heads.unwrap_or(own.heads), training, ..own };
        settings.check()?;
        Ok(Self::new(settings))
    }
}

/// What a probe is, by the type of its settings.
pub(crate) trait Matched: Clone + Serialize + Sync + 'static {
    /// Identifiers: with a learned reduction, with a fixed one.
    const IDS: [&'static str; 2];
    /// Raised whenever the same inputs would give different numbers.
    const VERSION: u32;
    /// The features that it reads.
    const READS: FeatureKind;

    fn reduction(&self) -> Reduction;

    fn training(&self) -> &TrainingSettings;

    fn with_training(&self, training: TrainingSettings) -> Self;

    fn check(&self) -> Result<(), SettingsError>;

    fn network(&self, dim: usize, outputs: usize) -> ProbeNetwork;
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

/// Implements [`Matched`] for settings with the fields `reduction` and `training`. Only the network differs.
macro_rules! matched {
    ($settings:ty, ids: $ids:expr, version: $version:expr, reads: $reads:expr, network: $network:expr) => {
        impl Matched for $settings {
            const IDS: [&'static str; 2] = $ids;
            const VERSION: u32 = $version;
            const READS: FeatureKind = $reads;

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

            fn network(&self, dim: usize, outputs: usize) -> ProbeNetwork {
                let network: fn(&Self, usize, usize) -> ProbeNetwork = $network;
                network(self, dim, outputs)
            }
        }
    };
}

matched! {
    CnnSettings,
    ids: ["cnn", "cnn-fixed-projection"],
    version: 3,
    reads: FeatureKind::Tokens,
    network: |own, dim, outputs| ProbeNetwork::Cnn(CnnNetwork {
        dim,
        width: own.reduction_width,
        channels: own.channels,
        outputs,
        dropout: own.dropout,
        reduction_is_fixed: own.reduction == Reduction::FixedRandom,
    })
}

matched! {
    MlpSettings,
    ids: ["mlp", "mlp-fixed-projection"],
    version: 3,
    reads: FeatureKind::Pooled,
    network: |own, dim, outputs| ProbeNetwork::Mlp(MlpNetwork {
        dim,
        width: own.reduction_width,
        hidden: own.hidden,
        outputs,
        dropout: own.dropout,
        reduction_is_fixed: own.reduction == Reduction::FixedRandom,
    })
}

matched! {
    AttentionSettings,
    ids: ["attention", "attention-fixed-projection"],
    version: 1,
    reads: FeatureKind::Tokens,
    network: |own, dim, outputs| ProbeNetwork::Attention(AttentionNetwork {
        dim,
        width: own.reduction_width,
        heads: own.heads,
        outputs,
        dropout: own.dropout,
        reduction_is_fixed: own.reduction == Reduction::FixedRandom,
    })
}
