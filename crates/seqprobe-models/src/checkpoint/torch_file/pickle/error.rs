//! Why a pickle cannot be read.

/// Why a pickle could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickleError {
    /// A name outside the list. Nothing was run.
    #[error(
        "it names the Python object {name} (byte {place} of its pickle), which is not part of plain weights; nothing was run\n  hint: save the weights alone: torch.save(model.state_dict(), \"pytorch_model.bin\"); do not load the file in Python unless you trust its author"
    )]
    Global {
        /// Module and name.
        name: String,
        /// Byte of the pickle, 0-based.
        place: usize,
    },
    /// Not a pickle, or not one that `torch.save` writes.
    #[error("its pickle cannot be read at byte {place}: {problem}")]
    Malformed {
        /// Byte of the pickle, 0-based.
        place: usize,
        /// What is wrong.
        problem: String,
    },
    /// The pickle contains no dictionary of tensors.
    #[error(
        "it contains {found}, expected named tensors\n  hint: save the weights alone: torch.save(model.state_dict(), \"pytorch_model.bin\")"
    )]
    NoTensors {
        /// What it contains.
        found: String,
    },
    /// A tensor with an invalid description.
    #[error("tensor {name:?}: {problem}")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong.
        problem: String,
    },
}
