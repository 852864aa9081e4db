//! Errors of libtorch and of settings, as the errors of a probe.

use seqprobe_core::{ProbeError, SettingsError, torch_text};

/// Turns an error of libtorch into an error of a probe.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(crate) fn torch(error: tch::TchError) -> ProbeError {
    ProbeError::Torch(torch_text::sentence(&error.to_string()))
}

/// Turns a setting outside of its range into an error of a fit.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(crate) fn unusable(error: SettingsError) -> ProbeError {
    ProbeError::NotApplicable(error.to_string())
}
