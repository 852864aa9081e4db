//! The run record: everything that `run.json` has. [`RunRecord`] is its top; `SCHEMA_VERSION` is its version.

mod cell;
mod cell_coordinates;
pub(crate) mod cell_id;
pub mod choice;
mod description;
pub mod diagnostics;
pub(crate) mod finite;
mod qualification;
mod run;
mod score;
mod verdict;
mod warning;
mod word;

pub use cell::{CHOSEN_RULE, COVERED_ROWS, CellRecord, CostRecord, Role, SeedFit, Status};
pub use cell_coordinates::{Fraction, RANDOM_PREFIX, ReadingSetting, RepresentationName, Variant};
pub use cell_id::CellId;
pub use description::{DescriptionRecord, DescriptionValue, RangeRecord};
pub use qualification::Qualification;
pub use run::{DatasetRecord, ModelOrigin, Provenance, RunRecord, SCHEMA_VERSION};
pub use score::{EstimateRecord, ScoreRecord, ScoreValue, ScoredTarget};
pub use seqprobe_stats::verdict::Verdict;
pub use verdict::{
    CompanionRecord, ComparisonRecord, ModelComparison, PowerRecord, ProbeScope, TestRecord, VerdictRecord,
};
pub use warning::{ControlComparison, ControlKind, Gain, PairedDifference, Warning};
