//! safetensors: a tensor of vectors, the ids as a JSON array in the metadata (as `seqprobe embed` writes
//! them) or as a tensor of whole numbers.

use super::numbers::{Float, floats};
use super::{DEFAULT_IDS, DEFAULT_VALUES, Found, ImportFormat, ImportedFile, choose, ids_name, wants_ids};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

pub(super) const FORMAT: ImportFormat = ImportFormat {
    endings: &["safetensors"],
    title: "tensor `embeddings` or `features` [examples, values]; `ids` a JSON array in the metadata",
    read,
};

fn read(file: &ImportedFile) -> Result<Found, String> {
    let damaged = |error: safetensors::SafeTensorError| format!("not a whole safetensors file: {error}");
    let tensors = SafeTensors::deserialize(&file.bytes).map_err(damaged)?;
    let names: Vec<String> = tensors.names().into_iter().map(str::to_owned).collect();
    let name = choose("values", file.values.as_deref(), &DEFAULT_VALUES, &names)?;
    let tensor = tensors.tensor(name).map_err(damaged)?;
    let kind = match tensor.dtype() {
        Dtype::F16 => Float::F16,
        Dtype::BF16 => Float::Bf16,
        Dtype::F32 => Float::F32,
        Dtype::F64 => Float::F64,
        other => return Err(format!("tensor {name:?} has type {other:?}, expected F16, BF16, F32 or F64")),
    };
    let ids = if wants_ids(file) {
        let (_, header) = SafeTensors::read_metadata(&file.bytes).map_err(damaged)?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let mut there: Vec<String> = metadata.keys().cloned().collect();
        there.sort();
        there.extend(names.iter().cloned());
        let name = choose("ids", ids_name(file), &DEFAULT_IDS, &there)?;
        Some(match metadata.get(name) {
            Some(text) => serde_json::from_str(text)
                .map_err(|error| format!("metadata {name:?} is no JSON array of texts: {error}"))?,
            None => whole_numbers(name, &tensors.tensor(name).map_err(damaged)?)?,
        })
    } else {
        None
    };
    Ok(Found {
        name: name.to_owned(),
        shape: tensor.shape().iter().map(|&size| size as u64).collect(),
        values: floats(tensor.data(), kind, false),
        ids,
    })
}

fn whole_numbers(name: &str, tensor: &TensorView<'_>) -> Result<Vec<String>, String> {
    if tensor.dtype() != Dtype::I64 || tensor.shape().len() != 1 {
        return Err(format!(
            "tensor {name:?} is {:?} of shape {:?}, expected ids as I64 of one dimension\n  hint: texts go into the metadata as a JSON array",
            tensor.dtype(),
            tensor.shape()
        ));
    }
    Ok(tensor.data().as_chunks::<8>().0.iter().map(|&bytes| i64::from_le_bytes(bytes).to_string()).collect())
}
