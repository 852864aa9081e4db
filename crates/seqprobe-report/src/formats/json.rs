//! `run.json`: the run record as JSON, indented, so that two runs can be compared line by line.

use crate::derive::RunView;
use crate::error::ReportError;

pub(crate) fn render(view: &RunView<'_>) -> Result<String, ReportError> {
    let mut text =
        serde_json::to_string_pretty(view.record).map_err(|error| ReportError::render("json", error))?;
    text.push('\n');
    Ok(text)
}
