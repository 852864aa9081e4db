//! Checks that a setting lies in its range.

use seqprobe_core::SettingsError;

pub(crate) fn at_least_one(name: &'static str, value: usize) -> Result<(), SettingsError> {
    if value == 0 { Err(SettingsError::value(name, &value, "at least 1")) } else { Ok(()) }
}

pub(crate) fn positive(name: &'static str, value: f64) -> Result<(), SettingsError> {
    within(value.is_finite() && value > 0.0, name, value, "a number above 0")
}

pub(crate) fn at_least_zero(name: &'static str, value: f64) -> Result<(), SettingsError> {
    within(value.is_finite() && value >= 0.0, name, value, "a number of at least 0")
}

pub(crate) fn below_one(name: &'static str, value: f64) -> Result<(), SettingsError> {
    within((0.0..1.0).contains(&value), name, value, "at least 0 and below 1")
}

fn within(holds: bool, name: &'static str, value: f64, expected: &str) -> Result<(), SettingsError> {
    if holds { Ok(()) } else { Err(SettingsError::value(name, &value, expected)) }
}
