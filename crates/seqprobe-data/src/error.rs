//! Why a card or a data file cannot be used.

use seqprobe_core::ConfigError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A card, a file or a row that does not fit. Every message names the file, and the line where there is one.
#[derive(Debug, Error)]
pub enum DataError {
    /// The card is not the TOML it should be.
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
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file's bytes are not those the card was written for.
    #[error(
        "{}: wrong SHA-256 digest\n  expected {expected}\n  got      {got}\n  hint: this is not the file the card was written for; get that version, or state the new digest under a new card id",
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
    /// A file as a whole does not fit.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, with a hint.
        message: String,
    },
    /// One line of a file does not fit.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// 1-based line, counted after decompression.
        line: u64,
        /// What is wrong, with a hint.
        message: String,
    },
    /// A simulated task that does not exist or cannot be made in the size asked for.
    #[error("{0}")]
    Simulation(String),
}

impl DataError {
    /// A card that contradicts itself or the data.
    pub(crate) fn card(card: &str, message: impl Into<String>) -> Self {
        Self::Card { card: card.to_owned(), message: message.into() }
    }

    /// A failure of the file system.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    /// A file that does not fit as a whole.
    pub(crate) fn file(path: &Path, message: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), message: message.into() }
    }

    /// A line that does not fit.
    pub(crate) fn line(path: &Path, line: u64, message: impl Into<String>) -> Self {
        Self::Line { path: path.to_owned(), line, message: message.into() }
    }
}
