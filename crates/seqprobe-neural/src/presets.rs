//! Networks of publications: what they are, and as probes.

pub mod preset;
pub(crate) mod preset_probe;

#[cfg(test)]
mod parity_tests;
