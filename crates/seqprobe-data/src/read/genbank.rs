//! Records of GenBank and EMBL flat files: the sequence, named by its accession with version.
//!
//! Features are not read. The number of bases must be the one of the first line of the record.

use super::columns::{Column, Row, Visit, text_of};
use super::limited_reader::{LimitedReader, check_row_count};
use super::text_lines::TextLines;
use crate::error::DataError;
use std::path::Path;

/// A record as far as it has been read.
#[derive(Default)]
struct Record {
    line: u64,
    locus: String,
    accession: Option<String>,
    version: Option<String>,
    /// Number of bases that the first line states.
    stated: Option<usize>,
    is_in_sequence: bool,
    is_assembled: bool,
    sequence: Vec<u8>,
}

/// Gives the columns asked for of each record, in file order, to `visit`.
pub(crate) fn read_genbank(
    path: &Path,
    reader: LimitedReader,
    columns: &[Column<'_>],
    visit: Visit<'_>,
) -> Result<(), DataError> {
    for column in columns {
        if let Column::Named(name) = column
            && *name != "header"
        {
            let message = format!(
                "no column {name:?}: this is GenBank or EMBL, whose features are not read\n  hint: use \"header\" for \
                the accession, or a side table"
            );
            return Err(DataError::file(path, message));
        }
    }
    let mut lines = TextLines::new(path, reader);
    let mut record: Option<Record> = None;
    let mut n_rows = 0;
    loop {
        let number = lines.number() + 1;
        let Some(line) = lines.take()? else { break };
        let Some(open) = &mut record else {
            if !line.trim_ascii().is_empty() {
                record = Some(start_record(path, number, line)?);
                lines.start_record();
            }
            continue;
        };
        if !line.starts_with(b"//") {
            read_line(path, number, line, open)?;
            continue;
        }
        let record = record.take().unwrap_or_default();
        n_rows += 1;
        check_row_count(path, record.line, n_rows)?;
        let name = record.check(path)?;
        let bases = text_of(path, record.line, &record.sequence)?;
        let values: Vec<&str> = columns
            .iter()
            .map(|column| if matches!(column, Column::Sequence(_)) { bases } else { name })
            .collect();
        if visit(Row { line: record.line, values: &values })?.is_break() {
            return Ok(());
        }
    }
    match record {
        None => Ok(()),
        Some(record) => {
            let message =
                format!("record {:?} does not end with \"//\": the file is cut or damaged", record.locus);
            Err(DataError::line(path, record.line, message))
        }
    }
}

/// Reads `LOCUS  NAME  40 bp  DNA …`, or `ID   X56734; SV 1; linear; mRNA; STD; PLN; 1859 BP.`
fn start_record(path: &Path, number: u64, line: &[u8]) -> Result<Record, DataError> {
    let text = text_of(path, number, line)?;
    let mut record = Record { line: number, ..Record::default() };
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter == ';').collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let is_embl = words.first() == Some(&"ID");
    if !is_embl && words.first() != Some(&"LOCUS") {
        return Err(DataError::line(path, number, "a record starts with LOCUS (GenBank) or ID (EMBL)"));
    }
    let Some(name) = words.get(1) else {
        return Err(DataError::line(path, number, "a record without a name"));
    };
    record.locus = (*name).to_owned();
    if is_embl {
        record.accession = Some((*name).to_owned());
        let version = words.windows(2).find(|pair| pair[0] == "SV").map(|pair| format!("{name}.{}", pair[1]));
        record.version = version;
    }
    for pair in words.windows(2) {
        let Ok(length) = pair[0].parse() else { continue };
        match pair[1].trim_end_matches('.').to_ascii_lowercase().as_str() {
            "bp" => record.stated = Some(length),
            "aa" => {
                let message = format!("record {name:?} is a protein (aa), not DNA");
                return Err(DataError::line(path, number, message));
            }
            _ => {}
        }
    }
    if record.stated.is_none() {
        let message = format!("the first line of record {name:?} does not state its length as \"NUMBER bp\"");
        return Err(DataError::line(path, number, message));
    }
    Ok(record)
}

fn read_line(path: &Path, number: u64, line: &[u8], record: &mut Record) -> Result<(), DataError> {
    if record.is_in_sequence {
        // Numbers of bases are before (GenBank) or behind (EMBL) the line.
        for &byte in line {
            match byte {
                b' ' | b'\t' | b'0'..=b'9' => {}
                byte if byte.is_ascii_alphabetic() => record.sequence.push(byte),
                _ => {
                    let message =
                        format!("{:?} in the sequence of record {:?}", char::from(byte), record.locus);
                    return Err(DataError::line(path, number, message));
                }
            }
        }
        return Ok(());
    }
    let word_end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
    let (word, rest) = line.split_at(word_end);
    match word {
        b"ORIGIN" | b"SQ" => record.is_in_sequence = true,
        b"CONTIG" | b"CO" | b"WGS" => record.is_assembled = true,
        b"LOCUS" | b"ID" => {
            let message = format!("a record starts before record {:?} ended with \"//\"", record.locus);
            return Err(DataError::line(path, number, message));
        }
        b"VERSION" | b"ACCESSION" => {
            let first = text_of(path, number, rest)?.split_ascii_whitespace().next().map(str::to_owned);
            if word == b"VERSION" {
                record.version = first;
            } else if record.accession.is_none() {
                record.accession = first;
            }
        }
        _ => {}
    }
    Ok(())
}

impl Record {
    /// Checks a record that has ended; gives its name.
    fn check(&self, path: &Path) -> Result<&str, DataError> {
        let name = self.version.as_deref().or(self.accession.as_deref()).unwrap_or(&self.locus);
        if self.sequence.is_empty() {
            let why = if self.is_assembled {
                ": it is assembled from others (CONTIG)\n  hint: download it with its sequence, \
                \"GenBank (full)\", or as FASTA"
            } else {
                "\n  hint: download it with its sequence, \"GenBank (full)\", or as FASTA"
            };
            return Err(DataError::line(path, self.line, format!("record {name:?} has no sequence{why}")));
        }
        let n_bases = self.sequence.len();
        match self.stated {
            Some(stated) if stated != n_bases => {
                let message = format!(
                    "record {name:?} has {n_bases} bases, its first line says {stated}: it is cut or damaged"
                );
                Err(DataError::line(path, self.line, message))
            }
            _ => Ok(name),
        }
    }
}
