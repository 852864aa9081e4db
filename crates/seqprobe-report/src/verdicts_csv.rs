//! `verdicts.csv`: one row per comparison.

use crate::error::ReportError;
use crate::record::RunRecord;

pub(crate) fn render(record: &RunRecord) -> Result<String, ReportError> {
    Ok(record.suite.clone())
}
