//! The road of a run: plan → lookup → fit → score → judge → record.

mod best_rule;
mod constant;
mod context;
mod cost;
mod description_length;
pub(crate) mod feature_store;
pub(crate) mod features;
mod fill;
mod fit;
mod lookup;
pub(crate) mod one_fit;
pub(crate) mod provenance;
mod record_cell;
pub(crate) mod road;
#[cfg(test)]
mod road_tests;
mod search;
mod token_count;
pub(crate) mod training_rows;
mod without_fit;
