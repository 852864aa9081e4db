//! Makes features and targets ready for the solvers: standardisation, passes over the rows, Gram matrices, folds.

pub(crate) mod checks;
pub(crate) mod design;
pub(crate) mod folds;
pub(crate) mod gram;
pub(crate) mod growing_gram;
pub(crate) mod outputs;
pub(crate) mod penalties;
pub(crate) mod row_space;
pub(crate) mod scaler;
pub(crate) mod standardised;
pub(crate) mod targets;
