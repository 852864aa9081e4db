//! Opening a data file: digest, gzip, byte-order mark, format, and limits against hostile input.
//!
//! Knows bytes and lines, not rows.

use crate::card::Format;
use crate::error::DataError;
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// Maximum length of a line or FASTA record, in bytes.
pub(crate) const MAX_RECORD: u64 = 64 << 20;
/// Maximum size of a file after decompression, in bytes.
pub(crate) const MAX_FILE: u64 = 16 << 30;
/// Text that a gzip file of any size may contain, in bytes.
pub(crate) const MIN_UNPACKED: u64 = 256 << 20;
/// Above that, the maximum bytes of text per byte of a gzip file. Sequences compress to a quarter, a decompression
/// bomb to a thousandth.
pub(crate) const MAX_UNPACKED: u64 = 200;
/// Maximum number of rows of one file.
pub(crate) const MAX_ROWS: u64 = 20_000_000;
/// Maximum number of columns of a CSV or TSV file.
pub(crate) const MAX_COLUMNS: usize = 100_000;
/// Bytes of a file from which its format is guessed.
const PEEKED: u64 = 64 << 10;

/// A file ready to be read: decompressed, without byte-order mark, its format known.
pub(crate) struct Opened {
    /// The text; it ends with a line break.
    pub(crate) reader: LimitedReader,
    /// What the file is.
    pub(crate) format: Format,
    /// What separates the fields of CSV and TSV.
    pub(crate) delimiter: u8,
}

/// The SHA-256 digest of a file, 64 lower-case hexadecimal digits.
pub(crate) fn sha256_of(path: &Path) -> Result<String, DataError> {
    let mut file = File::open(path).map_err(|source| DataError::io(path, source))?;
    digest(&mut file).map_err(|source| DataError::io(path, source))
}

/// Opens a file, checks its digest when one is given, and guesses its format unless it is given.
pub(crate) fn open(
    path: &Path,
    expected_sha256: Option<&str>,
    format: Option<Format>,
    delimiter: Option<u8>,
) -> Result<Opened, DataError> {
    let io_error = |source| DataError::io(path, source);
    let mut file = File::open(path).map_err(io_error)?;
    if let Some(expected) = expected_sha256 {
        let got = digest(&mut file).map_err(io_error)?;
        if !got.eq_ignore_ascii_case(expected) {
            return Err(DataError::Digest { path: path.to_owned(), expected: expected.to_owned(), got });
        }
        file.seek(SeekFrom::Start(0)).map_err(io_error)?;
    }
    let packed_bytes = file.metadata().map_err(io_error)?.len();
    let mut plain = BufReader::with_capacity(PEEKED as usize, file);
    let is_gzip = plain.fill_buf().map_err(io_error)?.starts_with(&[0x1f, 0x8b]);
    let mut text: Box<dyn BufRead> = if is_gzip {
        Box::new(BufReader::with_capacity(PEEKED as usize, MultiGzDecoder::new(plain)))
    } else {
        Box::new(plain)
    };
    let mut start = Vec::new();
    text.by_ref().take(PEEKED).read_to_end(&mut start).map_err(io_error)?;
    if start.starts_with(b"\xef\xbb\xbf") {
        start.drain(..3);
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(DataError::file(path, "is UTF-16 text\n  hint: save it as UTF-8"));
    }
    if start.iter().all(u8::is_ascii_whitespace) && (start.len() as u64) < PEEKED {
        return Err(DataError::file(path, "is empty"));
    }
    let format = format.unwrap_or_else(|| guess_format(&start));
    let delimiter = delimiter.unwrap_or_else(|| match format {
        Format::Tsv => b'\t',
        Format::Csv | Format::Fasta => guess_comma(&start),
    });
    let whole = Cursor::new(start).chain(text).chain(Cursor::new(b"\n"));
    let mut reader = LimitedReader::new(Box::new(whole));
    if is_gzip {
        reader.max_unpacked = Some(packed_bytes.saturating_mul(MAX_UNPACKED).max(MIN_UNPACKED));
    }
    Ok(Opened { reader, format, delimiter })
}

/// A reader that counts lines and rejects records and files that are too large.
pub(crate) struct LimitedReader {
    inner: Box<dyn BufRead>,
    lines: u64,
    bytes_of_record: u64,
    max_record: u64,
    bytes: u64,
    /// Bytes that a gzip file of this size may contain.
    max_unpacked: Option<u64>,
}

impl LimitedReader {
    fn new(inner: Box<dyn BufRead>) -> Self {
        Self { inner, lines: 0, bytes_of_record: 0, max_record: MAX_RECORD, bytes: 0, max_unpacked: None }
    }

    /// Line breaks read so far.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    /// Sets the maximum length of a record in place of [`MAX_RECORD`]: chromosomes are longer.
    pub(crate) fn set_max_record(&mut self, most: u64) {
        self.max_record = most;
    }

    /// Starts to count the bytes of a record.
    pub(crate) fn start_record(&mut self) {
        self.bytes_of_record = 0;
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
        if self.bytes_of_record > self.max_record {
            let message = format!(
                "a line or record is longer than {} MiB\n  hint: look for a missing line break or an unclosed quote",
                self.max_record >> 20
            );
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        if self.bytes > MAX_FILE {
            let message = format!("the file has more than {} GiB of text", MAX_FILE >> 30);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        if let Some(most) = self.max_unpacked.filter(|&most| self.bytes > most) {
            let message = format!(
                "the gzip file has more than {} MiB of text, over {MAX_UNPACKED} times its own size\n  hint: if that \
                is right, decompress it first",
                most >> 20
            );
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
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

/// An error while reading at a line: names the line when something is too large, else gives the system's reason.
pub(crate) fn read_error(path: &Path, line: u64, error: io::Error) -> DataError {
    if error.kind() == io::ErrorKind::FileTooLarge {
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

fn digest(file: &mut File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(file, &mut hasher)?;
    Ok(hex::encode(hasher.finalize()))
}

/// FASTA starts with `>`; a first line with more tabs than commas or semicolons is TSV.
fn guess_format(start: &[u8]) -> Format {
    if start.trim_ascii_start().starts_with(b">") {
        return Format::Fasta;
    }
    let tabs = count_in_first_line(start, b'\t');
    let others = count_in_first_line(start, b',').max(count_in_first_line(start, b';'));
    if tabs > others { Format::Tsv } else { Format::Csv }
}

/// A comma, unless the first line has semicolons and no comma.
fn guess_comma(start: &[u8]) -> u8 {
    let commas = count_in_first_line(start, b',');
    if commas == 0 && count_in_first_line(start, b';') > 0 { b';' } else { b',' }
}

/// How often a byte occurs in the first line that is not blank, outside double quotes.
fn count_in_first_line(start: &[u8], wanted: u8) -> usize {
    let mut is_quoted = false;
    let mut count = 0;
    for &byte in start.trim_ascii_start() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            _ if byte == wanted && !is_quoted => count += 1,
            _ => {}
        }
    }
    count
}
