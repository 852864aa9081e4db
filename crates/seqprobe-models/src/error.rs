//! Errors of this room.

use std::path::PathBuf;
use thiserror::Error;

/// Why a model could not be loaded or run.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
    /// A layer the model does not have.
    #[error("layer {asked} does not exist: {model} has layers 0 to {n_blocks} and final")]
    Layer {
        /// The layer asked for.
        asked: String,
        /// The model.
        model: String,
        /// Its blocks.
        n_blocks: u32,
    },
    /// A sequence longer than the model takes.
    #[error(
        "sequence of {tokens} tokens, the model takes at most {limit}\n  hint: set truncate = \"left\", \"right\" or \"center\" to cut it, or use shorter windows"
    )]
    TooLong {
        /// Tokens of the sequence, added ones included.
        tokens: usize,
        /// Tokens allowed.
        limit: usize,
    },
}
