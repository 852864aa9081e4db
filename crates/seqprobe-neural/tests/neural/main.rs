//! The neural probes through their public contract, on small simulated data.

#![expect(clippy::unwrap_used, reason = "a test's helper may panic")]

mod common;
mod contract;
mod learning;
mod presets;
