//! Errors of libtorch and of settings, as the errors of a probe.

use seqprobe_core::{ProbeError, SettingsError};

/// libtorch's errors as the contract's.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(crate) fn torch(error: tch::TchError) -> ProbeError {
    let text = error.to_string();
    // What follows is libtorch's own stack.
    ProbeError::Torch(text.split("\nException raised from").next().unwrap_or(&text).to_owned())
}

/// A setting outside of its range, as an error of the fit.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
pub(crate) fn unusable(error: SettingsError) -> ProbeError {
    ProbeError::NotApplicable(error.to_string())
}
