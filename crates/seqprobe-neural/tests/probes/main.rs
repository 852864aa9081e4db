//! The neural probes through their public contract, on small simulated data.

mod common;
mod contract;
mod learning;
