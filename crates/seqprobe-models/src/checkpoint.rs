//! `model.safetensors` as a memory map: tensors by the file's own names, whatever floating-point type the
//! file has. It does not know which tensors a model needs.

use crate::error::ModelError;
use safetensors::{Dtype, SafeTensors};
use seqprobe_core::Digest;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

/// An open checkpoint whose header has been checked against its size.
pub struct Checkpoint {
    path: PathBuf,
    map: memmap2::Mmap,
    names: Vec<String>,
}

impl Checkpoint {
    /// Opens `model.safetensors` of a folder.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] when it is absent (with the way to convert what is there) or damaged.
    pub fn open(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("model.safetensors");
        if !path.exists() {
            return Err(ModelError::Checkpoint { message: absent(folder), path: folder.to_owned() });
        }
        let file = std::fs::File::open(&path).map_err(ModelError::io(&path))?;
        let map = map_file(&file).map_err(ModelError::io(&path))?;
        let mut names: Vec<String> = match SafeTensors::deserialize(&map) {
            Ok(tensors) => tensors.names().into_iter().map(ToOwned::to_owned).collect(),
            Err(error) => {
                let message = format!(
                    "not a whole safetensors file ({} bytes): {error}\n  hint: download or copy it again",
                    map.len()
                );
                return Err(ModelError::Checkpoint { path, message });
            }
        };
        names.sort_unstable();
        Ok(Self { path, map, names })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }

    /// Digest of the file's bytes.
    pub fn digest(&self) -> Digest {
        Digest::of_bytes(&self.map)
    }

    /// One tensor, converted to `kind` on `device`.
    ///
    /// # Shapes
    /// `shape`, or an error.
    ///
    /// # Errors
    /// [`ModelError`] naming the tensor when it is missing, has another shape, is not a floating-point
    /// tensor or holds a value that is not finite.
    pub fn tensor(
        &self,
        name: &str,
        shape: &[usize],
        kind: Kind,
        device: Device,
    ) -> Result<Tensor, ModelError> {
        let tensors = SafeTensors::deserialize(&self.map).map_err(|error| ModelError::Checkpoint {
            path: self.path.clone(),
            message: error.to_string(),
        })?;
        let Ok(view) = tensors.tensor(name) else {
            return Err(self.missing(name, shape));
        };
        if view.shape() != shape {
            return Err(ModelError::TensorShape {
                path: self.path.clone(),
                name: name.to_owned(),
                expected: shape.to_vec(),
                got: view.shape().to_vec(),
            });
        }
        let values_error = |problem: String| ModelError::TensorValues {
            path: self.path.clone(),
            name: name.to_owned(),
            problem,
        };
        let file_kind = match view.dtype() {
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            Dtype::F32 => Kind::Float,
            Dtype::F64 => Kind::Double,
            other => {
                return Err(values_error(format!(
                    "has element type {other}, expected F16, BF16, F32 or F64"
                )));
            }
        };
        let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        let tensor = Tensor::f_from_data_size(view.data(), &sizes, file_kind)?
            .f_to_device_(device, kind, false, true)?;
        if !bool::try_from(tensor.f_isfinite()?.f_all()?)? {
            return Err(values_error(format!("holds NaN or infinite values (read as {kind:?})")));
        }
        Ok(tensor)
    }

    fn missing(&self, name: &str, shape: &[usize]) -> ModelError {
        // A tensor of another block is no help.
        let same_block = self.names.iter().map(String::as_str).filter(|other| digits(other).eq(digits(name)));
        let nearest = seqprobe_core::config::nearest(name, same_block);
        let hint = match nearest {
            Some(nearest) => format!("the nearest name in the file is {nearest:?}"),
            None => "the checkpoint is of another architecture".to_owned(),
        };
        ModelError::MissingTensor {
            path: self.path.clone(),
            name: name.to_owned(),
            shape: shape.to_vec(),
            n_tensors: self.names.len(),
            hint,
        }
    }
}

fn digits(name: &str) -> impl Iterator<Item = u8> + '_ {
    name.bytes().filter(u8::is_ascii_digit)
}

/// What to say when there is no `model.safetensors`.
fn absent(folder: &Path) -> String {
    let converted = "python -c \"import torch, safetensors.torch as s; \
                     s.save_file({k: v.contiguous().clone() for k, v in torch.load('pytorch_model.bin', \
                     map_location='cpu', weights_only=True).items()}, 'model.safetensors')\"";
    if folder.join("model.safetensors.index.json").exists() {
        "the weights are split over several safetensors files, expected one model.safetensors\n  hint: load \
         the model in Python and save it with save_pretrained(folder, max_shard_size=\"1000GB\")"
            .to_owned()
    } else if folder.join("pytorch_model.bin").exists() {
        format!(
            "pytorch_model.bin cannot be read, expected model.safetensors\n  hint: convert it once, inside the folder: {converted}"
        )
    } else {
        "no model.safetensors in this folder\n  hint: give a folder in Hugging Face layout (config.json, \
         model.safetensors, vocab.txt), or use random: for an untrained model"
            .to_owned()
    }
}

#[expect(
    unsafe_code,
    reason = "a read-only memory map of a checkpoint; the file must not be changed while it is loaded, as for any reader"
)]
fn map_file(file: &std::fs::File) -> std::io::Result<memmap2::Mmap> {
    // SAFETY: the map is read-only and lives only while one model is loaded.
    unsafe { memmap2::Mmap::map(file) }
}
