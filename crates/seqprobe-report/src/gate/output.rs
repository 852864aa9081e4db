//! Output of the gate: a table for people, JUnit for CI, annotations for GitHub. The JSON is [`GateReport`] itself.

use super::run_comparison::{new_table, shown_difference};
use super::{GateCell, GateReport, Outcome};
use crate::error::ReportError;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

impl GateReport {
    /// The report as text for a terminal: the cells that changed, then the counts.
    pub fn to_text(&self) -> String {
        let mut lines = Vec::new();
        let changed: Vec<&GateCell> =
            self.cells.iter().filter(|cell| cell.outcome != Outcome::Unchanged).collect();
        if !changed.is_empty() {
            let mut table = new_table(&["outcome", "cell", "metric", "accepted", "now", "difference", "why"]);
            for cell in changed {
                table.add_row([
                    cell.outcome.as_str().to_owned(),
                    cell.cell.clone(),
                    cell.metric.clone(),
                    number(cell.accepted),
                    number(cell.current),
                    cell.delta.as_ref().map(shown_difference).unwrap_or_default(),
                    cell.reason.clone().unwrap_or_default(),
                ]);
            }
            lines.push(table.trim_fmt());
        }
        lines.extend(self.not_recomputed.clone());
        lines.push(self.summary());
        lines.join("\n")
    }

    /// The counts in one sentence, and how the differences were computed.
    pub fn summary(&self) -> String {
        let count = |outcome: Outcome| format!("{} {}", self.count(outcome), outcome.as_str());
        let counts = [
            count(Outcome::Regressed),
            count(Outcome::Improved),
            count(Outcome::Unchanged),
            count(Outcome::Missing),
            count(Outcome::NotComparable),
            count(Outcome::New),
        ];
        let how = match (self.exact, self.paired) {
            (true, _) => "exact: every score must be identical",
            (false, true) => "paired by example",
            (false, false) => {
                "UNPAIRED, because the accepted predictions are missing: small regressions cannot be detected, and the \
                accepted points are not recomputed"
            }
        };
        let state = if self.is_open() { "open" } else { "closed" };
        format!("gate {state}: {} (margin {}; {how})", counts.join(", "), self.margin)
    }

    /// JUnit XML, one case per cell.
    ///
    /// # Errors
    /// [`ReportError::Render`] when it cannot be written.
    pub fn to_junit(&self) -> Result<String, ReportError> {
        let mut report = Report::new("seqprobe check");
        let mut suite = TestSuite::new(self.suite.as_str());
        for cell in &self.cells {
            let closes = self.closes(cell);
            let mut status = match cell.outcome {
                _ if closes => TestCaseStatus::non_success(NonSuccessKind::Failure),
                Outcome::Missing => TestCaseStatus::skipped(),
                _ => TestCaseStatus::success(),
            };
            if closes || cell.outcome == Outcome::Missing {
                status.set_type(cell.outcome.as_str()).set_message(sentence(cell));
            }
            let mut case = TestCase::new(cell.cell.as_str(), status);
            case.set_system_out(sentence(cell));
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
        report.to_string().map_err(|error| ReportError::render("junit", error))
    }

    /// Workflow commands of GitHub Actions: an error per cell that closes the gate, a notice per improvement.
    pub fn to_github_annotations(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for cell in &self.cells {
            let kind = if self.closes(cell) {
                "error"
            } else if cell.outcome == Outcome::Improved {
                "notice"
            } else {
                continue;
            };
            let title = format!("seqprobe: {}", cell.outcome.as_str());
            lines.push(format!("::{kind} title={}::{}", property(&title), message(&sentence(cell))));
        }
        lines
    }

    fn closes(&self, cell: &GateCell) -> bool {
        match cell.outcome {
            Outcome::Regressed | Outcome::NotComparable => true,
            Outcome::Missing => !self.lenient,
            _ => false,
        }
    }
}

fn sentence(cell: &GateCell) -> String {
    let mut text =
        format!("{} {}: {} → {}", cell.cell, cell.metric, number(cell.accepted), number(cell.current));
    if let Some(delta) = &cell.delta {
        text.push_str(&format!(", difference {}", shown_difference(delta)));
    }
    if let Some(reason) = &cell.reason {
        text.push_str(&format!(", {reason}"));
    }
    text
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

/// Escapes as the workflow command syntax wants: percent and line ends, in properties colon and comma too.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
