//! Neural probes and their training loop: `cnn` and `attention` on token features, `mlp` on pooled ones, and the
//! presets: networks of publications.
//!
//! Tensors stay inside; features come in as [`seqprobe_core::FeatureView`], predictions leave as arrays.
//! The number of libtorch's threads is the program's to set, not ours.

mod attention_network;
mod cnn_network;
mod dropout;
mod fitted;
mod fused_stem;
mod layer;
mod layered_network;
mod matched_probe;
mod mlp_network;
mod network;
mod objective;
mod optimiser;
mod order;
mod parameters;
mod prepared;
pub mod preset;
#[cfg(test)]
mod preset_parity;
mod preset_probe;
mod rows;
mod schedule;
mod settings;
mod standardisation;
mod stem_kernels;
mod suite_settings;
mod tensor_memory;
mod training;

pub use matched_probe::{AttentionProbe, CnnProbe, MatchedProbe, MlpProbe};
pub use preset::{PRESETS, Preset};
pub use preset_probe::PresetProbe;
pub use settings::{
    AttentionSettings, ClassWeight, CnnSettings, Loss, MlpSettings, OptimiserKind, Reduction, Schedule,
    Search, TrainingSettings,
};
pub use suite_settings::{AttentionProbeSettings, NeuralSettings};

use seqprobe_core::{FittedProbe, ProbeError, SettingsError, StoredProbe};

/// Rebuilds a fitted neural probe whose predictions are those of the probe that was stored, bit for bit.
///
/// # Errors
/// [`ProbeError::Stored`] when the kind is another, or an array is missing or has another shape.
pub fn restore(stored: &StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError> {
    Ok(Box::new(fitted::restore(stored)?))
}

/// libtorch's errors as the contract's.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn torch(error: tch::TchError) -> ProbeError {
    let text = error.to_string();
    // What follows is libtorch's own stack.
    ProbeError::Torch(text.split("\nException raised from").next().unwrap_or(&text).to_owned())
}

/// A setting outside of its range, as an error of the fit.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn unusable(error: SettingsError) -> ProbeError {
    ProbeError::NotApplicable(error.to_string())
}
