//! CSV that is safe to open in a spreadsheet: text that starts like a formula gets a leading `'`.

use crate::error::ReportError;

/// Rows under a header.
pub(crate) struct Sheet {
    format: &'static str,
    writer: csv::Writer<Vec<u8>>,
}

impl Sheet {
    /// A sheet with its header.
    pub(crate) fn new(format: &'static str, header: &[&str]) -> Result<Self, ReportError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(header).map_err(|error| ReportError::render(format, error))?;
        Ok(Self { format, writer })
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, fields: &[String; N]) -> Result<(), ReportError> {
        self.writer.write_record(fields).map_err(|error| ReportError::render(self.format, error))
    }

    /// The finished text.
    pub(crate) fn finish(self) -> Result<String, ReportError> {
        let bytes = self.writer.into_inner().map_err(|error| ReportError::render(self.format, error))?;
        String::from_utf8(bytes).map_err(|error| ReportError::render(self.format, error))
    }
}

/// A text from a user or a file. A single `-` means "none" and is not a formula.
pub(crate) fn text(value: &str) -> String {
    if value != "-" && value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        return format!("'{value}");
    }
    value.to_owned()
}

/// A number in the fewest digits that read back as the same number.
pub(crate) fn float(value: f64) -> String {
    // Rust's default form has no exponent; for numbers far from 1 it has hundreds of zeros.
    let size = value.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) { format!("{value}") } else { format!("{value:e}") }
}

/// A number, or nothing.
pub(crate) fn optional(value: Option<f64>) -> String {
    value.map(float).unwrap_or_default()
}
