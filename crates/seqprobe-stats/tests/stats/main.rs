//! All integration tests of this crate in one binary.

mod cases;
mod golden_metrics;
mod golden_tests;
mod intervals;
