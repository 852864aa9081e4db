//! `report.md`: what fits a comment on a pull request.

use crate::error::ReportError;
use crate::record::RunRecord;

pub(crate) fn render(record: &RunRecord) -> Result<String, ReportError> {
    Ok(record.suite.clone())
}
