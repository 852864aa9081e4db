//! Settings of the neural probes: those of the probes themselves, and the keys of a suite.

mod matched_settings;
mod ranges;
mod suite_settings;
mod training_settings;

pub use matched_settings::{AttentionSettings, CnnSettings, MlpSettings, Reduction};
pub use suite_settings::{AttentionProbeSettings, NeuralSettings};
pub use training_settings::{Loss, OptimiserKind, Schedule, Search, TrainingSettings};

/// Maximum number of bytes of features in memory during a fit: 512 MiB, so that five parallel fits stay within 4 GiB.
pub(crate) const DEFAULT_MEMORY_BUDGET_BYTES: usize = 512 << 20;
