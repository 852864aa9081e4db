//! Where a table begins: comment lines, Excel's `sep=` line, the header, the delimiter.

use super::columns::Layout;
use super::data_file::{BUFFER, DataFile};
use super::delimiter::{Delimiter, guess_delimiter};
use super::fields::{fields, n_fields, records};
use super::header::{has_dna_column, has_row_names, is_header_with_hash, is_row};
use super::limited_reader::{LimitedReader, read_error};
use crate::card::Format;
use crate::error::DataError;
use std::io::BufRead;

/// What is known of a table before its header is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableStart {
    /// What separates the fields.
    pub(crate) delimiter: u8,
    /// The header has one field less than the rows: R's row names have no name.
    pub(crate) has_row_names: bool,
    /// The header begins with `#`, which is not a part of the first name.
    pub(crate) has_hash: bool,
}

/// Reads over comment lines and Excel's `sep=` line, and finds the delimiter. `start` are the first bytes of the text.
pub(crate) fn read_table_start(
    file: &DataFile,
    reader: &mut LimitedReader,
    start: &[u8],
    layout: Layout,
) -> Result<TableStart, DataError> {
    let path = file.path();
    // A last line that is cut by the end of the sample says nothing about the number of fields.
    let whole = match start.iter().rposition(|&byte| byte == b'\n') {
        Some(end) if start.len() >= BUFFER => &start[..end],
        _ => start,
    };
    let lines: Vec<&[u8]> = whole.split(|&byte| byte == b'\n').collect();
    let is_blank = |line: &&[u8]| line.trim_ascii().is_empty();
    let mut stated = layout.delimiter;
    let mut has_hash = false;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let line = without_cr(line);
        let next =
            lines[at + 1..].iter().find(|line| !is_blank(line)).map_or(&b""[..], |line| without_cr(line));
        let candidates = stated.map_or_else(|| vec![b'\t', b',', b';'], |one| vec![one]);
        if let Some(delimiter) = delimiter_of_excel(line) {
            stated = stated.or(Some(delimiter));
        } else if line.starts_with(b"#") {
            has_hash = layout.has_header && is_header_with_hash(line, next, &candidates);
            // Without a header, an id that begins with `#` is no comment.
            if has_hash || candidates.iter().any(|&one| has_dna_column(&[fields(line, one)])) {
                break;
            }
        } else if !is_blank(&line)
            && !is_comment_with_semicolon(line, next)
            && (layout.has_header || !is_track_line(line))
        {
            break;
        }
        at += 1;
    }
    let mut skipped = Vec::new();
    for _ in 0..at {
        skipped.clear();
        let read = reader.read_until(b'\n', &mut skipped);
        read.map_err(|source| read_error(path, reader.lines_read() + 1, source))?;
    }
    let n_bytes: usize = lines.iter().take(at).map(|line| line.len() + 1).sum();
    let sample = whole.get(n_bytes..).unwrap_or_default();
    let delimiter = match (stated, layout.format) {
        (Some(delimiter), _) => delimiter,
        (None, Some(Format::Tsv)) => b'\t',
        (None, format) => guess_delimiter(file, sample, format, layout.has_header)?,
    };
    let records = records(sample, delimiter);
    let Some((first, rows)) = records.split_first() else {
        return Ok(TableStart { delimiter, has_row_names: false, has_hash });
    };
    if layout.has_header && !has_hash && is_row(first, rows) {
        let message = "the first line looks like data, not like the names of the columns\n  hint: if the file has no \
                       header, use --no-header (in a card: header = false); columns are then numbers from 0";
        return Err(DataError::line(path, at as u64 + 1, message));
    }
    let has_row_names = layout.has_header && has_row_names(first, rows);
    Ok(TableStart { delimiter, has_row_names, has_hash })
}

/// A line of BED that says how a genome browser shows what follows.
fn is_track_line(line: &[u8]) -> bool {
    line.starts_with(b"track ") || line.starts_with(b"browser ")
}

/// A line without the carriage return of CRLF.
fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The delimiter of a first line `sep=;`, which Excel writes and reads.
fn delimiter_of_excel(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(line);
    let (word, delimiter) = line.split_at_checked(4)?;
    let is_sep = word.eq_ignore_ascii_case(b"sep=");
    let text = std::str::from_utf8(delimiter).ok().filter(|text| is_sep && text.chars().count() == 1)?;
    text.parse().ok().map(Delimiter::byte)
}

/// A line with `;` is a comment, not a row whose first field is empty.
fn is_comment_with_semicolon(line: &[u8], next: &[u8]) -> bool {
    let n = n_fields(line, b';');
    line.starts_with(b";") && (line.starts_with(b"; ") || n != n_fields(next, b';'))
}
