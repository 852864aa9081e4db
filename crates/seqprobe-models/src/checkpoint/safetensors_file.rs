//! The places of the tensors in a safetensors file.

use super::layout::TensorLayout;
use safetensors::{SafeTensorError, SafeTensors};
use thiserror::Error;

/// A file that is not a complete safetensors file.
#[derive(Debug, Error)]
pub(super) enum SafetensorsFileError {
    #[error("not a complete safetensors file ({n_bytes} bytes): {source}\n  hint: download or copy it again")]
    Damaged { n_bytes: usize, source: SafeTensorError },
}

/// Returns the layouts in no particular order.
pub(super) fn read(file: &[u8]) -> Result<Vec<TensorLayout>, SafetensorsFileError> {
    let damaged = |source| SafetensorsFileError::Damaged { n_bytes: file.len(), source };
    let (header, metadata) = SafeTensors::read_metadata(file).map_err(damaged)?;
    let data = header + size_of::<u64>();
    if data.checked_add(metadata.data_len()) != Some(file.len()) {
        return Err(damaged(SafeTensorError::MetadataIncompleteBuffer));
    }
    let layout = |(name, info): (String, &safetensors::tensor::TensorInfo)| TensorLayout {
        name,
        dtype: info.dtype,
        shape: info.shape.clone(),
        strides: None,
        start: data + info.data_offsets.0,
    };
    Ok(metadata.tensors().into_iter().map(layout).collect())
}
