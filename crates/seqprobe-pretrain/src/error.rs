//! Why a pretraining failed.

use seqprobe_core::{ConfigError, torch_text};
use seqprobe_data::DataError;
use seqprobe_files::FileError;
use seqprobe_models::ModelError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a model was not pretrained.
#[derive(Debug, Error)]
pub enum PretrainError {
    /// The config is not valid TOML, or has an unknown key.
    #[error(transparent)]
    Toml(#[from] ConfigError),
    /// A key of the config has a value that cannot be used.
    #[error("{file}: {message}")]
    Config {
        /// The config, as the user named it.
        file: String,
        /// The key, what was expected and what was found, with a hint.
        message: String,
    },
    /// The training data, or a dataset whose sequences are left out, cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model cannot be created or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// libtorch failed.
    #[error("libtorch: {}", torch_text::sentence(&.0.to_string()))]
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
    /// The loss, or a gradient, is not finite.
    #[error(
        "{what} of step {step} is {value}, expected a finite number\n  hint: the last checkpoint is \
         untouched{before}; use a smaller learning_rate, a longer warm_up_steps, or clip_norm"
    )]
    NotFinite {
        /// The loss or the norm of the gradient.
        what: &'static str,
        /// The step (1-based).
        step: u64,
        /// Its value.
        value: f64,
        /// A remark if there is no checkpoint yet.
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

impl From<FileError> for PretrainError {
    fn from(error: FileError) -> Self {
        Self::Io { path: error.path, source: error.source }
    }
}
