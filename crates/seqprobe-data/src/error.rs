//! Why a card or a data file cannot be used.

use seqprobe_core::ConfigError;
use seqprobe_files::{FileError, FileKind, InputError};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A card, a file or a row with an error. Every message has the file, and the line if there is one.
#[derive(Debug, Error)]
pub enum DataError {
    /// The text of the card is not TOML, or has a key that no card has.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The card's keys contradict each other or the data.
    #[error("{card}: {message}")]
    Card {
        /// The card, as the user named it.
        card: String,
        /// What is wrong, with a hint.
        message: String,
    },
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file that a card names is in none of the folders.
    #[error("{card}: {message}")]
    NotHere {
        /// The card, as the user named it.
        card: String,
        /// Where it was looked for, with a hint.
        message: String,
    },
    /// A file cannot be opened, or changed while it was read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A file of a kind that has no rows of sequences.
    #[error(
        "{}: is {kind}, not a table or sequences{}", path.display(),
        kind.hint().or_else(|| data_hint(*kind)).map(|hint| format!("\n  hint: {hint}")).unwrap_or_default()
    )]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is.
        kind: FileKind,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// The digest of a file is not the one in the card.
    #[error(
        "{}: wrong SHA-256 digest\n  expected {expected}\n  got      {got}\n  hint: the card was written for another \
        version of this file; get that version, or write a card with a new id and this digest",
        path.display()
    )]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest in the card.
        expected: String,
        /// The digest of the file.
        got: String,
    },
    /// An error about a whole file.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, with a hint.
        message: String,
    },
    /// An error about one line of a file.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// 1-based line, counted after decompression.
        line: u64,
        /// What is wrong, with a hint.
        message: String,
    },
    /// A simulated task that does not exist or cannot be made in the requested size.
    #[error("{0}")]
    Simulation(String),
}

impl DataError {
    /// An error about a card.
    pub(crate) fn card(card: &str, message: impl Into<String>) -> Self {
        Self::Card { card: card.to_owned(), message: message.into() }
    }

    /// A file that cannot be read.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// A file of a kind that has no rows of sequences.
    pub(crate) fn kind(path: &Path, kind: FileKind) -> Self {
        Self::Kind { path: path.to_owned(), kind }
    }

    /// An error about a whole file.
    pub(crate) fn file(path: &Path, message: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), message: message.into() }
    }

    /// An error about a line.
    pub(crate) fn line(path: &Path, line: u64, message: impl Into<String>) -> Self {
        Self::Line { path: path.to_owned(), line, message: message.into() }
    }
}

/// How to get a table or sequences out of a file of another kind.
fn data_hint(kind: FileKind) -> Option<&'static str> {
    Some(match kind {
        FileKind::Json | FileKind::Xml => "write a table (CSV or TSV) with a column of sequences, or FASTA",
        FileKind::Gff | FileKind::Vcf | FileKind::Bed | FileKind::BigWig => {
            "it has positions, not sequences; `bedtools getfasta` cuts the sequences out of a genome"
        }
        FileKind::Sam | FileKind::Bam | FileKind::Cram => "`samtools fasta` writes its sequences as FASTA",
        FileKind::TwoBit => "`twoBitToFa` writes it as FASTA",
        FileKind::Embl | FileKind::GenBank => "write its sequences as FASTA, for example with Biopython",
        FileKind::Arrow => "write it as CSV or Parquet",
        FileKind::Npy => {
            "embeddings are given with --embeddings of `seqprobe probe`; sequences are read from CSV or FASTA"
        }
        FileKind::Safetensors | FileKind::Pickle => {
            "weights are given with --model; sequences are read from CSV, TSV or FASTA"
        }
        _ => return None,
    })
}
