//! Run record, renderers and stored predictions: everything that is serialised is defined here.
//!
//! Rendering never recomputes: each renderer is a function of a [`RunRecord`] and stored predictions.

mod audit;
pub mod baseline;
mod baseline_predictions;
mod cell_id;
pub mod comparison;
pub mod diagnostics;
pub mod elements;
mod error;
mod finite;
pub mod folder;
pub mod format;
pub mod gate;
mod gate_output;
mod html;
mod json;
mod junit;
mod markdown;
mod prediction_file;
pub mod predictions;
pub mod record;
mod results_csv;
mod sentences;
mod spreadsheet;
mod staged;
mod sweeps;
mod table;
mod verdicts_csv;
mod warning;
mod warning_words;
mod words;

pub use audit::{audit_lines, shift_lines};
pub use baseline::{Baseline, accept, read_baseline};
pub use comparison::{RunComparison, compare_runs};
pub use error::ReportError;
pub use folder::{predictions_path, read_predictions, read_run, write_run};
pub use format::{FORMATS, Format, render};
pub use gate::{GateOptions, GateReport, Outcome, check};
pub use predictions::{
    CellPredictions, OutputName, SeedPredictions, SplitPredictions, predictions_file_name,
};
pub use record::RunRecord;
pub use table::render_table;
pub use warning_words::{gain_text, warning_text};
pub use words::{headline, point, validation_loss, value};
