//! From a data file to text of a known format: kind, byte-order mark, line ends, format and delimiter.
//!
//! Knows bytes and lines, not rows.

use super::columns::Layout;
use super::data_file::{BUFFER, DataFile};
use super::limited_reader::{LimitedReader, MAX_FASTA_RECORD, read_error};
use super::table_start::{TableStart, read_table_start};
use crate::card::Format;
use crate::error::DataError;
use seqprobe_files::FileKind;
use std::io::{BufRead, Read};

/// A file ready to be read: decompressed, without byte-order mark, its format known.
pub(crate) enum Opened {
    /// CSV or TSV, at its header or first row.
    Table(LimitedReader, TableStart),
    /// FASTA, at its first record.
    Fasta(LimitedReader),
}

impl Opened {
    /// The format.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Fasta(_) => Format::Fasta,
            Self::Table(_, start) if start.delimiter == b'\t' => Format::Tsv,
            Self::Table(..) => Format::Csv,
        }
    }
}

/// Starts to read a file. Its format is guessed from its content unless it is stated.
pub(crate) fn open(file: &DataFile, layout: Layout) -> Result<Opened, DataError> {
    let path = file.path();
    let mut reader = file.text();
    let mut start = Vec::new();
    let read = reader.by_ref().take(BUFFER as u64).read_to_end(&mut start);
    read.map_err(|source| read_error(path, reader.lines_read() + 1, source))?;
    let kind = FileKind::of(&start);
    // The sample can end between a carriage return and its line feed.
    let has_cr_only = !start.contains(&b'\n') && start[..start.len().min(BUFFER - 1)].contains(&b'\r');
    if start.starts_with(b"\xef\xbb\xbf") {
        start.drain(..3);
    }
    let is_fasta = match (kind, layout.format) {
        (FileKind::Empty, _) if start.len() < BUFFER => return Err(DataError::file(path, "is empty")),
        (FileKind::Fasta, None) | (FileKind::Fasta | FileKind::Text | FileKind::Bed, Some(Format::Fasta)) => {
            true
        }
        (FileKind::Text | FileKind::Fasta, _) => false,
        // Intervals are a table too; columns of a header-less table are numbers.
        (FileKind::Bed, _) if !layout.has_header || layout.format.is_some() => false,
        (kind, _) => return Err(DataError::kind(path, kind)),
    };
    let mut reader = reader.starting_with(start.clone());
    if has_cr_only {
        reader = reader.with_carriage_returns();
        start.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
    }
    let mut reader = reader.with_last_line_break();
    if is_fasta {
        reader.set_max_record(MAX_FASTA_RECORD);
        skip_comments(&mut reader).map_err(|source| read_error(path, reader.lines_read() + 1, source))?;
        return Ok(Opened::Fasta(reader));
    }
    let start = read_table_start(file, &mut reader, &start, layout)?;
    Ok(Opened::Table(reader, start))
}

/// Skips blank lines and lines that begin with `;` or `#` before the first FASTA record.
fn skip_comments(reader: &mut LimitedReader) -> std::io::Result<()> {
    let mut line = Vec::new();
    loop {
        match reader.fill_buf()?.first() {
            Some(b';' | b'#' | b'\n' | b'\r' | b' ' | b'\t') => {}
            _ => return Ok(()),
        }
        line.clear();
        reader.read_until(b'\n', &mut line)?;
        if matches!(line.first(), Some(b' ' | b'\t')) && !line.trim_ascii().is_empty() {
            let message = "a FASTA file starts with \">\"";
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
        }
    }
}
