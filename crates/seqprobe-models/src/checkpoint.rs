//! The weights of a model as named tensors, in any supported file format and floating-point type: `model.safetensors`,
//! `pytorch_model.bin` and other files of `torch.save`, one file or several with an index.
//!
//! Files are memory maps. A tensor is copied out of its map once, in pieces that are checked and hashed during the
//! copy. Then the pages of the map are released. So a loaded model needs its own size in memory, and it does not
//! change if the file is overwritten. No code in a file is run.

mod index;
pub mod layout;
mod mapped_file;
mod safetensors_file;
mod stored_tensor;
pub mod torch_file;

use crate::error::ModelError;
use crate::folder::misplaced::misplaced;
use index::Index;
use layout::TensorLayout;
use mapped_file::MappedFile;
use safetensors::Dtype;
use seqprobe_core::Digest;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_files::FileKind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use stored_tensor::{StoredTensor, float_kind};
use tch::{Device, Kind, Tensor};

/// An open checkpoint: the place of every tensor is known and lies within its file.
pub struct Checkpoint {
    path: PathBuf,
    files: Vec<MappedFile>,
    names: Vec<String>,
    /// In the order of `names`.
    tensors: Vec<StoredTensor>,
}

impl Checkpoint {
    /// Opens a file, or the weights of a folder: the first that exists of `model.safetensors`, its index,
    /// `pytorch_model.bin`, its index, and a single `.pt`, `.pth` or `.ckpt` file.
    ///
    /// # Errors
    /// [`ModelError::Checkpoint`] if there are no weights, or they are damaged, have another format, or are not plain
    /// tensors.
    pub fn open(folder_or_file: &Path) -> Result<Self, ModelError> {
        let path =
            if folder_or_file.is_dir() { index::locate(folder_or_file)? } else { folder_or_file.to_owned() };
        let (files, tensors) = if Index::is_index(&path) { open_split(&path)? } else { open_single(&path)? };
        if let Some(name) = tensors.keys().find(|name| name.contains(".lora_A.") || name.contains(".lora_B."))
        {
            let message = format!(
                "tensor {name:?} is part of a LoRA adapter that is not merged into the weights\n  hint: merge it first in Python: model.merge_and_unload().save_pretrained(NEW)"
            );
            return Err(ModelError::Checkpoint { path, message });
        }
        let (names, tensors): (Vec<String>, Vec<StoredTensor>) = tensors.into_iter().unzip();
        Ok(Self { path, files, names, tensors })
    }

    /// The file, or the index of several.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of all tensors, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Returns the digest of all tensors: names, element types, shapes and values. It does not depend on the file
    /// format, the number of files, or the order of the tensors. Tensors that were loaded before are not read
    /// again.
    pub fn digest(&self) -> Digest {
        let mut digest = DigestBuilder::new("checkpoint v1");
        for tensor in &self.tensors {
            if let Some(file) = self.files.get(tensor.file) {
                digest.part(tensor.digest(file).as_bytes());
            }
        }
        digest.finish()
    }

    /// Returns one tensor, converted to `kind` on `device`.
    ///
    /// # Shapes
    /// `shape`, or an error.
    ///
    /// # Errors
    /// [`ModelError`] naming the tensor if it is missing, has another shape, is not a floating-point tensor, or
    /// contains a value that is not finite.
    pub fn tensor(
        &self,
        name: &str,
        shape: &[usize],
        kind: Kind,
        device: Device,
    ) -> Result<Tensor, ModelError> {
        let (stored, file, file_kind) = self.float_tensor(name, shape)?;
        let loaded = stored.load(file, file_kind)?;
        let tensor = loaded.tensor.f_to_device_(device, kind, false, false)?;
        // The range of a narrower type may be too small for the values of the file.
        let is_kept =
            kind == file_kind || kind == Kind::Double || (kind == Kind::Float && file_kind != Kind::Double);
        if !loaded.is_finite || !(is_kept || bool::try_from(tensor.f_isfinite()?.f_all()?)?) {
            return Err(not_finite(file, name, kind));
        }
        Ok(tensor)
    }

