//! Whether a folder may get a run: it is new, or its run is of the same suite or file.

use crate::error::StudyError;
use crate::suite::Suite;
use seqprobe_core::Dataset;
use seqprobe_report::record::DatasetRecord;
use seqprobe_report::{ReportError, read_run};
use std::path::Path;
use std::sync::Arc;

/// Refuses a folder that has the run of another suite, or where one file is probed, of another file or target.
pub(crate) fn check_out(
    out: &Path,
    suite: &Suite,
    datasets: &[Arc<Dataset>],
    is_one_file: bool,
) -> Result<(), StudyError> {
    if !out.is_dir() {
        return Ok(());
    }
    let taken = |what: String| StudyError::TakenFolder { path: out.to_owned(), what };
    let record = match read_run(out) {
        Ok(record) => record,
        Err(ReportError::NoRun(_)) => return Ok(()),
        Err(error) => {
            return Err(taken(format!("a run that cannot be read ({})", first_line(&error.to_string()))));
        }
    };
    if record.suite != suite.name {
        return Err(taken(format!("the run of {:?}", record.suite)));
    }
    let is_same = |earlier: &DatasetRecord, dataset: &Dataset| {
        if is_one_file { earlier.digest == dataset.digest().to_string() } else { earlier.id == dataset.id }
    };
    if record.datasets.iter().any(|earlier| datasets.iter().any(|dataset| is_same(earlier, dataset))) {
        return Ok(());
    }
    let what = if is_one_file { "other data or another target" } else { "other datasets" };
    Err(taken(format!("a run of the same name with {what}")))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
