//! Files of `torch.save` (`pytorch_model.bin`, `.pt`, `.pth`, `.ckpt`): a zip archive with a pickle that describes
//! the tensors, and one member of bytes for each storage. Only the places of the tensors are read. No code of the
//! file runs, and no libtorch is needed.
//!
//! Source of the facts: `torch/serialization.py` and `torch/_utils.py` of PyTorch 2.11.

mod archive;
mod error;
pub mod pickle;

use super::layout::{TensorLayout, row_major};
use archive::Archive;
use error::MAX_REPETITION;
pub use error::{TorchFileError, WrongPlace};
use pickle::PickledTensor;
use seqprobe_files::FileKind;
use std::ops::Range;

/// Returns the place of each tensor, in the order of the file.
///
/// # Errors
/// [`TorchFileError`] for another format, a damaged file, or one that contains more than plain tensors.
pub fn read(file: &[u8]) -> Result<Vec<TensorLayout>, TorchFileError> {
    if FileKind::of(file) != FileKind::Zip {
        let (found, hint) = kind_of(file);
        return Err(TorchFileError::NotAnArchive { found, hint });
    }
    let mut archive = Archive::read(file)?;
    let root = archive.root()?;
    if archive.contains(&format!("{root}/constants.pkl")) {
        let found = "it is a TorchScript archive, which is code and not a state dictionary".to_owned();
        return Err(TorchFileError::Archive(found));
    }
    let byte_order = format!("{root}/byteorder");
    if archive.contains(&byte_order) {
        let found = file.get(archive.range(&byte_order)?).unwrap_or_default();
        if found != b"little" {
            let found = String::from_utf8_lossy(found).chars().take(20).collect();
            return Err(TorchFileError::ByteOrder { found });
        }
    }
    let pickle = archive.range(&format!("{root}/data.pkl"))?;
    let tensors = pickle::read(file.get(pickle).unwrap_or_default())?;
    let mut layouts = Vec::with_capacity(tensors.len());
    let mut n_bytes: u128 = 0;
    for tensor in tensors {
        let storage = archive.range(&format!("{root}/data/{}", tensor.storage))?;
        let layout = placed(&tensor, storage)
            .map_err(|problem| TorchFileError::Tensor { name: tensor.name, problem })?;
        n_bytes += layout.n_bytes() as u128;
        if n_bytes > (file.len() as u128 + (1 << 20)) * MAX_REPETITION as u128 {
            return Err(TorchFileError::Tensor { name: layout.name, problem: WrongPlace::Repeated });
        }
        layouts.push(layout);
    }
    Ok(layouts)
}

/// Returns a tensor's place in the file, after checking that all of it lies within its storage.
fn placed(tensor: &PickledTensor, storage: Range<usize>) -> Result<TensorLayout, WrongPlace> {
    if tensor.storage_bytes > storage.len() {
        return Err(WrongPlace::ShortStorage {
            storage: tensor.storage.clone(),
            n_bytes: storage.len(),
            expected: tensor.storage_bytes,
        });
    }
    let width = tensor.dtype.bitsize() / 8;
    let n_elements = tensor.shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    let n_bytes = n_elements.and_then(|n_elements| n_elements.checked_mul(width));
    let (Some(n_elements), Some(_)) = (n_elements, n_bytes) else {
        return Err(WrongPlace::TooLarge { shape: tensor.shape.clone() });
    };
    let outside = || WrongPlace::Outside {
        offset: tensor.offset,
        shape: tensor.shape.clone(),
        strides: tensor.strides.clone(),
        n_bytes: tensor.storage_bytes,
    };
    let last = tensor.shape.iter().zip(&tensor.strides).try_fold(tensor.offset, |last, (size, stride)| {
        last.checked_add(size.saturating_sub(1).checked_mul(*stride)?)
    });
    // Bytes from the storage's start to the end of the last element.
    let end = last.and_then(|last| last.checked_add(1)?.checked_mul(width)).ok_or_else(outside)?;
    if n_elements > 0 && end > tensor.storage_bytes {
        return Err(outside());
    }
    let is_row_major = n_elements == 0 || is_row_major(&tensor.shape, &tensor.strides);
    Ok(TensorLayout {
        name: tensor.name.clone(),
        dtype: tensor.dtype,
        shape: tensor.shape.clone(),
        strides: if is_row_major { None } else { Some(tensor.strides.clone()) },
        start: storage.start + if n_elements > 0 { tensor.offset * width } else { 0 },
    })
}

/// Strides of dimensions with one index do not matter.
fn is_row_major(shape: &[usize], strides: &[usize]) -> bool {
    row_major(shape)
        .iter()
        .zip(strides)
        .zip(shape)
        .all(|((expected, stride), size)| *size == 1 || expected == stride)
}

const CONVERT: &str =
    "convert it once in Python: torch.save(torch.load(\"old.bin\", weights_only=True), \"new.bin\")";

/// Returns what a file is that is not a zip archive, and what to do about it.
fn kind_of(file: &[u8]) -> (String, &'static str) {
    let (found, hint) = match (FileKind::of(file), file) {
        (FileKind::Pickle, [0x80, 0x02, 0x8a, 0x0a, ..]) => {
            ("a file in the format before PyTorch 1.6", CONVERT)
        }
        (FileKind::Pickle, _) => ("a plain pickle", CONVERT),
        (FileKind::Tar, _) => ("a file in the tar format before PyTorch 0.2", CONVERT),
        (FileKind::Empty, _) => ("an empty file", "download or copy it again"),
        (FileKind::Binary | FileKind::Text, _) => ("not a zip archive", "download or copy it again"),
        (kind, _) => {
            let unpack =
                if kind.is_compressed() { "unpack it first" } else { "download or copy the right file" };
            return (kind.to_string(), kind.hint().unwrap_or(unpack));
        }
    };
    (found.to_owned(), hint)
}
