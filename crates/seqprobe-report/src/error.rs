//! Why a run could not be written, read or rendered.

use seqprobe_files::FileError;
use std::path::PathBuf;
use thiserror::Error;

/// An error about a run, its folder, its reports or a baseline.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The folder has no finished run.
    #[error("{}: no run here\n  hint: a run folder contains run.json, which is written last; an interrupted run has \
        none", .0.display())]
    NoRun(PathBuf),
    /// A file cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// A file or folder cannot be read, created or removed.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The action: `read`, `create`, `remove`.
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file ends before its content does.
    #[error("{}: the file is cut off at line {line}, column {column}\n  hint: run the suite again; cached cells are \
        not computed again", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
        /// Line where it ends.
        line: usize,
        /// Column where it ends.
        column: usize,
    },
    /// The file is not a run record.
    #[error("{}: not a run record: {message}", path.display())]
    NotARun {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        message: String,
    },
    /// The file was written by a later program.
    #[error("{}: schema version {found}, this program reads versions 1 to {supported}\n  hint: read it with the \
        version of seqprobe that wrote it{writer}", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: u64,
        /// The latest version this program knows.
        supported: u32,
        /// ` (0.3.0)`, or empty if the file does not say.
        writer: String,
    },
    /// A number of the record is not finite; an undefined number has another form.
    #[error("{what} is {value}; only finite numbers can be stored")]
    NotFinite {
        /// Which number.
        what: String,
        /// Its value.
        value: f64,
    },
    /// Predictions that do not fit their own shape or the record.
    #[error("predictions of {cell}: {message}")]
    Predictions {
        /// The cell.
        cell: String,
        /// What is wrong.
        message: String,
    },
    /// A Parquet file that cannot be written or read.
    #[error("{}: {message}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// Two runs without a scored cell in common.
    #[error("{} and {}: no scored cell in common\n  hint: cells are matched by dataset, representation, variant, \
        layer, pooling, probe and fraction; are these runs of the same suite?", a.display(), b.display())]
    NothingInCommon {
        /// One run.
        a: PathBuf,
        /// The other.
        b: PathBuf,
    },
    /// A baseline file that cannot be read or does not belong to the run.
    #[error("{}: {message}", path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// What is wrong, with a hint.
        message: String,
    },
    /// A run that cannot become a baseline.
    #[error("the run cannot be accepted: {0}")]
    NotAcceptable(String),
    /// A format that does not exist.
    #[error("unknown report format {id:?}\n  hint: the formats are {known}")]
    UnknownFormat {
        /// The requested format.
        id: String,
        /// The formats.
        known: String,
    },
    /// A renderer failed.
    #[error("{format}: {message}")]
    Render {
        /// Which format.
        format: &'static str,
        /// The reason.
        message: String,
    },
}

impl ReportError {
    pub(crate) fn io(path: &std::path::Path, action: &'static str, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), action, source }
    }

    pub(crate) fn render(format: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Render { format, message: error.to_string() }
    }
}
