//! Run record, renderers and stored predictions: everything that is serialised is defined here.
//!
//! Rendering never recomputes: each renderer is a function of a [`RunRecord`] and stored predictions.

pub mod error;
pub mod folder;
pub mod format;
mod html;
mod json;
mod junit;
mod markdown;
pub mod predictions;
pub mod record;
mod results_csv;
mod table;
mod verdicts_csv;

pub use error::ReportError;
pub use folder::{read_predictions, read_run, write_run};
pub use format::{FORMATS, Format, render};
pub use predictions::{
    CellPredictions, OutputName, SeedPredictions, SplitPredictions, predictions_file_name,
};
pub use record::RunRecord;
pub use table::render_table;
