//! Neural probes and their training loop: `cnn` and `attention` on token features, `mlp` on pooled ones, and the
//! presets: networks of publications.
//!
//! Tensors stay inside; features come in as [`seqprobe_core::FeatureView`], predictions leave as arrays.
//! The number of libtorch's threads is the program's to set, not ours.

mod error;
mod matched_probe;
mod networks;
mod presets;
mod settings;
mod training;

pub use matched_probe::{AttentionProbe, CnnProbe, MatchedProbe, MlpProbe};
pub use presets::preset::{self, PRESETS, Preset};
pub use presets::preset_probe::PresetProbe;
pub use settings::{
    AttentionProbeSettings, AttentionSettings, ClassWeight, CnnSettings, Loss, MlpSettings, NeuralSettings,
    OptimiserKind, Reduction, Schedule, Search, TrainingSettings,
};

/// Adam, AdamW and the curves of learning rates, which the probes and pretraining share.
pub mod optimisation {
    pub use crate::training::adam::{Adam, AdamStep, DOUBLE_BETAS};
    pub use crate::training::schedule::{half_cosine, warm_up};
}

use seqprobe_core::{FittedProbe, ProbeError, StoredProbe};

/// Rebuilds a fitted neural probe whose predictions are those of the probe that was stored, bit for bit.
///
/// # Errors
/// [`ProbeError::Stored`] when the kind is another, or an array is missing or has another shape.
pub fn restore(stored: &StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError> {
    Ok(Box::new(training::fitted_network::restore(stored)?))
}
