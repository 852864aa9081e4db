//! What can be wrong with a file of the cache: what was found and what was expected.

use safetensors::{Dtype, SafeTensorError};
use std::path::PathBuf;
use thiserror::Error;

/// Why the values of a file are not used.
#[derive(Debug, Error)]
pub enum Damage {
    /// An expected file does not exist.
    #[error("it is missing")]
    Missing,
    /// A shard does not exist although the entry was completed once.
    #[error("it is missing, and the manifest lists it")]
    MissingListed,
    /// The system cannot read it.
    #[error("it cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// A JSON file of a size that is never written.
    #[error("it has more than {limit_mib} MiB")]
    TooLarge {
        /// The largest size that is read.
        limit_mib: u64,
    },
    /// Not the JSON that this file should hold.
    #[error("{0}")]
    Json(serde_json::Error),
    /// Written by another version of the cache.
    #[error("it has format version {found}, expected {expected}")]
    Format {
        /// Version of the file.
        found: u32,
        /// Version that is read.
        expected: u32,
    },
    /// The key of the wanted entry would have another digest.
    #[error("it is the key of another entry")]
    OtherKey,
    /// A key that belongs to a folder of another name.
    #[error("it is the key of entry {0}")]
    KeyOfEntry(String),
    /// The parts of an entry contradict each other.
    #[error("its key, manifest and name do not agree")]
    Contradiction,
    /// An entry without its manifest.
    #[error("the entry is not complete")]
    NotComplete,
    /// A manifest that lists other shards than those that are there.
    #[error("it does not agree with the records of the shards")]
    Manifest,
    /// A shard of another size.
    #[error("it has {found} bytes, its record says {recorded}")]
    Size {
        /// Bytes of the file.
        found: u64,
        /// Bytes that were written.
        recorded: u64,
    },
    /// A shard with other bytes.
    #[error("its BLAKE3 digest is {found}, its record says {recorded}")]
    Digest {
        /// Digest of the file, in hexadecimal digits.
        found: String,
        /// Digest of what was written.
        recorded: String,
    },
    /// Not a safetensors header.
    #[error("its header: {0}")]
    Header(SafeTensorError),
    /// A shard that was written for another place.
    #[error("its {name} is {found}, expected {expected}")]
    Metadata {
        /// Name of the metadata.
        name: &'static str,
        /// What the header says.
        found: String,
        /// What this place needs.
        expected: String,
    },
    /// A record that was written for another place.
    #[error("its record is of shard {found}, expected {expected}")]
    Record {
        /// Number that the record says.
        found: usize,
        /// Number of the file.
        expected: usize,
    },
    /// A tensor is absent.
    #[error("it lacks the tensor {0:?}")]
    NoTensor(&'static str),
    /// A tensor of another type or shape.
    #[error("tensor {name:?} is {found:?} {found_shape:?}, expected {expected:?} {expected_shape:?}")]
    Tensor {
        /// Name of the tensor.
        name: &'static str,
        /// Its type.
        found: Dtype,
        /// Its shape.
        found_shape: Vec<usize>,
        /// The type it should have.
        expected: Dtype,
        /// The shape it should have.
        expected_shape: Vec<usize>,
    },
    /// Another number of sequences.
    #[error("it has {found} rows, expected {expected}")]
    Rows {
        /// Rows of the file.
        found: usize,
        /// Rows of the shard.
        expected: usize,
    },
    /// Features of another sequence.
    #[error("its row {row} is of another sequence")]
    Sequence {
        /// 0-based row in the shard.
        row: usize,
    },
    /// An offset below 0.
    #[error("it has a negative offset")]
    NegativeOffset,
    /// Offsets that do not divide the vectors among the rows.
    #[error("its offsets do not rise from 0 to {vectors}")]
    Offsets {
        /// Vectors of the shard.
        vectors: usize,
    },
}

/// A file of the cache that is damaged.
#[derive(Debug, Error)]
#[error("{}: {reason}", path.display())]
pub(crate) struct DamagedFile {
    pub(crate) path: PathBuf,
    pub(crate) reason: Damage,
}

impl DamagedFile {
    pub(crate) fn new(path: PathBuf, reason: Damage) -> Self {
        Self { path, reason }
    }
}
