//! Settings of the neural probes: as a probe holds them, and as a suite writes them.

mod matched_settings;
mod ranges;
mod suite_settings;
mod training_settings;

pub use matched_settings::{AttentionSettings, CnnSettings, MlpSettings, Reduction};
pub use suite_settings::{AttentionProbeSettings, NeuralSettings};
pub use training_settings::{ClassWeight, Loss, OptimiserKind, Schedule, Search, TrainingSettings};

/// Bytes of features in memory while fitting: 512 MiB, so that five fits side by side stay within 4 GiB.
pub(crate) const DEFAULT_MEMORY_BUDGET_BYTES: usize = 512 << 20;
