//! The `mlp` probe: a linear reduction and two hidden layers on pooled features.

use crate::fitted::check_kind;
use crate::mlp_network::MlpNetwork;
use crate::network::Network;
use crate::settings::{DEFAULT_MEMORY_BUDGET_BYTES, MlpSettings, Reduction};
use crate::training::fit;
use seqprobe_core::{Candidate, FeatureKind, LabelledView, Probe, ProbeError, ProbeFit, Seed, Task};

/// The multilayer perceptron. It reads pooled features ([`seqprobe_core::FeatureKind::Pooled`]).
#[derive(Clone, Debug, PartialEq)]
pub struct MlpProbe {
    /// Everything that changes a fit.
    pub settings: MlpSettings,
    /// Most bytes of training features held in memory while fitting; beyond it they stream in shuffled parts. Does
    /// not change a fit.
    pub memory_budget_bytes: usize,
}

impl MlpProbe {
    /// A probe with these settings.
    pub fn new(settings: MlpSettings) -> Self {
        Self { settings, memory_budget_bytes: DEFAULT_MEMORY_BUDGET_BYTES }
    }
}

impl Default for MlpProbe {
    fn default() -> Self {
        Self::new(MlpSettings::default())
    }
}

impl Probe for MlpProbe {
    fn id(&self) -> &str {
        self.settings.reduction.probe_id("mlp", "mlp-fixed-projection")
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
            let settings = MlpSettings { training, ..self.settings.clone() };
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
        check_kind("mlp", FeatureKind::Pooled, &[&train.features, &valid.features])?;
        let build = |dim, outputs| {
            Network::Mlp(MlpNetwork {
                dim,
                width: settings.reduction_width,
                hidden: settings.hidden,
                outputs,
                dropout: settings.dropout,
                reduction_is_fixed: settings.reduction == Reduction::FixedRandom,
            })
        };
        fit(build, &settings.training, *memory_budget_bytes, task, (train, valid), seed)
    }
}
