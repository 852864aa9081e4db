//! Neural probes and their training loop: `cnn` and `attention` on token features, `mlp` on pooled ones, and the
//! presets: networks of publications.
//!
//! Tensors stay inside: features come in as [`seqprobe_core::FeatureView`], predictions leave as arrays. The caller
//! sets the number of libtorch's threads.
//!
//! ```
//! use seqprobe_core::{
//!     FeatureError, FeatureKind, FeatureSource, FeatureView, LabelledView, Probe, Seed, Targets, Task, TaskKind,
//! };
//! use seqprobe_neural::{MlpProbe, MlpSettings, TrainingSettings};
//!
//! /// 60 vectors of two values. The first value is 1 in every second row.
//! struct Vectors;
//!
//! impl FeatureSource for Vectors {
//!     fn n_rows(&self) -> usize { 60 }
//!     fn dim(&self) -> usize { 2 }
//!     fn kind(&self) -> FeatureKind { FeatureKind::Pooled }
//!     fn length(&self, _row: usize) -> usize { 1 }
//!     fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
//!         out.extend(rows.iter().flat_map(|&row| [(row % 2) as f32, row as f32]));
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let classes = vec!["no".to_owned(), "yes".to_owned()];
//! let task = Task { kind: TaskKind::Binary, targets: vec!["y".to_owned()], classes };
//! let labels = |rows: &[usize]| Targets::Classes {
//!     labels: rows.iter().map(|&row| (row % 2) as u32).collect(),
//!     n_classes: 2,
//! };
//! let (train, valid, test): (Vec<usize>, Vec<usize>, Vec<usize>) =
//!     ((0..40).collect(), (40..50).collect(), (50..60).collect());
//! let (train_labels, valid_labels) = (labels(&train), labels(&valid));
//! let training = TrainingSettings { batch_size: 8, ..MlpSettings::default().training };
//! let probe = MlpProbe::new(MlpSettings { training, ..MlpSettings::default() });
//! let fit = probe.fit(
//!     &task,
//!     LabelledView { features: FeatureView::new(&Vectors, &train)?, targets: &train_labels, groups: None },
//!     LabelledView { features: FeatureView::new(&Vectors, &valid)?, targets: &valid_labels, groups: None },
//!     Seed(1),
//! )?;
//! let probabilities = fit.fitted.predict(&FeatureView::new(&Vectors, &test)?)?;
//! assert!(probabilities[(0, 0)] < 0.5 && probabilities[(1, 0)] > 0.5);
//! # Ok(())
//! # }
//! ```

mod error;
mod matched_probe;
mod networks;
mod presets;
mod settings;
mod training;

pub use matched_probe::{AttentionProbe, CnnProbe, MatchedProbe, MlpProbe};
pub use presets::preset::{self, PRESETS, Preset};
pub use presets::preset_probe::PresetProbe;
pub use settings::{
    AttentionProbeSettings, AttentionSettings, CnnSettings, Loss, MlpSettings, NeuralSettings, OptimiserKind,
    Reduction, Schedule, Search, TrainingSettings,
};

/// Adam, AdamW and the curves of learning rates, which the probes and pretraining share.
pub mod optimisation {
    pub use crate::training::adam::{Adam, AdamStep, DOUBLE_BETAS};
    pub use crate::training::schedule::{half_cosine, warm_up};
}

use seqprobe_core::{FittedProbe, ProbeError, StoredProbe};

/// Rebuilds a fitted neural probe whose predictions are those of the probe that was stored, bit for bit.
///
/// # Errors
/// [`ProbeError::Stored`] when the kind is another, or an array is missing or has another shape.
pub fn restore(stored: &StoredProbe) -> Result<Box<dyn FittedProbe>, ProbeError> {
    Ok(Box::new(training::fitted_network::restore(stored)?))
}
