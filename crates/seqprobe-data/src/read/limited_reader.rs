//! A reader of text that counts lines and refuses records and files that are too large.

use crate::error::DataError;
use std::io::{self, BufRead, Cursor, Read};
use std::path::Path;

/// Maximum length of a line of CSV or TSV, in bytes.
pub(crate) const MAX_RECORD: u64 = 64 << 20;
/// Maximum length of a FASTA record, in bytes: the largest known chromosomes have a few 10^9 bases.
pub(crate) const MAX_FASTA_RECORD: u64 = 8 << 30;
/// Maximum size of a file after decompression, in bytes.
pub(crate) const MAX_FILE: u64 = 64 << 30;
/// Text that a compressed file of any size may contain, in bytes.
pub(crate) const MIN_UNPACKED: u64 = 256 << 20;
/// Above that, the maximum bytes of text per byte of a compressed file. Sequences compress to a quarter, a
/// decompression bomb to a thousandth.
pub(crate) const MAX_UNPACKED: u64 = 200;
/// Maximum number of rows of one file.
pub(crate) const MAX_ROWS: u64 = 20_000_000;
/// Maximum number of columns of a CSV or TSV file.
pub(crate) const MAX_COLUMNS: usize = 100_000;

/// A reader that counts lines and rejects records and files that are too large.
pub(crate) struct LimitedReader {
    inner: Box<dyn BufRead + Send>,
    lines: u64,
    bytes_of_record: u64,
    max_record: u64,
    bytes: u64,
    /// Bytes that a compressed file of this size may contain.
    max_unpacked: Option<u64>,
}

impl LimitedReader {
    pub(crate) fn new(inner: Box<dyn BufRead + Send>, max_unpacked: Option<u64>) -> Self {
        Self { inner, lines: 0, bytes_of_record: 0, max_record: MAX_RECORD, bytes: 0, max_unpacked }
    }

    /// Line breaks read so far.
    pub(crate) fn lines_read(&self) -> u64 {
        self.lines
    }

    /// Sets the maximum length of a record in place of [`MAX_RECORD`].
    pub(crate) fn set_max_record(&mut self, most: u64) {
        self.max_record = most;
    }

    /// Starts to count the bytes of a record.
    pub(crate) fn start_record(&mut self) {
        self.bytes_of_record = 0;
    }

    /// Puts bytes that were read back in front of the rest; nothing of them has been counted.
    pub(crate) fn starting_with(mut self, start: Vec<u8>) -> Self {
        let rest = std::mem::replace(&mut self.inner, Box::new(io::empty()));
        self.inner = Box::new(Cursor::new(start).chain(rest));
        Self { lines: 0, bytes_of_record: 0, bytes: 0, ..self }
    }

    /// Adds a line break behind the last byte.
    pub(crate) fn with_last_line_break(mut self) -> Self {
        let rest = std::mem::replace(&mut self.inner, Box::new(io::empty()));
        self.inner = Box::new(rest.chain(Cursor::new(b"\n")));
        self
    }

    /// Reads carriage returns as line breaks: files of old Macs.
    pub(crate) fn with_carriage_returns(mut self) -> Self {
        let rest = std::mem::replace(&mut self.inner, Box::new(io::empty()));
        self.inner = Box::new(io::BufReader::new(CarriageReturns(rest)));
        self
    }
}

impl Read for LimitedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let n_bytes = available.read(buffer)?;
        self.consume(n_bytes);
        Ok(n_bytes)
    }
}

impl BufRead for LimitedReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let too_large = |message: String| Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        if self.bytes_of_record > self.max_record {
            return too_large(format!(
                "a line or record is longer than {} MiB\n  hint: look for a missing line break or an unclosed quote; \
                sequences that are longer can be read from FASTA",
                self.max_record >> 20
            ));
        }
        if self.bytes > MAX_FILE {
            return too_large(format!("the file has more than {} GiB of text", MAX_FILE >> 30));
        }
        if let Some(most) = self.max_unpacked.filter(|&most| self.bytes > most) {
            return too_large(format!(
                "the compressed file has more than {} MiB of text, over {MAX_UNPACKED} times its own size\n  hint: if \
                that is right, decompress it first",
                most >> 20
            ));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, n_bytes: usize) {
        // The inner buffer has not changed: the bytes consumed now are those that `fill_buf` gave.
        if let Ok(available) = self.inner.fill_buf() {
            self.lines += available.iter().take(n_bytes).filter(|&&byte| byte == b'\n').count() as u64;
        }
        self.bytes += n_bytes as u64;
        self.bytes_of_record += n_bytes as u64;
        self.inner.consume(n_bytes);
    }
}

/// Gives a line feed for each carriage return; both in one file are an error.
struct CarriageReturns(Box<dyn BufRead + Send>);

impl Read for CarriageReturns {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.0.read(buffer)?;
        for byte in &mut buffer[..n_bytes] {
            match byte {
                b'\r' => *byte = b'\n',
                b'\n' => {
                    let message =
                        "the line ends are CR at first and LF later\n  hint: convert all of them to LF";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, message));
                }
                _ => {}
            }
        }
        Ok(n_bytes)
    }
}

/// An error while reading at a line: names the line when something is too large or damaged, else gives the system's
/// reason.
pub(crate) fn read_error(path: &Path, line: u64, error: io::Error) -> DataError {
    if matches!(error.kind(), io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData) {
        return DataError::line(path, line, error.to_string());
    }
    DataError::io(path, error)
}

/// Rejects a file with more than [`MAX_ROWS`] rows.
pub(crate) fn check_row_count(path: &Path, line: u64, n_rows: u64) -> Result<(), DataError> {
    if n_rows > MAX_ROWS {
        return Err(DataError::line(path, line, format!("the file has more than {MAX_ROWS} rows")));
    }
    Ok(())
}
