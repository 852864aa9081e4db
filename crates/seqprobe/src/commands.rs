//! One file per command. Each calls a library and prints what it returns.

mod audit;
pub(crate) mod cache;
mod cards;
pub(crate) mod data;
pub(crate) mod doctor;
pub(crate) mod embed;
pub(crate) mod fetch;
mod fetch_data;
pub(crate) mod gate;
pub(crate) mod list;
mod masked_scores;
pub(crate) mod predict;
pub(crate) mod pretrain;
pub(crate) mod probe;
pub(crate) mod report;
pub(crate) mod run;
