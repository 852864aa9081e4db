//! `junit.xml`: one suite per dataset, one case per cell. A failed cell is a failure, a cell that cannot exist is
//! skipped.

use crate::derive::RunView;
use crate::error::ReportError;
use crate::record::choice::{primary_test_score, value_reason};
use crate::record::{CellRecord, Status};
use crate::wording::names::{metric_name, one_line, status_word};
use crate::wording::quantities::value;
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use std::time::Duration;

pub(crate) fn render(view: &RunView<'_>) -> Result<String, ReportError> {
    let mut report = Report::new(format!("seqprobe {}", view.record.suite));
    report.set_time(seconds(view.record.provenance.seconds));
    for view in &view.datasets {
        let dataset = view.record;
        let mut suite = TestSuite::new(dataset.id.as_str());
        suite.set_time(seconds(view.seconds));
        suite.add_property(Property::new("metric", dataset.metric.as_str()));
        suite.add_property(Property::new("digest", dataset.digest.as_str()));
        for cell in &view.cells {
            suite.add_test_case(case(cell));
        }
        report.add_test_suite(suite);
    }
    report.to_string().map_err(|error| ReportError::render("junit", error))
}

fn case(cell: &CellRecord) -> TestCase {
    let reason = one_line(cell.reason.as_deref().unwrap_or("no reason given"));
    let mut status = match cell.status {
        Status::Ok => TestCaseStatus::success(),
        Status::NotApplicable => TestCaseStatus::skipped(),
        Status::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
    };
    if cell.status != Status::Ok {
        status.set_type(status_word(cell.status)).set_message(reason);
    }
    let id = &cell.id;
    let words = id.words();
    let name = format!("{}/{}", id.representation, words.join("/"));
    let mut case = TestCase::new(name, status);
    case.set_classname(id.dataset.as_str()).set_time(seconds(cell.seconds));
    if let Some(score) = primary_test_score(cell) {
        let reason = value_reason(&score.value).map(|reason| format!(": {reason}")).unwrap_or_default();
        let value = value(&score.value);
        case.set_system_out(format!(
            "{} on test, n = {}: {value}{reason}",
            metric_name(&score.metric),
            score.n
        ));
    }
    case
}

/// Seconds as a duration; 0 if they are negative or too large, which no clock gives.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
