//! The error of this crate: which file, what was tried, and the system's reason.

use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file that could not be written.
#[derive(Debug, Error)]
#[error("{}: cannot {action}: {source}", path.display())]
pub struct FileError {
    /// The file, as the caller named it.
    pub path: PathBuf,
    /// What was tried: `create`, `write` or `replace`.
    pub action: &'static str,
    /// The system's reason.
    pub source: io::Error,
}

impl FileError {
    pub(crate) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), action, source }
    }
}
