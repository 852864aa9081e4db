//! Metrics: the table of them, true values and outputs, the computation of scores, and curves.
//!
//! A score is a bare number or the reason why there is none. Intervals are in [`crate::intervals`].

pub(crate) mod columns;
pub(crate) mod curves;
mod decisions;
pub(crate) mod errors;
mod margin;
pub(crate) mod metric;
mod probabilities;
#[cfg(test)]
mod properties;
pub(crate) mod ranking;
pub(crate) mod registry;
mod regression;
pub(crate) mod scale;
pub(crate) mod tails;
pub(crate) mod truth;
pub(crate) mod weighted;
