//! The probes `lasso` and `elastic-net`: linear or logistic regression that selects features.

pub(crate) mod choice;
pub(crate) mod options;
mod probe;
pub(crate) mod report;
mod settings;

pub use options::SparseSolver;
pub use probe::ElasticNetProbe;
pub use settings::{ElasticNetSettings, LassoSettings};
