//! The error of this crate.

use seqprobe_core::torch_text;
use seqprobe_files::FileError;
use std::path::PathBuf;
use thiserror::Error;

/// Why a model could not be loaded or run.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// libtorch failed.
    #[error("libtorch: {}", torch_text::sentence(&.0.to_string()))]
    Torch(#[from] tch::TchError),
    /// A precision in which a family does not compute.
    #[error("models of family {family} compute in 32 bits only\n  hint: leave out the precision, or use f32")]
    Precision {
        /// The family.
        family: String,
    },
    /// A layer that the model does not have.
    #[error("layer {asked} does not exist: {model} has layers 0 to {n_blocks} and final")]
    Layer {
        /// The requested layer.
        asked: String,
        /// The model.
        model: String,
        /// The number of its blocks.
        n_blocks: u32,
    },
    /// A sequence that is longer than the model allows.
    #[error(
        "sequence of {tokens} tokens, the model takes at most {limit}\n  hint: set truncate = \"left\", \"right\" or \"center\" to cut it, or use shorter windows"
    )]
    TooLong {
        /// Tokens of the sequence, added ones included.
        tokens: usize,
        /// Tokens allowed.
        limit: usize,
    },
    /// A sequence that has no token.
    #[error(
        "sequence of {bases} bases is shorter than one token of {k}\n  hint: leave out sequences of fewer than {k} bases, or use a model with shorter tokens"
    )]
    TooShort {
        /// Bases of the sequence.
        bases: usize,
        /// Bases of a token.
        k: usize,
    },
    /// A model that runs code of its own failed: a TorchScript file or a worker process.
    #[error("{path}: {message}")]
    Code {
        /// The manifest or the TorchScript file.
        path: PathBuf,
        /// What happened, with a hint.
        message: String,
    },
    /// A batch whose ids, lengths and shape do not fit together, or that has an id outside the vocabulary.
    #[error("token batch: {0}")]
    Batch(String),
    /// A folder that is not that of a model.
    #[error("{path}: {what}\n  hint: {hint}")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What it is.
        what: String,
        /// What to do.
        hint: String,
    },
    /// A config file that lacks a key or has a value that this program does not support.
    #[error("{path}: {message}")]
    Config {
        /// The file.
        path: PathBuf,
        /// The key, what was expected and what was found, with a hint.
        message: String,
    },
    /// Tokenizer files that are absent or cannot be used.
    #[error("{path}: {message}")]
    Tokenizer {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, with a hint.
        message: String,
    },
    /// A checkpoint that is absent, in another format or damaged.
    #[error("{path}: {message}")]
    Checkpoint {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, with a hint.
        message: String,
    },
    /// A tensor that the architecture needs is not in the file.
    #[error(
        "{path}: tensor {name:?} of shape {shape:?} is missing; the file has {n_tensors} tensors\n  hint: {hint}"
    )]
    MissingTensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape it should have.
        shape: Vec<usize>,
        /// Tensors in the file.
        n_tensors: usize,
        /// What to check.
        hint: String,
    },
    /// A tensor does not have the shape that config.json determines.
    #[error(
        "{path}: tensor {name:?} has shape {got:?}, expected {expected:?}\n  hint: config.json and the weights belong to different models"
    )]
    TensorShape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The shape by config.json.
        expected: Vec<usize>,
        /// The shape in the file.
        got: Vec<usize>,
    },
    /// A tensor with values that are not floating-point numbers, or not finite.
    #[error("{path}: tensor {name:?} {problem}")]
    TensorValues {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with its values.
        problem: String,
    },
    /// A config of a model that is too large to draw.
    #[error(
        "tensor {name:?} of shape {shape:?} makes the model too large, expected at most {most} numbers to draw\n  hint: check the sizes in config.json"
    )]
    TooLarge {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Numbers allowed.
        most: usize,
    },
    /// A tensor that was not among those with which the training began.
    #[error("tensor {name:?} is not among the trained ones")]
    Untrained {
        /// The tensor.
        name: String,
    },
    /// A model that cannot predict masked bases, or cannot be trained.
    #[error("{model}: {message}")]
    LanguageModel {
        /// The model's folder or family.
        model: String,
        /// What is missing, with a hint.
        message: String,
    },
    /// Tensors that the architecture does not use. The loaded model would not be the one that was trained.
    #[error(
        "{path}: {n_extra} tensors are not part of a {family} model, expected none: {names}\n  hint: only the heads {allowed} may be unused; the checkpoint has another architecture, or config.json has too few layers"
    )]
    ExtraTensors {
        /// The file.
        path: PathBuf,
        /// The family.
        family: &'static str,
        /// How many.
        n_extra: usize,
        /// The first of them.
        names: String,
        /// Patterns of names that are left out on purpose.
        allowed: String,
    },
}

impl ModelError {
    /// Whether the memory of the device or of the processor was too small, so that a smaller batch may succeed.
    pub fn is_out_of_memory(&self) -> bool {
        // libtorch has no error code for it. The second text is that of its allocator for the processor.
        let signs = ["out of memory", "can't allocate memory"];
        matches!(self, Self::Torch(error) if signs.iter().any(|sign| error.to_string().contains(sign)))
    }

    /// The error of a family that has no gradients.
    pub(crate) fn not_trainable(family: &str) -> Self {
        Self::LanguageModel {
            model: family.to_owned(),
            message: "models of this family cannot be trained".to_owned(),
        }
    }

    /// Returns a function that makes a [`ModelError::Io`], for `map_err`.
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

impl From<FileError> for ModelError {
    fn from(error: FileError) -> Self {
        Self::Io { path: error.path, source: error.source }
    }
}
