//! safetensors: a tensor of vectors. The ids are a JSON array in the metadata, as `seqprobe embed` writes them, or a
//! tensor of integers.

use super::numbers::{Float, floats};
use super::{
    DEFAULT_IDS, DEFAULT_VALUES, ImportError, ImportFormat, ImportedArrays, ImportedFile, choose, ids_name,
    wants_ids,
};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

pub(super) const FORMAT: ImportFormat = ImportFormat {
    endings: &["safetensors"],
    title: "tensor `embeddings` or `features` [examples, values]; `ids` a JSON array in the metadata",
    read,
};

fn read(file: &ImportedFile) -> Result<ImportedArrays, ImportError> {
    let damaged = |error: safetensors::SafeTensorError| ImportError::unreadable("safetensors", &error);
    let tensors = SafeTensors::deserialize(&file.bytes).map_err(damaged)?;
    let names: Vec<String> = tensors.names().into_iter().map(str::to_owned).collect();
    let name = choose("values", file.values.as_deref(), &DEFAULT_VALUES, &names)?;
    let tensor = tensors.tensor(name).map_err(damaged)?;
    let kind = match tensor.dtype() {
        Dtype::F16 => Float::F16,
        Dtype::BF16 => Float::Bf16,
        Dtype::F32 => Float::F32,
        Dtype::F64 => Float::F64,
        other => {
            return Err(ImportError::Type {
                what: format!("tensor {name:?}"),
                found: format!("{other:?}"),
                expected: "F16, BF16, F32 or F64",
            });
        }
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
                .map_err(|error| ImportError::unreadable("a JSON array of texts", &error))
                .map_err(ImportError::of_array(name))?,
            None => whole_numbers(name, &tensors.tensor(name).map_err(damaged)?)?,
        })
    } else {
        None
    };
    Ok(ImportedArrays {
        name: name.to_owned(),
        shape: tensor.shape().iter().map(|&size| size as u64).collect(),
        values: floats(tensor.data(), kind, false),
        ids,
    })
}

fn whole_numbers(name: &str, tensor: &TensorView<'_>) -> Result<Vec<String>, ImportError> {
    if tensor.dtype() != Dtype::I64 || tensor.shape().len() != 1 {
        return Err(ImportError::Type {
            what: format!("tensor {name:?}"),
            found: format!("{:?} of shape {:?}", tensor.dtype(), tensor.shape()),
            expected: "ids as I64 of one dimension\n  hint: store texts in the metadata as a JSON array",
        });
    }
    Ok(tensor.data().as_chunks::<8>().0.iter().map(|&bytes| i64::from_le_bytes(bytes).to_string()).collect())
}
