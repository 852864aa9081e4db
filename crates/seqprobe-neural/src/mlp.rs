//! The `mlp` probe: two hidden layers on pooled features.

use crate::settings::MlpSettings;
use seqprobe_core::{LabelledView, Probe, ProbeError, ProbeFit, Seed, Task};

/// The multilayer perceptron. It reads pooled features ([`seqprobe_core::FeatureKind::Pooled`]).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MlpProbe {
    /// Everything that changes a fit.
    pub settings: MlpSettings,
}

impl MlpProbe {
    /// A probe with these settings.
    pub fn new(settings: MlpSettings) -> Self {
        Self { settings }
    }
}

impl Probe for MlpProbe {
    fn id(&self) -> &str {
        "mlp"
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

    fn fit(
        &self,
        _task: &Task,
        _train: LabelledView<'_>,
        _valid: LabelledView<'_>,
        _seed: Seed,
    ) -> Result<ProbeFit, ProbeError> {
        Err(ProbeError::NotApplicable("the network is still to come".to_owned()))
    }
}
