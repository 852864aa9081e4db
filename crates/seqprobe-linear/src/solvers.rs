//! The optimisers. They know features, targets and penalties, but no split and no task.

pub(crate) mod elastic_net_path;
pub(crate) mod linfa_elastic_net;
pub(crate) mod linfa_logistic;
pub(crate) mod logistic;
pub(crate) mod newton;
pub(crate) mod preconditioner;
pub(crate) mod ridge;
pub(crate) mod ridge_missing;
pub(crate) mod sparse_logistic;
pub(crate) mod sparse_problem;
pub(crate) mod sparse_quadratic;
pub(crate) mod sparse_squares;
