//! Domain types every room shares: sequences, datasets, tasks, targets, features, probes, seeds, digests.
//!
//! Nothing here reads a file, opens a socket or knows libtorch. A value of one of these types has been
//! checked when it was built; nothing downstream checks it again.

pub mod audit;
pub mod class_weight;
pub mod clusters;
pub mod config;
pub mod dataset;
pub mod digest;
pub mod features;
pub mod layer;
pub mod numeric;
pub mod pooling;
pub mod probe;
pub mod row_ids;
pub mod seed;
pub mod sequence;
pub mod settings;
pub mod targets;
pub mod task;

pub use class_weight::ClassWeight;
pub use config::{ConfigError, parse_toml};
pub use dataset::{Dataset, Split, Splits};
pub use digest::Digest;
pub use features::{FeatureError, FeatureKind, FeatureSource, FeatureView};
pub use layer::LayerIndex;
pub use pooling::Pooling;
pub use probe::{
    Candidate, FitReport, FittedProbe, Grouping, LabelledView, NamedArray, Probe, ProbeError, ProbeFit,
    SelectedElement, StoredProbe,
};
pub use row_ids::RowIds;
pub use seed::Seed;
pub use sequence::{DnaSequence, LetterCounts, SequenceError};
pub use settings::{SettingsError, known_keys, settings_from_table};
pub use targets::Targets;
pub use task::{Task, TaskKind};