    /// Reads one tensor into rows of a larger, new one. No copy is made in between if the types are the same.
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`].
    pub(crate) fn tensor_into(
        &self,
        name: &str,
        shape: &[usize],
        rows: &mut Tensor,
    ) -> Result<(), ModelError> {
        let (stored, file, file_kind) = self.float_tensor(name, shape)?;
        let same_size = rows.size().iter().map(|&size| size as usize).eq(shape.iter().copied());
        let is_plain = same_size && rows.is_contiguous() && rows.device() == Device::Cpu;
        if !is_plain || rows.kind() != file_kind {
            return Ok(rows.f_copy_(&self.tensor(name, shape, rows.kind(), rows.device())?)?);
        }
        if stored.fill(file, rows) { Ok(()) } else { Err(not_finite(file, name, file_kind)) }
    }

    /// Returns a tensor of floating-point numbers that has the requested shape.
    fn float_tensor(
        &self,
        name: &str,
        shape: &[usize],
    ) -> Result<(&StoredTensor, &MappedFile, Kind), ModelError> {
        let Some((stored, file)) = self.find(name) else {
            return Err(self.missing(name, shape));
        };
        if stored.layout.shape != shape {
            return Err(ModelError::TensorShape {
                path: file.path.clone(),
                name: name.to_owned(),
                expected: shape.to_vec(),
                got: stored.layout.shape.clone(),
            });
        }
        let dtype = stored.layout.dtype;
        let Some(file_kind) = float_kind(dtype) else {
            let problem = format!("has element type {dtype}, expected F16, BF16, F32 or F64");
            return Err(ModelError::TensorValues { path: file.path.clone(), name: name.to_owned(), problem });
        };
        Ok((stored, file, file_kind))
    }

    /// Returns a table of 64-bit whole numbers.
    ///
    /// # Errors
    /// [`ModelError`] naming the tensor if it is missing or has another shape or type.
    pub fn whole_numbers(&self, name: &str, length: usize) -> Result<Vec<i64>, ModelError> {
        let Some((stored, file)) = self.find(name) else {
            return Err(self.missing(name, &[length]));
        };
        if stored.layout.shape != [length] {
            return Err(ModelError::TensorShape {
                path: file.path.clone(),
                name: name.to_owned(),
                expected: vec![length],
                got: stored.layout.shape.clone(),
            });
        }
        if stored.layout.dtype != Dtype::I64 {
            return Err(ModelError::TensorValues {
                path: file.path.clone(),
                name: name.to_owned(),
                problem: format!("has element type {}, expected I64", stored.layout.dtype),
            });
        }
        Ok(Vec::try_from(stored.load(file, Kind::Int64)?.tensor)?)
    }

    fn find(&self, name: &str) -> Option<(&StoredTensor, &MappedFile)> {
        let place = self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()?;
        let tensor = self.tensors.get(place)?;
        Some((tensor, self.files.get(tensor.file)?))
    }

    fn missing(&self, name: &str, shape: &[usize]) -> ModelError {
        // The name of a tensor of another block would not help.
        let same_block = self.names.iter().map(String::as_str).filter(|other| digits(other).eq(digits(name)));
        let nearest = seqprobe_core::config::nearest(name, same_block);
        let hint = match nearest {
            Some(nearest) => format!("the nearest name in the file is {nearest:?}"),
            None => "the checkpoint has another architecture".to_owned(),
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

type Opened = (Vec<MappedFile>, BTreeMap<String, StoredTensor>);

fn open_single(path: &Path) -> Result<Opened, ModelError> {
    let (file, layouts) = read_file(path)?;
    let tensors = layouts.into_iter().map(|layout| (layout.name.clone(), StoredTensor::new(layout, 0)));
    Ok((vec![file], tensors.collect()))
}

/// Opens the files that an index names. A tensor must be in the file that the index names for it. Tensors that the
/// index does not name count too, so that they are not overlooked.
fn open_split(path: &Path) -> Result<Opened, ModelError> {
    let index = Index::read(path)?;
    let mut files = Vec::new();
    let mut tensors = BTreeMap::new();
    for (number, (file_name, file_path)) in index.files()?.into_iter().enumerate() {
        let (file, layouts) = read_file(&file_path)?;
        files.push(file);
        for layout in layouts {
            if index.file_of(&layout.name).is_some_and(|named| named != file_name) {
                continue;
            }
            let name = layout.name.clone();
            if tensors.insert(name.clone(), StoredTensor::new(layout, number)).is_some() {
                return Err(index.error(format!(
                    "tensor {name:?} is in several files, and the index does not say which one to use"
                )));
            }
        }
    }
    for (name, file_name) in index.entries() {
        if !tensors.contains_key(name) {
            return Err(index.error(format!(
                "tensor {name:?} is not in file {file_name:?}, where the index expects it\n  hint: download or copy the files again"
            )));
        }
    }
    Ok((files, tensors))
}

/// Opens a file of either format. The content decides; where it could be either, because it is damaged, the name does.
fn read_file(path: &Path) -> Result<(MappedFile, Vec<TensorLayout>), ModelError> {
    let file = MappedFile::open(path)?;
    let kind = FileKind::of(file.bytes());
    let is_named_safetensors = path.extension().is_some_and(|extension| extension == "safetensors");
    let is_safetensors = match kind {
        FileKind::Safetensors => true,
        FileKind::Zip => false,
        // A pickle has a mark of two bytes only, which a cut safetensors file may have too.
        FileKind::Binary | FileKind::Text | FileKind::Empty | FileKind::Pickle | FileKind::Tar => {
            is_named_safetensors
        }
        other => {
            let message = misplaced(other, "safetensors or a file of torch.save");
            return Err(ModelError::Checkpoint { path: path.to_owned(), message });
        }
    };
    let layouts = if is_safetensors {
        safetensors_file::read(file.bytes()).map_err(|error| error.to_string())
    } else {
        torch_file::read(file.bytes()).map_err(|error| error.to_string())
    };
    match layouts {
        Ok(layouts) => Ok((file, layouts)),
        Err(message) => Err(ModelError::Checkpoint { path: path.to_owned(), message }),
    }
}

fn not_finite(file: &MappedFile, name: &str, kind: Kind) -> ModelError {
    let problem = format!("contains NaN or infinite values (read as {kind:?})");
    ModelError::TensorValues { path: file.path.clone(), name: name.to_owned(), problem }
}
