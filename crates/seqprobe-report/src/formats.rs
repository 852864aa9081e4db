//! The registry of report formats: one line for each way in which a run is shown or stored. A renderer words or draws a
//! view of the record and computes nothing.

pub(crate) mod html;
mod json;
mod junit;
mod markdown;
mod results_csv;
pub(crate) mod spreadsheet;
mod table;
mod verdicts_csv;

use crate::derive::RunView;
use crate::error::ReportError;
use crate::record::RunRecord;

/// One way to render a run.
pub struct Format {
    /// Name on the command line.
    pub id: &'static str,
    /// File in the run folder; `None` for a format that is only shown.
    pub file_name: Option<&'static str>,
    /// One line for help texts.
    pub about: &'static str,
    renderer: fn(&RunView<'_>) -> Result<String, ReportError>,
}

/// Every format, in the order in which files are put in place: `run.json` is last, because it marks a run as finished.
pub static FORMATS: &[Format] = &[
    Format { id: "table", file_name: None, about: "table for the terminal", renderer: table::render },
    Format {
        id: "csv",
        file_name: Some("results.csv"),
        about: "one row per score",
        renderer: results_csv::render,
    },
    Format {
        id: "verdicts",
        file_name: Some("verdicts.csv"),
        about: "one row per comparison with a baseline",
        renderer: verdicts_csv::render,
    },
    Format {
        id: "html",
        file_name: Some("report.html"),
        about: "self-contained page",
        renderer: html::render,
    },
    Format {
        id: "md",
        file_name: Some("report.md"),
        about: "summary for a comment",
        renderer: markdown::render,
    },
    Format {
        id: "junit",
        file_name: Some("junit.xml"),
        about: "one test case per cell",
        renderer: junit::render,
    },
    Format {
        id: "json",
        file_name: Some("run.json"),
        about: "the run record itself",
        renderer: json::render,
    },
];

impl Format {
    /// Renders a run. The text depends on the record only.
    ///
    /// # Errors
    /// [`ReportError`] of the renderer.
    pub fn render(&self, record: &RunRecord) -> Result<String, ReportError> {
        self.render_view(&RunView::of(record))
    }

    /// Renders a view that has been derived already.
    pub(crate) fn render_view(&self, view: &RunView<'_>) -> Result<String, ReportError> {
        (self.renderer)(view)
    }
}

/// The run as text for a terminal: warnings, the scores of each dataset, the findings in sentences.
pub fn render_table(record: &RunRecord) -> String {
    table::render_table(&RunView::of(record))
}

/// Renders a run in the format of an identifier.
///
/// # Errors
/// [`ReportError::UnknownFormat`], or what the renderer reports.
pub fn render(record: &RunRecord, id: &str) -> Result<String, ReportError> {
    let format = FORMATS.iter().find(|format| format.id == id).ok_or_else(|| {
        let known: Vec<&str> = FORMATS.iter().map(|format| format.id).collect();
        ReportError::UnknownFormat { id: id.to_owned(), known: known.join(", ") }
    })?;
    format.render(record)
}
