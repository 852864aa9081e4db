//! Named arrays of numbers as safetensors.

use crate::store::error::ArrayError;
use safetensors::tensor::{Dtype, TensorView};
use seqprobe_core::NamedArray;

/// Named arrays as safetensors of f64.
pub(crate) fn write_arrays(arrays: &[NamedArray]) -> Result<Vec<u8>, ArrayError> {
    let bytes: Vec<Vec<u8>> = arrays
        .iter()
        .map(|array| array.values.iter().flat_map(|value| value.to_le_bytes()).collect())
        .collect();
    let views: Result<Vec<_>, _> = arrays
        .iter()
        .zip(&bytes)
        .map(|(array, bytes)| {
            TensorView::new(Dtype::F64, array.shape.clone(), bytes).map(|view| (array.name.as_str(), view))
        })
        .collect();
    Ok(safetensors::serialize(views?, None)?)
}

/// Named arrays from safetensors of f64, sorted by name.
pub(crate) fn read_arrays(bytes: &[u8]) -> Result<Vec<NamedArray>, ArrayError> {
    let tensors = safetensors::SafeTensors::deserialize(bytes)?;
    let mut arrays = Vec::new();
    for (name, view) in tensors.tensors() {
        if view.dtype() != Dtype::F64 {
            return Err(ArrayError::Type { name, found: view.dtype() });
        }
        let (values, _) = view.data().as_chunks::<8>();
        let values = values.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        arrays.push(NamedArray { name, shape: view.shape().to_vec(), values });
    }
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(arrays)
}
