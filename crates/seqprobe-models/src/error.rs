//! Errors of this room.

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
    #[error("libtorch: {0}")]
    Torch(#[from] tch::TchError),
    /// A precision that a family does not compute in.
    #[error("models of family {family} compute in 32 bits only\n  hint: leave out the precision, or use f32")]
    Precision {
        /// The family.
        family: String,
    },
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
    /// A sequence that has no token.
    #[error(
        "sequence of {letters} letters is shorter than one token of {k}\n  hint: leave out sequences of fewer than {k} letters, or use a model with shorter tokens"
    )]
    TooShort {
        /// Letters of the sequence.
        letters: usize,
        /// Letters of a token.
        k: usize,
    },
    /// A model that runs code of its own failed: a TorchScript file or a worker process.
    #[error("{path}: {message}")]
    Code {
        /// The description or the TorchScript file.
        path: PathBuf,
        /// What happened, with a hint.
        message: String,
    },
    /// A batch whose ids, lengths and shape do not belong together, or with an id outside the vocabulary.
    #[error("token batch: {0}")]
    Batch(String),
    /// A config file that lacks a key or has a value this program cannot compute with.
    #[error("{path}: {message}")]
    Config {
        /// The file.
        path: PathBuf,
        /// The key, what was expected and what was found, with a hint.
        message: String,
    },
    /// Tokenizer files that are absent or do not make a tokenizer.
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
    /// A tensor the architecture needs is not in the file.
    #[error(
        "{path}: tensor {name:?} of shape {shape:?} is missing; the file holds {n_tensors} tensors\n  hint: {hint}"
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
    /// A tensor has another shape than config.json says.
    #[error(
        "{path}: tensor {name:?} has shape {got:?}, expected {expected:?}\n  hint: config.json and the weights are of different models"
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
    /// A tensor whose numbers are no floating-point numbers, or not finite.
    #[error("{path}: tensor {name:?} {problem}")]
    TensorValues {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with its values.
        problem: String,
    },
    /// A config that asks for more numbers than are drawn.
    #[error(
        "tensor {name:?} of shape {shape:?} makes the model too large, expected at most {most} numbers to draw\n  hint: look for a size in config.json that is wrong"
    )]
    TooLarge {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Numbers allowed.
        most: usize,
    },
    /// A tensor that was not among those that the training began with.
    #[error("tensor {name:?} is not among the trained ones")]
    Untrained {
        /// The tensor.
        name: String,
    },
    /// A model that cannot be asked for letters, or not be trained.
    #[error("{model}: {message}")]
    LanguageModel {
        /// The model's folder or family.
        model: String,
        /// What is missing, with a hint.
        message: String,
    },
    /// Tensors that the architecture does not use: the model would not be the one that was trained.
    #[error(
        "{path}: {n_extra} tensors are not part of a {family} model, expected none: {names}\n  hint: only the heads {allowed} may be left over; the checkpoint is of another architecture or config.json has too few layers"
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
    /// Whether the memory of the device or of the processor did not suffice, so that a smaller batch may.
    pub fn is_out_of_memory(&self) -> bool {
        // libtorch has no error code for it. The second is what its allocator for the processor says.
        let signs = ["out of memory", "can't allocate memory"];
        matches!(self, Self::Torch(error) if signs.iter().any(|sign| error.to_string().contains(sign)))
    }

    /// An [`ModelError::Io`] for `map_err`.
    pub(crate) fn io(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}
