//! Domain types that all crates share: sequences, datasets, tasks, targets, features, probes, seeds and digests.
//!
//! Nothing in this crate reads a file, opens a socket or knows libtorch. A value of one of these types was checked when
//! it was built, and is not checked again.

pub mod audit;
pub mod class_weight;
pub mod clusters;
pub mod config;
pub mod dataset;
pub mod digest;
pub mod features;
pub mod fit_report;
pub mod layer;
pub mod numeric;
pub mod pooling;
pub mod probe;
pub mod probe_error;
pub mod row_ids;
pub mod seed;
pub mod selected_element;
pub mod sequence;
pub mod settings;
pub mod stored_probe;
pub mod targets;
pub mod task;
pub mod torch_text;

pub use class_weight::ClassWeight;
pub use config::{ConfigError, parse_toml};
pub use dataset::{Dataset, PublishedScore, Split, Splits};
pub use digest::Digest;
pub use features::{FeatureError, FeatureKind, FeatureSource, FeatureView};
pub use fit_report::FitReport;
pub use layer::{LayerIndex, UnknownLayer};
pub use pooling::{Pooling, UnknownPooling};
pub use probe::{Candidate, FittedProbe, Grouping, LabelledView, Probe, ProbeFit};
pub use probe_error::ProbeError;
pub use row_ids::RowIds;
pub use seed::Seed;
pub use selected_element::SelectedElement;
pub use sequence::{BaseCounts, DnaSequence, SequenceError};
pub use settings::{SettingsError, known_keys, settings_from_table};
pub use stored_probe::{NamedArray, StoredProbe};
pub use targets::Targets;
pub use task::{Task, TaskKind};
