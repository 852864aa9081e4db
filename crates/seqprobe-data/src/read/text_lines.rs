//! Lines of a text, without their ends.

use super::limited_reader::{LimitedReader, read_error};
use crate::error::DataError;
use std::io::BufRead;
use std::path::Path;

/// Reads one line after the other; the next one can be looked at first.
pub(crate) struct TextLines<'a> {
    path: &'a Path,
    reader: LimitedReader,
    line: Vec<u8>,
    number: u64,
    is_peeked: bool,
}

impl<'a> TextLines<'a> {
    pub(crate) fn new(path: &'a Path, reader: LimitedReader) -> Self {
        Self { path, reader, line: Vec::new(), number: 0, is_peeked: false }
    }

    /// The 1-based number of the line that was taken last.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Starts to count the bytes of a record.
    pub(crate) fn start_record(&mut self) {
        self.reader.start_record();
    }

    /// Looks at the next line, without its end; `None` at the end of the file.
    pub(crate) fn peek(&mut self) -> Result<Option<&[u8]>, DataError> {
        if !self.is_peeked {
            self.line.clear();
            self.reader
                .read_until(b'\n', &mut self.line)
                .map_err(|source| read_error(self.path, self.number + 1, source))?;
            self.is_peeked = true;
        }
        if self.line.is_empty() {
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// Takes the next line.
    pub(crate) fn take(&mut self) -> Result<Option<&[u8]>, DataError> {
        self.peek()?;
        let is_there = !self.line.is_empty();
        self.number += u64::from(is_there);
        // The end of the file stays the end.
        self.is_peeked = !is_there;
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        Ok(is_there.then(|| line.strip_suffix(b"\r").unwrap_or(line)))
    }
}
