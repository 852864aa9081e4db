//! The `cnn` probe: the default network on token features.

use crate::settings::CnnSettings;
use seqprobe_core::{LabelledView, Probe, ProbeError, ProbeFit, Seed, Task};

/// The default convolutional probe. It reads token features ([`seqprobe_core::FeatureKind::Tokens`]) of
/// any length of at least 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CnnProbe {
    /// Everything that changes a fit.
    pub settings: CnnSettings,
}

impl CnnProbe {
    /// A probe with these settings.
    pub fn new(settings: CnnSettings) -> Self {
        Self { settings }
    }
}

impl Probe for CnnProbe {
    fn id(&self) -> &str {
        "cnn"
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
