//! The index of weights that are split over several files (`*.index.json`), and the search for weight files in a
//! folder.

use crate::error::ModelError;
use crate::folder::model_folder::other_weights;
use seqprobe_hub::{OTHER_WEIGHT_EXTENSIONS, USUAL_WEIGHT_FILES};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// Returns the weights of a folder: the first of the usual files, else the only `.pt`, `.pth` or `.ckpt`.
pub(super) fn locate(folder: &Path) -> Result<PathBuf, ModelError> {
    let error = |message: String| ModelError::Checkpoint { path: folder.to_owned(), message };
    if let Some(path) = USUAL_WEIGHT_FILES.iter().map(|name| folder.join(name)).find(|path| path.exists()) {
        return Ok(path);
    }
    let mut others = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(ModelError::io(folder))? {
        let path = entry.map_err(ModelError::io(folder))?.path();
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension.is_some_and(|extension| OTHER_WEIGHT_EXTENSIONS.contains(&extension)) && path.is_file() {
            others.push(path);
        }
    }
    others.sort_unstable();
    match others.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(error(other_weights(folder).unwrap_or_else(|| {
            "no weights in this folder: no model.safetensors, no pytorch_model.bin, no index of one of them \
             and no .pt, .pth or .ckpt file\n  hint: give a folder in Hugging Face layout (config.json, \
             model.safetensors, vocab.txt), or use random: for an untrained model"
                .to_owned()
        }))),
        [first, second, ..] => Err(error(format!(
            "{} files of weights, expected one: {}, {}{}\n  hint: move the others out of the folder, or call the right one pytorch_model.bin",
            others.len(),
            file_name(first),
            file_name(second),
            if others.len() > 2 { ", …" } else { "" }
        ))),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// An index: the file of each tensor.
pub(super) struct Index {
    path: PathBuf,
    file_of: BTreeMap<String, String>,
}

impl Index {
    /// Whether a file is an index, by its name.
    pub(super) fn is_index(path: &Path) -> bool {
        file_name(path).ends_with(".index.json")
    }

    pub(super) fn read(path: &Path) -> Result<Self, ModelError> {
        #[derive(serde::Deserialize)]
        struct Stored {
            weight_map: BTreeMap<String, String>,
        }
        let error = |message: String| ModelError::Checkpoint { path: path.to_owned(), message };
        let text = crate::folder::small_file::read_text(path).map_err(ModelError::io(path))?;
        let stored: Stored = serde_json::from_str(&text).map_err(|problem| {
            error(format!("not an index of weights (a JSON object with the key \"weight_map\"): {problem}"))
        })?;
        let index = Self { path: path.to_owned(), file_of: stored.weight_map };
        if index.file_of.is_empty() {
            return Err(index.error("its \"weight_map\" names no tensor".to_owned()));
        }
        Ok(index)
    }

    /// The files, in the order of their names.
    ///
    /// A name must lead to a file in the folder of the index or below it, because an index may come from anywhere.
    pub(super) fn files(&self) -> Result<Vec<(&str, PathBuf)>, ModelError> {
        let names: BTreeSet<&str> = self.file_of.values().map(String::as_str).collect();
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let mut files = Vec::with_capacity(names.len());
        for name in names {
            let is_inside = !name.is_empty()
                && Path::new(name).components().all(|component| matches!(component, Component::Normal(_)));
            if !is_inside {
                return Err(self.error(format!("file {name:?} is not a path within its folder")));
            }
            let path = folder.join(name);
            if !path.is_file() {
                let tensor = self.file_of.iter().find(|entry| entry.1 == name).map_or("", |entry| entry.0);
                return Err(self.error(format!(
                    "file {name:?}, which should contain tensor {tensor:?}, is missing\n  hint: download or copy it again"
                )));
            }
            files.push((name, path));
        }
        Ok(files)
    }

    /// Tensors and their files.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.file_of.iter().map(|(name, file)| (name.as_str(), file.as_str()))
    }

    /// The file that the index names for a tensor.
    pub(super) fn file_of(&self, name: &str) -> Option<&str> {
        self.file_of.get(name).map(String::as_str)
    }

    pub(super) fn error(&self, message: String) -> ModelError {
        ModelError::Checkpoint { path: self.path.clone(), message }
    }
}
