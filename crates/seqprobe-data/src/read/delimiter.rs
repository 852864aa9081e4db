//! Where a table begins and what separates its fields: comment lines, `sep=`, the header, the delimiter.

use super::columns::Layout;
use super::data_file::DataFile;
use super::limited_reader::{LimitedReader, read_error};
use crate::card::Format;
use crate::error::DataError;
use seqprobe_files::FileKind;
use std::io::BufRead;
use std::str::FromStr;
use thiserror::Error;

/// Lines that are looked at to find the delimiter.
const LINES: usize = 20;
/// Minimum length of a field of DNA in a first line that is data; shorter texts may be names such as "A" or "TATA".
const MIN_DNA: usize = 8;

/// What separates the fields of a table: one ASCII character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiter(u8);

/// A text that is not a delimiter.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "{0:?} is not a delimiter\n  hint: one ASCII character such as \",\", or one of comma, tab, semicolon, space, pipe"
)]
pub struct DelimiterError(String);

impl Delimiter {
    /// The character as a byte.
    pub fn byte(self) -> u8 {
        self.0
    }

    /// A character that may separate fields: ASCII, and not one that has another meaning.
    ///
    /// # Errors
    /// [`DelimiterError`] for quotes, line ends, letters and digits, and characters that are not ASCII.
    pub fn from_char(letter: char) -> Result<Self, DelimiterError> {
        match u8::try_from(letter) {
            Ok(byte)
                if byte.is_ascii()
                    && !matches!(byte, b'"' | b'\n' | b'\r' | 0)
                    && !byte.is_ascii_alphanumeric() =>
            {
                Ok(Self(byte))
            }
            _ => Err(DelimiterError(letter.to_string())),
        }
    }
}

impl FromStr for Delimiter {
    type Err = DelimiterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut letters = text.chars();
        match (text, letters.next(), letters.next()) {
            ("comma", ..) => Ok(Self(b',')),
            ("tab" | "\\t", ..) => Ok(Self(b'\t')),
            ("semicolon", ..) => Ok(Self(b';')),
            ("space", ..) => Ok(Self(b' ')),
            ("pipe", ..) => Ok(Self(b'|')),
            (_, Some(letter), None) => Self::from_char(letter),
            _ => Err(DelimiterError(text.to_owned())),
        }
    }
}

/// What is known of a table before its header is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableStart {
    /// What separates the fields.
    pub(crate) delimiter: u8,
    /// The header has one field less than the rows: R's row names have no name.
    pub(crate) has_row_names: bool,
    /// Lines before the header or the first row.
    pub(crate) n_skipped: u64,
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
        Some(end) if start.len() >= super::data_file::BUFFER => &start[..end],
        _ => start,
    };
    let lines: Vec<&[u8]> = whole.split(|&byte| byte == b'\n').map(|line| line.trim_ascii_end()).collect();
    let mut at = 0;
    let next =
        |at: usize| lines.iter().skip(at + 1).find(|line| !line.is_empty()).copied().unwrap_or_default();
    let mut stated = layout.delimiter;
    let mut has_hash = false;
    while let Some(&line) = lines.get(at) {
        if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] = line {
            stated = stated.or(Some(*delimiter));
        } else if line.starts_with(b"#") {
            if layout.has_header && is_header_with_hash(line, next(at), stated) {
                has_hash = true;
                break;
            }
        } else if !(line.is_empty()
            || (!layout.has_header && is_track_line(line))
            || line.starts_with(b";") && !is_row_of_semicolons(line, next(at)))
        {
            break;
        }
        at += 1;
    }
    let mut skipped = Vec::new();
    for _ in 0..at {
        skipped.clear();
        reader
            .read_until(b'\n', &mut skipped)
            .map_err(|source| read_error(path, reader.lines_read() + 1, source))?;
    }
    let sample: Vec<&[u8]> =
        lines[at.min(lines.len())..].iter().filter(|line| !line.is_empty()).take(LINES).copied().collect();
    let delimiter = match (stated, layout.format) {
        (Some(delimiter), _) => delimiter,
        (None, Some(Format::Tsv)) => b'\t',
        (None, format) => guess_delimiter(file, &sample, format, layout.has_header)?,
    };
    let header = sample.first().copied().unwrap_or_default();
    if layout.has_header && has_sequence(header, delimiter) {
        let message = "the first line looks like data, not like the names of the columns\n  hint: if the file has no \
                       header, use --no-header (in a card: header = false); columns are then numbers from 0";
        return Err(DataError::line(path, at as u64 + 1, message));
    }
    let n_names = n_fields(header, delimiter);
    let has_row_names = layout.has_header
        && sample.len() > 1
        && sample[1..].iter().all(|row| n_fields(row, delimiter) == n_names + 1);
    Ok(TableStart { delimiter, has_row_names, n_skipped: at as u64, has_hash })
}

