//! Errors of this crate.

use crate::cache::damage::{Damage, DamagedFile};
use crate::imported::error::ImportError;
use seqprobe_core::{FeatureError, LayerIndex, Pooling};
use seqprobe_files::FileError;
use seqprobe_models::{ModelError, Precision};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a representation could not be made, stored, read or exported.
#[derive(Debug, Error)]
pub enum EmbedError {
    /// A file or folder could not be created, written or read.
    #[error("cannot {action} {path}: {source}{hint}")]
    Io {
        /// What was tried: `create`, `write`, `read`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
        /// Empty, or a line with a hint.
        hint: &'static str,
    },
    /// A damaged cache entry. Its values were not used.
    #[error(
        "{path}: {reason}; the stored features were not used\n  hint: leave out --no-repair to compute the damaged part again, or remove the folder {entry}"
    )]
    Damaged {
        /// The file at fault.
        path: PathBuf,
        /// The folder of the entry.
        entry: PathBuf,
        /// What is wrong: expected and got.
        reason: Damage,
    },
    /// A combination that does not exist.
    #[error("{what} is not applicable: {reason}")]
    NotApplicable {
        /// The combination.
        what: String,
        /// Why it does not exist.
        reason: String,
    },
    /// A model that computes in another precision than the features should have.
    #[error(
        "the model was loaded in precision {}, expected {}\n  hint: load the model with the precision that its features should have",
        name_of(*loaded),
        name_of(*asked)
    )]
    Precision {
        /// What the extraction asks for.
        asked: Precision,
        /// What the model was loaded with.
        loaded: Precision,
    },
    /// Inputs that are longer than the model takes.
    #[error(
        "{count} of {total} distinct sequences have more tokens than the {limit} the model takes; the longest, row {row}, has {longest}\n  hint: to truncate them, set keep = \"left\", \"right\" or \"center\", which names the part that is kept; or use shorter windows"
    )]
    TooLong {
        /// Distinct sequences that are too long.
        count: usize,
        /// Distinct sequences looked at.
        total: usize,
        /// 0-based row of the longest.
        row: usize,
        /// Its tokens, special ones included.
        longest: usize,
        /// Tokens allowed.
        limit: usize,
    },
    /// The model failed on one sequence.
    #[error("row {row} ({sequence}): {source}")]
    Sequence {
        /// 0-based row of the sequence.
        row: usize,
        /// Its first bases.
        sequence: String,
        /// The cause.
        source: Box<ModelError>,
    },
    /// The model failed on a batch.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The model returned something other than the states that were asked for.
    #[error("the encoder returned an invalid result: {0}")]
    Encoder(String),
    /// A sequence without a token to pool.
    #[error("row {row} ({sequence}) has only special tokens, so {pooling} pooling is undefined")]
    NoTokens {
        /// 0-based row of the sequence.
        row: usize,
        /// Its first bases.
        sequence: String,
        /// The pooling.
        pooling: Pooling,
    },
    /// A feature that is not a finite number.
    #[error(
        "layer {layer}, {pooling} pooling of row {row} ({sequence}) is not finite\n  hint: the checkpoint may be damaged, or its values may not fit 32-bit floats; nothing was stored for this part"
    )]
    NotFinite {
        /// The layer.
        layer: LayerIndex,
        /// The pooling.
        pooling: Pooling,
        /// 0-based row of the sequence.
        row: usize,
        /// Its first bases.
        sequence: String,
    },
    /// Sequences in which every k-mer contains N, or that are shorter than k.
    #[error(
        "{count} of {total} sequences have no {k}-mer without N, so their frequencies are undefined; the first is row {row}\n  hint: use a smaller k, or leave these examples out of the dataset"
    )]
    NoKmer {
        /// Sequences concerned.
        count: usize,
        /// Sequences in all.
        total: usize,
        /// 0-based row of the first.
        row: usize,
        /// The k.
        k: usize,
    },
    /// The caller stopped the extraction. Finished shards are kept and not computed again.
    #[error(
        "stopped after {done} of {total} distinct sequences\n  hint: run the same command again to continue"
    )]
    Interrupted {
        /// Distinct sequences done in this extraction.
        done: usize,
        /// Distinct sequences to do in this extraction.
        total: usize,
    },
    /// Features could not be read from their source.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A file of embeddings that cannot be imported, or that does not fit the dataset.
    #[error("{path}: {reason}")]
    Import {
        /// The file.
        path: PathBuf,
        /// What is wrong, with a hint.
        reason: ImportError,
    },
    /// Sequences whose features are not in the cache.
    #[error(
        "{count} of {total} distinct sequences are not stored; the first is row {row}\n  hint: `seqprobe embed` computes what is missing"
    )]
    NotStored {
        /// Sequences without a row.
        count: usize,
        /// Distinct sequences asked for.
        total: usize,
        /// 0-based row of the first.
        row: usize,
    },
    /// The start of a name that fits no entry, or several.
    #[error(
        "{count} entries in {bucket} have a name that begins with {start:?}, expected 1\n  hint: `seqprobe cache ls` lists them"
    )]
    NoEntry {
        /// The start of the name.
        start: String,
        /// Entries that fit.
        count: usize,
        /// The folder of the entries.
        bucket: PathBuf,
    },
    /// An export that cannot be written.
    #[error("cannot export to {path}: {reason}")]
    Export {
        /// The file asked for.
        path: PathBuf,
        /// Why it cannot be written, with a hint.
        reason: String,
    },
}

/// The name of a precision in suites and on the command line.
fn name_of(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "f32",
        Precision::F64 => "f64",
        Precision::Bf16 => "bf16",
    }
}

impl EmbedError {
    /// Makes the error of a damaged file of an entry.
    pub(crate) fn damaged(entry: &Path, file: DamagedFile) -> Self {
        Self::Damaged { path: file.path, entry: entry.to_owned(), reason: file.reason }
    }

    /// Makes an error of the file system, with a hint if the cause suggests one.
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind;
        let hint = match source.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                "\n  hint: choose a folder that you may write to"
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                "\n  hint: free space or choose another folder; finished parts are kept and the unfinished one was removed"
            }
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                "\n  hint: there is a file where a folder is needed"
            }
            ErrorKind::NotFound if matches!(action, "create" | "write" | "replace") => {
                "\n  hint: the folder is gone; is its disk still there? Finished parts are used again when it is back"
            }
            ErrorKind::StaleNetworkFileHandle | ErrorKind::NotConnected | ErrorKind::HostUnreachable => {
                "\n  hint: the disk is gone; finished parts are used again when it is back"
            }
            _ => "",
        };
        Self::Io { action, path: path.to_owned(), source, hint }
    }
}

impl From<FileError> for EmbedError {
    fn from(error: FileError) -> Self {
        Self::io(error.action, &error.path, error.source)
    }
}
