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
    /// FASTQ.
    Fastq(LimitedReader),
    /// GenBank or EMBL.
    Genbank(LimitedReader),
    /// JSON Lines.
    Jsonl(LimitedReader),
    /// Parquet, which is not text.
    Parquet,
    /// HDF5, which is not text.
    Hdf5,
}

impl Opened {
    /// The format.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Fasta(_) => Format::Fasta,
            Self::Fastq(_) => Format::Fastq,
            Self::Genbank(_) => Format::Genbank,
            Self::Jsonl(_) => Format::Jsonl,
            Self::Parquet => Format::Parquet,
            Self::Hdf5 => Format::Hdf5,
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
    let format = match (kind, layout.format) {
        (FileKind::Empty, _) if start.len() < BUFFER => return Err(DataError::file(path, "is empty")),
        (FileKind::Parquet | FileKind::Hdf5, _) if file.kind() != kind => {
            let message = format!("is {kind} in a compressed file\n  hint: unpack it first");
            return Err(DataError::file(path, message));
        }
        (FileKind::Text | FileKind::Bed, Some(Format::Fasta)) => Format::Fasta,
        (FileKind::Text, _) => Format::Csv,
        // Intervals are a table too; columns of a header-less table are numbers.
        (FileKind::Bed, _) if !layout.has_header || layout.format.is_some() => Format::Csv,
        (FileKind::Bed, _) => {
            let message = "is BED: intervals, not sequences\n  hint: --genome FILE (in a card: genome) names the FASTA file that \
                           they are on";
            return Err(DataError::file(path, message));
        }
        (FileKind::Fasta, Some(Format::Csv | Format::Tsv)) => Format::Csv,
        (FileKind::Json, _) if start.trim_ascii_start().starts_with(b"[") => {
            return Err(DataError::file(
                path,
                "is a JSON array; objects are read one per line\n  hint: `jq -c '.[]'` or \
                pandas.to_json(orient=\"records\", lines=True) writes them so",
            ));
        }
        (kind, _) => format_of(kind).ok_or_else(|| DataError::kind(path, kind))?,
    };
    if layout.format.is_some_and(|stated| stated != format && !(stated.is_table() && format.is_table())) {
        return Err(DataError::kind(path, kind));
    }
    match format {
        Format::Parquet => return Ok(Opened::Parquet),
        Format::Hdf5 => return Ok(Opened::Hdf5),
        _ => {}
    }
    let mut reader = reader.starting_with(start.clone());
    if has_cr_only {
        reader = reader.with_carriage_returns();
        start.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
    }
    let mut reader = reader.with_last_line_break();
    if format.has_records() {
        reader.set_max_record(MAX_FASTA_RECORD);
    }
    match format {
        Format::Fastq => return Ok(Opened::Fastq(reader)),
        Format::Genbank => return Ok(Opened::Genbank(reader)),
        Format::Jsonl => return Ok(Opened::Jsonl(reader)),
        _ => {}
    }
    if format == Format::Fasta {
        skip_comments(&mut reader).map_err(|source| read_error(path, reader.lines_read() + 1, source))?;
        return Ok(Opened::Fasta(reader));
    }
    let start = read_table_start(file, &mut reader, &start, layout)?;
    Ok(Opened::Table(reader, start))
}

/// The format of a kind that is recognised with certainty.
fn format_of(kind: FileKind) -> Option<Format> {
    Some(match kind {
        FileKind::Fasta => Format::Fasta,
        FileKind::Fastq => Format::Fastq,
        FileKind::GenBank | FileKind::Embl => Format::Genbank,
        FileKind::Json | FileKind::JsonLines => Format::Jsonl,
        FileKind::Parquet => Format::Parquet,
        FileKind::Hdf5 => Format::Hdf5,
        _ => return None,
    })
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
