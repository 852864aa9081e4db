//! The `cnn` probe: the default network on token features.

use crate::cnn_network::CnnNetwork;
use crate::fitted::check_kind;
use crate::network::Network;
use crate::settings::{CnnSettings, DEFAULT_MEMORY_BUDGET_BYTES, Reduction};
use crate::training::fit;
use seqprobe_core::{Candidate, FeatureKind, LabelledView, Probe, ProbeError, ProbeFit, Seed, Task};

/// The default convolutional probe. It reads token features ([`seqprobe_core::FeatureKind::Tokens`]) of
/// any length of at least 1.
#[derive(Clone, Debug, PartialEq)]
pub struct CnnProbe {
    /// Everything that changes a fit.
    pub settings: CnnSettings,
    /// Most bytes of training features held in memory while fitting; beyond it they stream in shuffled parts. Does
    /// not change a fit.
    pub memory_budget_bytes: usize,
}

impl CnnProbe {
    /// A probe with these settings.
    pub fn new(settings: CnnSettings) -> Self {
        Self { settings, memory_budget_bytes: DEFAULT_MEMORY_BUDGET_BYTES }
    }
}

impl Default for CnnProbe {
    fn default() -> Self {
        Self::new(CnnSettings::default())
    }
}

impl Probe for CnnProbe {
    fn id(&self) -> &str {
        self.settings.reduction.probe_id("cnn", "cnn-fixed-projection")
    }

    fn version(&self) -> u32 {
        3
    }

    fn is_deterministic(&self) -> bool {
        false
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self.settings)
    }

    fn candidates(&self) -> Vec<Candidate> {
        let at = |(point, training)| {
            let settings = CnnSettings { training, ..self.settings.clone() };
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
        check_kind("cnn", FeatureKind::Tokens, &[&train.features, &valid.features])?;
        let build = |dim, outputs| {
            Network::Cnn(CnnNetwork {
                dim,
                width: settings.reduction_width,
                channels: settings.channels,
                outputs,
                dropout: settings.dropout,
                reduction_is_fixed: settings.reduction == Reduction::FixedRandom,
            })
        };
        fit(build, &settings.training, *memory_budget_bytes, task, (train, valid), seed)
    }
}
