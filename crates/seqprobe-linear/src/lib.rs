//! Linear probes: ridge, logistic regression, lasso and elastic net on standardised features, and k-mers in regions.
//!
//! [`LinearProbe`] fits ridge or logistic regression. [`ElasticNetProbe`] selects features by lasso or elastic net.
//! [`DexterProbe`] selects k-mers in regions of aligned sequences. Their solvers implement linfa's traits:
//! [`LogisticPath`] and [`RidgePath`] ([`exact_logistic`] and [`exact_ridge`] fit one penalty) and [`ElasticNetPath`].
//! Everything is computed in `f64`. There is no sample weight.
//!
//! # Example
//!
//! ```
//! use seqprobe_core::{
//!     FeatureError, FeatureKind, FeatureSource, FeatureView, LabelledView, Probe, Seed, Targets, Task, TaskKind,
//! };
//! use seqprobe_linear::LinearProbe;
//!
//! /// Pooled features in memory: one vector of two values per row.
//! struct Memory(Vec<[f32; 2]>);
//!
//! impl FeatureSource for Memory {
//!     fn n_rows(&self) -> usize {
//!         self.0.len()
//!     }
//!     fn dim(&self) -> usize {
//!         2
//!     }
//!     fn kind(&self) -> FeatureKind {
//!         FeatureKind::Pooled
//!     }
//!     fn length(&self, _row: usize) -> usize {
//!         1
//!     }
//!     fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
//!         rows.iter().for_each(|&row| out.extend(self.0[row]));
//!         Ok(())
//!     }
//! }
//!
//! // The class depends on the first feature only.
//! let source = Memory((0..90).map(|row| [(row as f32 * 0.7).sin(), (row as f32 * 1.3).cos()]).collect());
//! let labels = source.0.iter().map(|features| u32::from(features[0] > 0.0)).collect();
//! let targets = Targets::Classes { labels, n_classes: 2 };
//! let task = Task {
//!     kind: TaskKind::Binary,
//!     targets: vec!["is_promoter".to_owned()],
//!     classes: vec!["no".to_owned(), "yes".to_owned()],
//! };
//!
//! let rows: Vec<usize> = (0..90).collect();
//! let (train, valid, test) = (&rows[..50], &rows[50..70], &rows[70..]);
//! let (train_targets, valid_targets) = (targets.select(train), targets.select(valid));
//! let view = |rows, targets| Ok::<_, FeatureError>(LabelledView {
//!     features: FeatureView::new(&source, rows)?,
//!     targets,
//!     groups: None,
//! });
//! let probe = LinearProbe::from_table(&"penalties = [0.01, 1, 100]".parse()?)?;
//! let fit = probe.fit(&task, view(train, &train_targets)?, view(valid, &valid_targets)?, Seed(0))?;
//! assert_eq!(fit.report.chosen["penalty"], "0.01");
//!
//! // The probability of the class "yes" for each test row.
//! let probabilities = fit.fitted.predict(&FeatureView::new(&source, test)?)?;
//! assert_eq!(probabilities.dim(), (20, 1));
//! for (probability, &row) in probabilities.column(0).iter().zip(test) {
//!     assert_eq!(*probability > 0.5, source.0[row][0] > 0.0);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
pub use linear_probe::{
    FoldGrouping, LinearProbe, LinearSettings, Selection, SelectionMethod, Solver, restore,
};
pub use prepare::gram::{GramProduct, faer_gram};
pub use seqprobe_core::ClassWeight;
pub use solvers::elastic_net_path::{ElasticNetPath, FittedElasticNet, PenaltyPath};
pub use solvers::logistic::{ClassLabels, FittedLogistic, LogisticPath, exact_logistic};
pub use solvers::ridge::{FittedRidge, RidgePath, exact_ridge};
