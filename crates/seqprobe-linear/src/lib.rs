//! Linear probes: ridge, logistic regression, lasso and elastic net on standardised features, and k-mers in regions.
//!
//! [`LinearProbe`] fits ridge or logistic regression. [`ElasticNetProbe`] selects features by lasso or elastic net.
//! [`DexterProbe`] selects k-mers in regions of aligned sequences. Their solvers implement linfa's traits:
//! [`LogisticPath`] and [`RidgePath`] ([`exact_logistic`] and [`exact_ridge`] fit one penalty) and [`ElasticNetPath`].
//! Everything is computed in `f64`. There is no sample weight.

mod description_length;
mod dexter;
mod elastic_net;
mod error;
mod linear_probe;
mod prepare;
mod solvers;

pub use description_length::{CodedBlock, DescriptionLength, description_length};
pub use dexter::{Align, DexterProbe, DexterSearch, DexterSettings, restore_dexter};
pub use elastic_net::{ElasticNetProbe, ElasticNetSettings, LassoSettings, SparseSolver};
pub use error::LinearError;
pub use linear_probe::{Keep, LinearProbe, LinearSettings, Selection, SelectionMethod, Solver, restore};
pub use prepare::gram::{GramProduct, faer_gram};
pub use seqprobe_core::ClassWeight;
pub use solvers::elastic_net_path::{ElasticNetPath, FittedElasticNet, PenaltyPath};
pub use solvers::logistic::{ClassLabels, FittedLogistic, LogisticPath, exact_logistic};
pub use solvers::ridge::{FittedRidge, RidgePath, exact_ridge};
