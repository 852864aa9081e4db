//! The `attention` probe: attention pooling on token features.

use crate::attention_network::AttentionNetwork;
use crate::fitted::check_kind;
use crate::network::Network;
use crate::settings::{AttentionSettings, DEFAULT_MEMORY_BUDGET_BYTES, Reduction};
use crate::training::fit;
use seqprobe_core::{Candidate, FeatureKind, LabelledView, Probe, ProbeError, ProbeFit, Seed, Task};

/// Attention pooling and a linear layer. It reads token features ([`seqprobe_core::FeatureKind::Tokens`]) of
/// any length of at least 1.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionProbe {
    /// Everything that changes a fit.
    pub settings: AttentionSettings,
    /// Most bytes of training features held in memory while fitting; beyond it they stream in shuffled parts. Does
    /// not change a fit.
    pub memory_budget_bytes: usize,
}

impl AttentionProbe {
    /// A probe with these settings.
    pub fn new(settings: AttentionSettings) -> Self {
        Self { settings, memory_budget_bytes: DEFAULT_MEMORY_BUDGET_BYTES }
    }
}

impl Default for AttentionProbe {
    fn default() -> Self {
        Self::new(AttentionSettings::default())
    }
}

impl Probe for AttentionProbe {
    fn id(&self) -> &str {
        self.settings.reduction.probe_id("attention", "attention-fixed-projection")
    }

    fn version(&self) -> u32 {
        1
    }

    fn is_deterministic(&self) -> bool {
        false
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self.settings)
    }

    fn candidates(&self) -> Vec<Candidate> {
        let at = |(point, training)| {
            let settings = AttentionSettings { training, ..self.settings.clone() };
            Candidate { point, probe: Box::new(Self { settings, ..self.clone() }) }
        };
        self.settings.training.points().into_iter().map(at).collect()
    }

    fn fit(
        &self,
        task: &Task,
        train: LabelledView<'_>,
        valid: LabelledView<'_>,
        seed: Seed,
    ) -> Result<ProbeFit, ProbeError> {
        let Self { settings, memory_budget_bytes } = self;
        settings.check()?;
        check_kind("attention", FeatureKind::Tokens, &[&train.features, &valid.features])?;
        let build = |dim, outputs| {
            Network::Attention(AttentionNetwork {
                dim,
                width: settings.reduction_width,
                heads: settings.heads,
                outputs,
                dropout: settings.dropout,
                reduction_is_fixed: settings.reduction == Reduction::FixedRandom,
            })
        };
        fit(build, &settings.training, *memory_budget_bytes, task, (train, valid), seed)
    }
}
