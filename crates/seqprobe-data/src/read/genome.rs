//! Genomic sequence for pretraining: FASTA records with their soft masking. Datasets with targets are read by
//! [`crate::load()`].

use super::columns::{Column, Layout};
use super::data_file::DataFile;
use super::fasta::read_fasta;
use super::input::{Opened, open};
use crate::error::DataError;
use seqprobe_core::{BaseCounts, DnaSequence};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// One FASTA file.
#[derive(Clone, Debug)]
pub struct Genome {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// Records in file order; their names are unique.
    pub records: Vec<GenomeRecord>,
    /// Bases read, and how many were changed by the rules of [`DnaSequence::parse`].
    pub letters: BaseCounts,
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub struct GenomeRecord {
    /// Its name: the first word of the definition line.
    pub name: String,
    /// The sequence, in upper case.
    pub sequence: DnaSequence,
    /// True where a base is in lower case: repeats. As long as the sequence.
    pub soft_masked: Vec<bool>,
}

/// Reads a FASTA file, plain or gzip, and checks its digest where one is given.
///
/// # Errors
/// [`DataError`] for a file that is absent, has another digest or is not FASTA, for characters that are not DNA, and
/// for duplicate record names.
pub fn read_genome(path: &Path, sha256: Option<&str>) -> Result<Genome, DataError> {
    let file = DataFile::open(path)?;
    if let Some(expected) = sha256 {
        file.check_sha256(expected)?;
    }
    let Opened::Fasta(reader) = open(&file, Layout::GUESSED)? else {
        return Err(DataError::file(path, "a FASTA file starts with \">\""));
    };
    let mut records: Vec<GenomeRecord> = Vec::new();
    let mut letters = BaseCounts::default();
    let mut lines: HashMap<String, u64> = HashMap::new();
    let columns = [Column::Sequence("sequence"), Column::Named("header")];
    read_fasta(path, reader, &columns, &mut |row| {
        let [text, name] = row.values else { return Ok(ControlFlow::Continue(())) };
        if let Some(first) = lines.insert((*name).to_owned(), row.line) {
            let message = format!("duplicate record name {name:?}, first seen at line {first}");
            return Err(DataError::line(path, row.line, message));
        }
        let (sequence, counts) =
            DnaSequence::parse(text).map_err(|cause| DataError::line(path, row.line, cause.to_string()))?;
        letters += counts;
        let soft_masked = text.bytes().map(|letter| letter.is_ascii_lowercase()).collect();
        records.push(GenomeRecord { name: (*name).to_owned(), sequence, soft_masked });
        Ok(ControlFlow::Continue(()))
    })?;
    if records.is_empty() {
        return Err(DataError::file(path, "has no records"));
    }
    file.check_unchanged()?;
    Ok(Genome { path: path.to_owned(), sha256: file.sha256()?, records, letters })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_kept_as_soft_masking() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.fa");
        std::fs::write(&path, ">a one\nACgt\nnN\n>b\nRyA\n").unwrap();
        let genome = read_genome(&path, None).unwrap();
        let record = |index: usize| {
            let record = &genome.records[index];
            (record.name.as_str(), record.sequence.as_str(), record.soft_masked.clone())
        };
        assert_eq!(record(0), ("a", "ACGTNN", vec![false, false, true, true, true, false]));
        assert_eq!(record(1), ("b", "NNA", vec![false, true, false]));
        assert_eq!((genome.letters.n, genome.letters.iupac), (2, 2));
    }

    #[test]
    fn files_that_are_not_genomes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.fa");
        let error_of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let error = read_genome(&path, None).unwrap_err().to_string();
            error.replace(&folder.path().display().to_string(), "")
        };
        assert_eq!(error_of("a,b\n1,2\n"), "/g.fa: a FASTA file starts with \">\"");
        assert_eq!(
            error_of(">a\nAC\n>a\nAC\n"),
            "/g.fa:3: duplicate record name \"a\", first seen at line 1"
        );
        assert!(error_of(">a\nAC-G\n").contains("letter '-' at position 3"));
        std::fs::write(&path, ">a\nAC\n").unwrap();
        let error = read_genome(&path, Some("00")).unwrap_err().to_string();
        assert!(error.contains("wrong SHA-256 digest"), "{error}");
    }
}
