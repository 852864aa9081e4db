//! Run record, run folders, report formats, stored predictions and the regression gate: this crate defines
//! everything that is stored of a run.
//!
//! | module | what it is for |
//! |---|---|
//! | `record` | what `run.json` has: cells, scores, verdicts, warnings; the choice of a cell on validation |
//! | `run_folder` | a run and its predictions on disk, all or nothing |
//! | `derive` | what reports show and the record does not have itself: ranks, curves, choices |
//! | `wording` | names, numbers and sentences |
//! | `formats` | one renderer for each report format |
//! | `gate` | a run compared with an accepted baseline, or with another run |
//!
//! Renderers compute nothing: `derive` makes a view of the record, and each renderer words or draws that view.
//!
//! A run record, rendered as the table of a terminal:
//!
//! ```
//! use seqprobe_report::record::{Provenance, RunRecord, SCHEMA_VERSION, Warning};
//!
//! # fn main() -> Result<(), seqprobe_report::ReportError> {
//! let record = RunRecord {
//!     schema_version: SCHEMA_VERSION,
//!     suite: "example".to_owned(),
//!     provenance: Provenance::default(),
//!     datasets: Vec::new(),
//!     cells: Vec::new(),
//!     verdicts: Vec::new(),
//!     model_comparisons: Vec::new(),
//!     warnings: vec![Warning::AmbiguousBases { dataset: "d".to_owned(), bases: 4 }],
//!     diagnostics: Vec::new(),
//!     ranks: None,
//! };
//! let text = seqprobe_report::render(&record, "table")?;
//! assert!(text.starts_with("warning: d: 4 bases are N or another ambiguity code"));
//! # Ok(())
//! # }
//! ```

mod derive;
mod error;
mod formats;
pub mod gate;
pub mod record;
pub mod run_folder;
mod wording;

pub use error::ReportError;
pub use formats::{FORMATS, Format, render, render_table};
pub use gate::baseline::{Baseline, accept, read_baseline};
pub use gate::run_comparison::{RunComparison, compare_runs};
pub use gate::{GateOptions, GateReport, Outcome, check};
pub use record::choice::{choose_on_validation, point, primary_test_score, validation_loss};
pub use record::{RunRecord, diagnostics};
pub use run_folder::predictions::{
    CellPredictions, OutputName, SeedPredictions, SplitPredictions, predictions_file_name,
};
pub use run_folder::{predictions_path, read_predictions, read_run, write_run};
pub use wording::audit::{audit_lines, shift_lines};
pub use wording::quantities;
pub use wording::quantities::value;
pub use wording::warnings::{gain_text, warning_text};
