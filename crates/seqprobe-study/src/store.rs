//! What is kept: cells in the cache, fitted probes and predictions in the run folder.

pub(crate) mod arrays;
pub(crate) mod cell_store;
pub(crate) mod error;
pub(crate) mod run_folder;
pub(crate) mod stored_probe;
pub(crate) mod taken_folder;
