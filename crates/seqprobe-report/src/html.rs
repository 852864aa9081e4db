//! `report.html`: one self-contained page.

use crate::error::ReportError;
use crate::record::RunRecord;

pub(crate) fn render(record: &RunRecord) -> Result<String, ReportError> {
    Ok(record.suite.clone())
}