/// A line of BED that tells a genome browser how to draw what follows.
fn is_track_line(line: &[u8]) -> bool {
    line.starts_with(b"track ") || line.starts_with(b"browser ")
}

/// A line with `#` is the header if it is the last such line, and has as many fields as the next one, or one word.
fn is_header_with_hash(line: &[u8], next: &[u8], stated: Option<u8>) -> bool {
    if next.starts_with(b"#") || line.starts_with(b"##") {
        return false;
    }
    let candidates = stated.map_or_else(|| vec![b'\t', b',', b';'], |one| vec![one]);
    let fits = |&delimiter: &u8| {
        n_fields(line, delimiter) > 1 && n_fields(line, delimiter) == n_fields(next, delimiter)
    };
    candidates.iter().any(fits)
        || (!line.contains(&b' ') && candidates.iter().all(|&delimiter| n_fields(next, delimiter) == 1))
}

/// `;sequence;label` is a header whose first name is empty, not a comment.
fn is_row_of_semicolons(line: &[u8], next: &[u8]) -> bool {
    n_fields(line, b';') > 2 && n_fields(line, b';') == n_fields(next, b';')
}

/// The delimiter that gives every line the same number of fields; the file's ending decides between several.
fn guess_delimiter(
    file: &DataFile,
    sample: &[&[u8]],
    format: Option<Format>,
    has_header: bool,
) -> Result<u8, DataError> {
    let Some((header, rows)) = sample.split_first() else { return Ok(b',') };
    let fields_of = |delimiter: u8| {
        let n = n_fields(header, delimiter);
        let fits = |more: usize| rows.iter().all(|row| n_fields(row, delimiter) == n + more);
        (n > 1 && (fits(0) || has_header && !rows.is_empty() && fits(1))).then_some(n)
    };
    let ending = ending_of(file);
    let preferred = match ending.as_str() {
        "tsv" | "tab" | "bed" if format.is_none() => [b'\t', b',', b';'],
        _ => [b',', b';', b'\t'],
    };
    let candidates = if format == Some(Format::Csv) { &[b',', b';'][..] } else { &preferred[..] };
    // `max_by_key` gives the last of several maxima: the preferred one is put last.
    let best =
        candidates.iter().rev().filter_map(|&one| Some((fields_of(one)?, one))).max_by_key(|(n, _)| *n);
    if let Some((_, delimiter)) = best {
        return Ok(delimiter);
    }
    for (delimiter, word) in [(b'|', "pipe"), (b' ', "space")] {
        let is_single = candidates.iter().all(|&one| n_fields(header, one) == 1);
        if is_single && !rows.is_empty() && fields_of(delimiter).is_some_and(|n| n > 1) {
            let message = format!(
                "the fields seem to be separated by {:?}\n  hint: if so, use --delimiter {word} (in a card: delimiter = \
                {:?})",
                char::from(delimiter),
                char::from(delimiter).to_string()
            );
            return Err(DataError::file(file.path(), message));
        }
    }
    // No delimiter fits every line; the rows will say which does not.
    let in_header = candidates.iter().rev().map(|&one| (n_fields(header, one), one)).max_by_key(|(n, _)| *n);
    Ok(in_header.filter(|(n, _)| *n > 1).map_or(candidates[0], |(_, one)| one))
}

/// The ending of the file's name without that of its compression, in lower case.
fn ending_of(file: &DataFile) -> String {
    let name = file.path().file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let mut parts = name.rsplit('.');
    let last = parts.next().unwrap_or_default();
    let is_packed = file.kind().is_compressed() || file.kind() == FileKind::Zip || last == "zip";
    let ending = if is_packed { parts.next() } else { Some(last) };
    ending.unwrap_or_default().to_owned()
}

/// Number of fields of a line. Double quotes protect delimiters, except tabs.
fn n_fields(line: &[u8], delimiter: u8) -> usize {
    fields(line, delimiter).len()
}

/// The fields of a line, as they are written.
fn fields(line: &[u8], delimiter: u8) -> Vec<&[u8]> {
    let (mut is_quoted, mut from, mut found) = (false, 0, Vec::new());
    for (at, &byte) in line.iter().enumerate() {
        if byte == b'"' && delimiter != b'\t' && (is_quoted || line[from..at].trim_ascii().is_empty()) {
            is_quoted = !is_quoted;
        } else if byte == delimiter && !is_quoted {
            found.push(&line[from..at]);
            from = at + 1;
        }
    }
    found.push(&line[from..]);
    found
}

/// True if one of the fields is a sequence of A, C, G, T, U and N.
fn has_sequence(line: &[u8], delimiter: u8) -> bool {
    fields(line, delimiter).iter().any(|field| {
        let field = field.trim_ascii();
        let field = field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(field);
        field.len() >= MIN_DNA && field.iter().all(|letter| b"ACGTUNacgtun".contains(letter))
    })
}
