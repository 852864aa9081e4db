//! Linear probes: ridge, logistic regression, lasso and elastic net on standardised features.
//!
//! [`LinearProbe`] is the probe; [`LogisticPath`] and [`RidgePath`] are its solvers behind linfa's traits,
//! [`exact_logistic`] and [`exact_ridge`] the same at one penalty. [`ElasticNetProbe`] selects features by lasso or
//! elastic net, with [`ElasticNetPath`] as its solver; [`DexterProbe`] selects words in regions of one-hot sequences. Everything is computed in `f64`. There is no sample weight
//! here.

mod check;
mod choice;
mod classify;
mod description_length;
mod design;
mod dexter;
mod dexter_search;
mod elastic_net;
mod elastic_net_probe;
mod error;
mod fitted;
mod fitted_dexter;
mod folds;
mod gram;
mod growing_gram;
mod letters;
mod linfa_elastic_net;
mod linfa_solver;
mod logistic;
mod newton;
mod outputs;
mod preconditioner;
mod probe;
mod regress;
mod ridge;
mod ridge_missing;
mod row_space;
mod scaler;
mod sparse_choice;
mod sparse_logistic;
mod sparse_quadratic;
mod sparse_squares;
mod standardised;
mod targets;

pub use description_length::{CodedBlock, DescriptionLength, description_length};
pub use dexter::DexterProbe;
pub use dexter_search::DexterSearch;
pub use elastic_net::{ElasticNetPath, FittedElasticNet, PenaltyPath};
pub use elastic_net_probe::{ElasticNetProbe, SparseSolver};
pub use error::LinearError;
pub use fitted::restore;
pub use fitted_dexter::restore_dexter;
pub use gram::{GramProduct, faer_gram};
pub use letters::Align;
pub use logistic::{ClassLabels, FittedLogistic, LogisticPath, exact_logistic};
pub use probe::{ClassWeight, Keep, LinearProbe, Selection, Solver};
pub use ridge::{FittedRidge, RidgePath, exact_ridge};
