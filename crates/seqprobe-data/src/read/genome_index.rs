//! Random access to a FASTA file through the indexes of `samtools faidx`: `.fai`, and `.gzi` for BGZF. An index is used
//! only after the records that are read have been compared with it. No index is ever written.

use super::data_file::DataFile;
use crate::error::DataError;
use noodles_bgzf as bgzf;
use noodles_fasta::fai;
use seqprobe_files::FileKind;
use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes that are compared before and behind a record.
const CONTEXT: u64 = 64 << 10;

trait SeekingRead: BufRead + Seek {}
impl<T: BufRead + Seek> SeekingRead for T {}

/// A FASTA file with its index.
pub(crate) struct IndexedGenome {
    path: PathBuf,
    index_path: PathBuf,
    reader: Box<dyn SeekingRead>,
    records: HashMap<String, fai::Record>,
    names: Vec<String>,
}

impl IndexedGenome {
    /// Opens the index next to a file; `None` where there is none, or no `.gzi` for BGZF, or for plain gzip.
    pub(crate) fn open(genome: &DataFile) -> Result<Option<Self>, DataError> {
        let path = genome.path();
        if genome.is_spooled() {
            return Ok(None);
        }
        let beside = |ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let (index_path, blocks_path) = (beside(".fai"), beside(".gzi"));
        if !index_path.is_file() {
            return Ok(None);
        }
        let reader: Box<dyn SeekingRead> = match genome.kind() {
            FileKind::Gzip if genome.is_bgzf()? && blocks_path.is_file() => {
                let blocks = bgzf::gzi::fs::read(&blocks_path)
                    .map_err(|error| unreadable(&blocks_path, "samtools faidx", &error))?;
                Box::new(bgzf::io::IndexedReader::new(genome.content().reader(), blocks))
            }
            kind if kind.is_compressed() => return Ok(None),
            _ => Box::new(BufReader::new(genome.content().reader())),
        };
        let index =
            fai::fs::read(&index_path).map_err(|error| unreadable(&index_path, "samtools faidx", &error))?;
        let mut records = HashMap::new();
        let mut names = Vec::new();
        for record in index.as_ref() {
            let name = String::from_utf8_lossy(record.name().as_ref()).into_owned();
            names.push(name.clone());
            if records.insert(name.clone(), record.clone()).is_some() {
                return Err(DataError::file(&index_path, format!("the record {name:?} occurs twice")));
            }
        }
        Ok(Some(Self { path: path.to_owned(), index_path, reader, records, names }))
    }

    /// The names of the records, in file order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// Compares one record with the index; returns its length.
    pub(crate) fn check(&mut self, name: &str) -> Result<u64, DataError> {
        let Some(record) = self.records.get(name).cloned() else { return Err(self.other_file(name)) };
        let (first, length) = (record.position(), record.length());
        // A line ends with \n or \r\n.
        let per_line = record.line_base_count().get();
        if !matches!(record.line_width().get().checked_sub(per_line), Some(1 | 2)) {
            return Err(self.other_file(name));
        }
        let from = first.saturating_sub(CONTEXT);
        let before = self.bytes(from, first - from)?;
        let line = before.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = line.map(|text| text.rsplit(|&byte| byte == b'\n').next().unwrap_or(text));
        let is_name = line.and_then(|line| line.strip_prefix(b">")).is_some_and(|line| {
            line.split(u8::is_ascii_whitespace).next().is_some_and(|word| word == name.as_bytes())
        });
        let is_whole = length == 0 || {
            let last = place(&record, length - 1);
            let behind = self.bytes(last, CONTEXT)?;
            let next = behind.iter().skip(1).find(|byte| !byte.is_ascii_whitespace());
            behind.first().is_some_and(u8::is_ascii_alphabetic) && next.is_none_or(|&byte| byte == b'>')
        };
        if is_name && is_whole { Ok(length) } else { Err(self.other_file(name)) }
    }

    /// The letters of a part of a record; `end` is at most its length.
    pub(crate) fn read(&mut self, name: &str, start: u64, end: u64) -> Result<Vec<u8>, DataError> {
        let Some(record) = self.records.get(name).cloned() else { return Err(self.other_file(name)) };
        let (from, last) = (place(&record, start), place(&record, end - 1));
        let Some(n) = last.checked_sub(from).and_then(|n| n.checked_add(1)) else {
            return Err(self.other_file(name));
        };
        let mut letters = self.bytes(from, n)?;
        letters.retain(|byte| !matches!(byte, b'\n' | b'\r'));
        if letters.len() as u64 != end - start || letters.contains(&b'>') {
            return Err(self.other_file(name));
        }
        Ok(letters)
    }

    /// Some bytes of the text; fewer at its end.
    fn bytes(&mut self, from: u64, n: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let mut read = || {
            self.reader.seek(SeekFrom::Start(from))?;
            self.reader.by_ref().take(n).read_to_end(&mut bytes)
        };
        match read() {
            Ok(_) => Ok(bytes),
            Err(error) => Err(DataError::file(
                &self.path,
                format!(
                    "cannot be read at byte {from}: {error}\n  hint: if {} is of another file, remove it",
                    self.index_path.display()
                ),
            )),
        }
    }

    fn other_file(&self, name: &str) -> DataError {
        let message = format!(
            "does not fit {}: the record {name:?} is not where the index says\n  hint: remove the index, or make it again \
            with `samtools faidx`",
            self.path.display()
        );
        DataError::file(&self.index_path, message)
    }
}

/// The byte of a base.
fn place(record: &fai::Record, base: u64) -> u64 {
    let per_line = record.line_base_count().get();
    let lines = (base / per_line).saturating_mul(record.line_width().get());
    record.position().saturating_add(lines).saturating_add(base % per_line)
}

fn unreadable(path: &Path, tool: &str, error: &io::Error) -> DataError {
    DataError::file(
        path,
        format!("is not an index: {error}\n  hint: remove it, or make it again with `{tool}`"),
    )
}
