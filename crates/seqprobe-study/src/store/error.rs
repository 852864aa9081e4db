//! What can be wrong with a stored cell, value or array.

use safetensors::SafeTensorError;
use safetensors::tensor::Dtype;
use seqprobe_core::Digest;
use seqprobe_files::FileError;
use std::path::PathBuf;
use thiserror::Error;

/// The store of cells cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Something stored is damaged, and may not be computed again.
    #[error("{0}; it was not used\n  hint: leave out --no-repair to compute it again")]
    Damaged(Damage),
    /// A file cannot be written.
    #[error("{0}\n  hint: check space and permissions, then run again: finished work is kept")]
    Write(#[from] FileError),
    /// A folder cannot be listed, created or renamed.
    #[error(
        "{}: {source}\n  hint: check permissions; --cache-dir names another cache, --no-cache stores nothing", path.display()
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Arrays that cannot be written.
    #[error("arrays cannot be written: {0}")]
    Arrays(#[from] ArrayError),
    /// A value that cannot be written as JSON.
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A damaged file of the store.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// What was found.
    pub problem: DamageProblem,
}

/// What is wrong with a file of the store.
#[derive(Debug, Error)]
pub enum DamageProblem {
    /// The system cannot read it.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// It is not the JSON that it should be.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Its bytes are not those that were written.
    #[error("its digest is {found}, expected {expected}")]
    Digest {
        /// Digest of the bytes.
        found: Digest,
        /// Digest that was recorded.
        expected: String,
    },
    /// It was written by another version.
    #[error("it has cell version {found}, expected {expected}")]
    Version {
        /// Version of the file.
        found: u32,
        /// Version that is read.
        expected: u32,
    },
    /// Its arrays.
    #[error(transparent)]
    Arrays(#[from] ArrayError),
    /// Predictions that are not `[examples, outputs]`.
    #[error("{0:?} is not a matrix of predictions")]
    NotPredictions(String),
}

/// Arrays that cannot be read or written.
#[derive(Debug, Error)]
pub enum ArrayError {
    /// The file's layout.
    #[error(transparent)]
    Safetensors(#[from] SafeTensorError),
    /// Values of another type.
    #[error("tensor {name:?} is {found:?}, expected F64")]
    Type {
        /// Which array.
        name: String,
        /// Its type.
        found: Dtype,
    },
}
