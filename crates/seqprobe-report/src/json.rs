//! `run.json`: the run record as JSON, indented so that two runs can be compared line by line.

use crate::error::ReportError;
use crate::record::RunRecord;

pub(crate) fn render(record: &RunRecord) -> Result<String, ReportError> {
    let mut text =
        serde_json::to_string_pretty(record).map_err(|error| ReportError::render("json", error))?;
    text.push('\n');
    Ok(text)
}
