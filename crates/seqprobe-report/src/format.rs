//! The registry of report formats: one line for each way a run is shown or stored.

use crate::error::ReportError;
use crate::record::RunRecord;
use crate::{html, json, junit, markdown, results_csv, table, verdicts_csv};

/// One way to render a run.
pub struct Format {
    /// Name on the command line.
    pub id: &'static str,
    /// File in the run folder; `None` for a format that is only shown.
    pub file_name: Option<&'static str>,
    /// One line for help texts.
    pub about: &'static str,
    /// Renders; a function of the record and nothing else.
    pub render: fn(&RunRecord) -> Result<String, ReportError>,
}

/// Every format, in the order the files are put in place: `run.json` last, since it marks a run as finished.
pub static FORMATS: &[Format] = &[
    Format { id: "table", file_name: None, about: "table for the terminal", render: table::render },
    Format {
        id: "csv",
        file_name: Some("results.csv"),
        about: "one row per score",
        render: results_csv::render,
    },
    Format {
        id: "verdicts",
        file_name: Some("verdicts.csv"),
        about: "one row per comparison with a baseline",
        render: verdicts_csv::render,
    },
    Format { id: "html", file_name: Some("report.html"), about: "self-contained page", render: html::render },
    Format {
        id: "md",
        file_name: Some("report.md"),
        about: "summary for a comment",
        render: markdown::render,
    },
    Format {
        id: "junit",
        file_name: Some("junit.xml"),
        about: "one test case per cell",
        render: junit::render,
    },
    Format { id: "json", file_name: Some("run.json"), about: "the run record itself", render: json::render },
];

/// Renders a run in the format of an identifier.
///
/// # Errors
/// [`ReportError::UnknownFormat`], or what the renderer reports.
pub fn render(record: &RunRecord, id: &str) -> Result<String, ReportError> {
    let format = FORMATS.iter().find(|format| format.id == id).ok_or_else(|| {
        let known: Vec<&str> = FORMATS.iter().map(|format| format.id).collect();
        ReportError::UnknownFormat { id: id.to_owned(), known: known.join(", ") }
    })?;
    (format.render)(record)
}
