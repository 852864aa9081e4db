//! Errors of this room.

use seqprobe_core::ConfigError;
use seqprobe_data::DataError;
use seqprobe_models::ModelError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a model was not pretrained.
#[derive(Debug, Error)]
pub enum PretrainError {
    /// The config is not the TOML it should be.
    #[error(transparent)]
    Toml(#[from] ConfigError),
    /// A key of the config has a value that cannot be trained with.
    #[error("{file}: {message}")]
    Config {
        /// The config, as the user named it.
        file: String,
        /// The key, what was expected and what was found, with a hint.
        message: String,
    },
    /// The training data or a dataset to leave out cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model cannot be made or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// libtorch failed.
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The corpus is too small for the config.
    #[error("{0}")]
    Corpus(String),
    /// The folder for the model cannot be used.
    #[error("{}: {message}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not, with a hint.
        message: String,
    },
    /// The loss, or a gradient, is no number any more.
    #[error(
        "{what} of step {step} is {value}, expected a finite number\n  hint: the last checkpoint is untouched{before}; use a smaller learning_rate, a longer warm_up_steps, or clip_norm"
    )]
    NotFinite {
        /// The loss or the gradient's norm.
        what: &'static str,
        /// The step, from 1.
        step: u64,
        /// What it is.
        value: f64,
        /// At which step the last checkpoint was, where there is one.
        before: String,
    },
}

impl PretrainError {
    /// A [`PretrainError::Io`] for `map_err`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// A folder that cannot be used.
    pub(crate) fn folder(folder: &Path, message: impl Into<String>) -> Self {
        Self::Folder { folder: folder.to_owned(), message: message.into() }
    }
}
