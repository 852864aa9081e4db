//! Why a file of `torch.save` cannot be read.

use super::pickle::PickleError;

/// The tensors of a file may take at most this many times its bytes. Tensors may share bytes, and a stride of 0 repeats
/// them.
pub(super) const MAX_REPETITION: usize = 16;

/// Why a file of `torch.save` could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TorchFileError {
    /// Not a zip archive.
    #[error("{found}, expected a file that torch.save wrote with PyTorch 1.6 or newer\n  hint: {hint}")]
    NotAnArchive {
        /// What it is.
        found: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// An archive that is damaged or was not written by `torch.save`.
    #[error("not a complete file of torch.save: {0}")]
    Archive(String),
    /// The pickle.
    #[error(transparent)]
    Pickle(#[from] PickleError),
    /// Numbers in the other byte order.
    #[error(
        "its numbers are in byte order {found:?}, expected \"little\"\n  hint: load and save it in Python on a little-endian machine"
    )]
    ByteOrder {
        /// The byte order of the file.
        found: String,
    },
    /// A tensor that does not lie within its storage.
    #[error("tensor {name:?}: {problem}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        problem: WrongPlace,
    },
}

/// What is wrong with a tensor's place in its storage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongPlace {
    /// The storage is shorter than the pickle says.
    #[error("its storage {storage:?} has {n_bytes} bytes, expected {expected}")]
    ShortStorage {
        /// Name of the storage.
        storage: String,
        /// Its bytes.
        n_bytes: usize,
        /// The bytes that the pickle announces.
        expected: usize,
    },
    /// The number of elements or bytes overflows.
    #[error("its shape {shape:?} is too large")]
    TooLarge {
        /// The shape.
        shape: Vec<usize>,
    },
    /// An element lies outside the storage.
    #[error(
        "offset {offset}, shape {shape:?} and strides {strides:?} lie outside its storage of {n_bytes} bytes"
    )]
    Outside {
        /// Elements before the first one.
        offset: usize,
        /// Sizes of the dimensions.
        shape: Vec<usize>,
        /// Elements from one index to the next.
        strides: Vec<usize>,
        /// Bytes of the storage.
        n_bytes: usize,
    },
    /// The tensors share so many bytes that they are much larger than the file.
    #[error("with the tensors before it, it takes more than {MAX_REPETITION} times the bytes of the file")]
    Repeated,
}
