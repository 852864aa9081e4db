//! Linear probes: ridge and logistic regression on standardised features.
//!
//! [`LinearProbe`] is the probe; [`LogisticPath`] and [`RidgePath`] are its solvers behind linfa's traits,
//! [`exact_logistic`] and [`exact_ridge`] the same at one penalty. Everything is computed in `f64`. There is
//! no lasso and no sample weight here.

mod error;
mod fitted;
mod gram;
mod logistic;
mod probe;
mod ridge;

pub use error::LinearError;
pub use fitted::restore;
pub use gram::{GramProduct, faer_gram};
pub use logistic::{ClassLabels, FittedLogistic, LogisticPath, exact_logistic};
pub use probe::{LinearProbe, Solver};
pub use ridge::{FittedRidge, RidgePath, exact_ridge};
