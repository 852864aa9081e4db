//! Where the tensors of a safetensors file lie.

use super::layout::TensorLayout;
use safetensors::SafeTensors;

/// Layouts in no particular order, or what is wrong with the file.
pub(super) fn read(file: &[u8]) -> Result<Vec<TensorLayout>, String> {
    if file.starts_with(b"version https://git-lfs") {
        return Err("a pointer of Git LFS and not the weights\n  hint: run git lfs pull".to_owned());
    }
    let damaged = |error: safetensors::SafeTensorError| {
        format!(
            "not a whole safetensors file ({} bytes): {error}\n  hint: download or copy it again",
            file.len()
        )
    };
    let (header, metadata) = SafeTensors::read_metadata(file).map_err(damaged)?;
    let data = header + size_of::<u64>();
    if data.checked_add(metadata.data_len()) != Some(file.len()) {
        return Err(damaged(safetensors::SafeTensorError::MetadataIncompleteBuffer));
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
