//! Splits text into records and fields, by the rules of RFC 4180 where fields can be quoted. A quote that is not closed,
//! or that closes in the middle of a field, is an error: a reader that goes on would lose the rows in between.

use super::limited_reader::{LimitedReader, MAX_COLUMNS, read_error};
use crate::error::DataError;
use std::io::BufRead;
use std::path::Path;

/// The fields of one row, as bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// 1-based line at which it starts.
    pub(crate) line: u64,
    /// All fields, one after the other.
    bytes: Vec<u8>,
    /// Where each field ends.
    ends: Vec<usize>,
}

impl Record {
    /// Number of fields.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field; empty where there is none.
    pub(crate) fn get(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let range = start.zip(self.ends.get(index).copied());
        range.and_then(|(start, end)| self.bytes.get(start..end)).unwrap_or_default()
    }

    fn end_field(&mut self) {
        self.ends.push(self.bytes.len());
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

/// Reads records from text.
pub(crate) struct Records<'a> {
    path: &'a Path,
    reader: LimitedReader,
    delimiter: u8,
    /// Fields can be in double quotes. In TSV a quote is a letter.
    has_quotes: bool,
    text: Vec<u8>,
}

/// Why the text so far is not a record.
enum Broken {
    /// A quoted field goes on in the next line. Offsets of its quote, and of the first byte that is not read yet.
    Open { quote: usize, at: usize },
    /// Something other than a delimiter follows the quote that closes the field which opens at this offset.
    AfterQuote { quote: usize },
    /// More fields than any table has.
    TooManyFields,
}

impl<'a> Records<'a> {
    pub(crate) fn new(path: &'a Path, reader: LimitedReader, delimiter: u8) -> Self {
        Self { path, reader, delimiter, has_quotes: delimiter != b'\t', text: Vec::new() }
    }

    /// Reads the next record; false at the end of the file. Blank lines are not records.
    pub(crate) fn next(&mut self, record: &mut Record) -> Result<bool, DataError> {
        record.clear();
        loop {
            self.reader.start_record();
            self.text.clear();
            record.line = self.reader.lines_read() + 1;
            if !self.read_line(record.line)? {
                return Ok(false);
            }
            if !self.is_blank() {
                break;
            }
        }
        let mut broken = self.split(record, 0, None);
        while let Err(Broken::Open { quote, at }) = broken {
            if !self.read_line(record.line)? {
                let message = "a double quote opens here and is not closed\n  hint: close it, or write a quote inside \
                               a quoted field twice";
                return Err(self.error_at(record, quote, message));
            }
            broken = self.split(record, at, Some(quote));
        }
        match broken {
            Ok(()) => Ok(true),
            Err(Broken::AfterQuote { quote }) => {
                let message = "a field in double quotes goes on behind the closing quote\n  hint: close the quote where \
                               the field ends, and write a quote inside a quoted field twice";
                Err(self.error_at(record, quote, message))
            }
            Err(Broken::TooManyFields | Broken::Open { .. }) => {
                let message = format!("the line has more than {MAX_COLUMNS} fields");
                Err(DataError::line(self.path, record.line, message))
            }
        }
    }

    /// Adds the next line, with its line feed, to the text; false at the end of the file.
    fn read_line(&mut self, first_line: u64) -> Result<bool, DataError> {
        let line = self.reader.lines_read() + 1;
        let from = self.text.len();
        let n_bytes = match self.reader.read_until(b'\n', &mut self.text) {
            Ok(n_bytes) => n_bytes,
            Err(source) => return Err(read_error(self.path, first_line, source)),
        };
        if self.text[from..].contains(&0) {
            let message =
                "contains NUL bytes: it is damaged, or not text\n  hint: copy or download the file again";
            return Err(DataError::line(self.path, line, message));
        }
        Ok(n_bytes > 0)
    }

    /// A line of blanks, or the Ctrl-Z with which old programs end a file.
    fn is_blank(&self) -> bool {
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() && *byte != self.delimiter;
        self.text.iter().all(is_blank) || self.text.trim_ascii() == [0x1a]
    }

    /// Splits the text from an offset on; `open` is the offset of the quote of a field that is not complete.
    fn split(&self, record: &mut Record, from: usize, mut open: Option<usize>) -> Result<(), Broken> {
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let mut at = from;
        loop {
            if record.len() == MAX_COLUMNS {
                return Err(Broken::TooManyFields);
            }
            let quote = open.take().map(|quote| (quote, at)).or_else(|| {
                let quote = self.opening_quote(text, at)?;
                Some((quote, quote + 1))
            });
            at = match quote {
                Some((quote, from)) => self.quoted_field(text, quote, from, record)?,
                None => {
                    let rest = &text[at..];
                    let n_bytes = rest.iter().position(|&byte| byte == self.delimiter).unwrap_or(rest.len());
                    record.bytes.extend_from_slice(&rest[..n_bytes]);
                    at + n_bytes
                }
            };
            record.end_field();
            if at == text.len() {
                return Ok(());
            }
            at += 1;
        }
    }

    /// The offset of the quote with which a field begins, perhaps after blanks.
    fn opening_quote(&self, text: &[u8], at: usize) -> Option<usize> {
        let quote = at + self.n_blanks(&text[at..]);
        (self.has_quotes && text.get(quote) == Some(&b'"')).then_some(quote)
    }

    /// Adds the rest of a quoted field; gives the offset of the delimiter behind it, or of the end.
    fn quoted_field(
        &self,
        text: &[u8],
        quote: usize,
        mut at: usize,
        record: &mut Record,
    ) -> Result<usize, Broken> {
        loop {
            let Some(n_bytes) = text[at..].iter().position(|&byte| byte == b'"') else {
                record.bytes.extend_from_slice(&text[at..]);
                return Err(Broken::Open { quote, at: text.len() });
            };
            record.bytes.extend_from_slice(&text[at..at + n_bytes]);
            at += n_bytes + 1;
            if text.get(at) != Some(&b'"') {
                break;
            }
            record.bytes.push(b'"');
            at += 1;
        }
        at += self.n_blanks(&text[at..]);
        match text.get(at) {
            None => Ok(at),
            Some(&byte) if byte == self.delimiter => Ok(at),
            Some(_) => Err(Broken::AfterQuote { quote }),
        }
    }

    fn n_blanks(&self, text: &[u8]) -> usize {
        text.iter().take_while(|&&byte| byte == b' ' && byte != self.delimiter).count()
    }

    /// An error at the line of an offset into the record.
    fn error_at(&self, record: &Record, offset: usize, message: &str) -> DataError {
        let breaks = self.text.iter().take(offset).filter(|&&byte| byte == b'\n').count() as u64;
        DataError::line(self.path, record.line + breaks, message)
    }
}
