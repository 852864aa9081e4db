//! What separates the fields of a table: stated, or found by the fields that it gives.

use super::data_file::DataFile;
use super::fields::records;
use super::header::{has_dna_column, is_row};
use crate::card::Format;
use crate::error::DataError;
use seqprobe_files::FileKind;
use std::str::FromStr;
use thiserror::Error;

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

/// The delimiter that gives every record of a sample of the text the same number of fields.
pub(crate) fn guess_delimiter(
    file: &DataFile,
    sample: &[u8],
    format: Option<Format>,
    has_header: bool,
) -> Result<u8, DataError> {
    let is_tsv = matches!(ending_of(file).as_str(), "tsv" | "tab" | "bed");
    let candidates = if format == Some(Format::Csv) { &b",;"[..] } else { b",;\t" };
    let first = |delimiter: u8| records(sample, delimiter).first().map_or(0, Vec::len);
    // What gives a column of DNA, then the ending of a TSV file, then the larger number of fields decides. `max_by_key`
    // gives the last of several maxima: the comma is put last.
    let rank = |&one: &u8| {
        let records = records(sample, one);
        let (first, rows) = records.split_first()?;
        let fits = |more: usize| rows.iter().all(|row| row.len() == first.len() + more);
        let is_table = first.len() > 1 && (fits(0) || has_header && !rows.is_empty() && fits(1));
        let has_dna = has_dna_column(rows) || is_row(first, &[]);
        is_table.then_some(((has_dna, is_tsv && one == b'\t', first.len()), one))
    };
    let best = candidates.iter().rev().filter_map(rank).max_by_key(|(key, _)| *key);
    if let Some((_, delimiter)) = best {
        return Ok(delimiter);
    }
    for (delimiter, word) in [(b'|', "pipe"), (b' ', "space")] {
        let is_single = candidates.iter().all(|&one| first(one) <= 1);
        let has_rows = records(sample, delimiter).len() > 1;
        if is_single && has_rows && rank(&delimiter).is_some() {
            let message = format!(
                "the fields seem to be separated by {:?}\n  hint: if so, use --delimiter {word} (in a card: delimiter = \
                {:?})",
                char::from(delimiter),
                char::from(delimiter).to_string()
            );
            return Err(DataError::file(file.path(), message));
        }
    }
    // No delimiter fits every record; the rows will say which does not.
    if is_tsv && first(b'\t') > 1 {
        return Ok(b'\t');
    }
    let in_header = candidates.iter().rev().map(|&one| (first(one), one)).max_by_key(|(n, _)| *n);
    Ok(in_header.filter(|(n, _)| *n > 1).map_or(b',', |(_, one)| one))
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
