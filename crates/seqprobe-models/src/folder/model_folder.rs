//! The folder of a model, and folders of another kind: what they are, and what to do.

use crate::error::ModelError;
use crate::folder::small_file::{dangling, read_text};
use seqprobe_hub::USUAL_WEIGHT_FILES;
use std::path::{Path, PathBuf};

/// Files of other programs with weights that are not read: the end of the name, what it is, and what to do.
const OTHER_WEIGHTS: &[(&str, &str, &str)] = &[
    (
        ".msgpack",
        "Flax weights",
        "AutoModel.from_pretrained(\"FOLDER\", from_flax=True).save_pretrained(\"NEW\")",
    ),
    (
        "tf_model.h5",
        "TensorFlow weights",
        "AutoModel.from_pretrained(\"FOLDER\", from_tf=True).save_pretrained(\"NEW\")",
    ),
    (
        ".ckpt.index",
        "a TensorFlow checkpoint",
        "AutoModel.from_pretrained(\"FOLDER\", from_tf=True).save_pretrained(\"NEW\")",
    ),
    ("saved_model.pb", "a TensorFlow model", "save its weights as safetensors"),
    (".gguf", "GGUF weights, which are quantised", "use the original weights"),
    (".onnx", "an ONNX graph", "use the weights that it was exported from"),
    (".ot", "weights of rust-bert", "use the original weights"),
];

/// The folder of a model: the folder itself, that of a file in it (`config.json`), or the snapshot of a Hugging Face
/// cache entry. `needs_weights`: whether links to weights must lead somewhere.
///
/// # Errors
/// [`ModelError::Folder`] for a folder of another kind, which is named: an adapter, a cache, links that lead nowhere.
pub(crate) fn model_folder(path: &Path, needs_weights: bool) -> Result<PathBuf, ModelError> {
    if path.is_file() {
        return match path.parent() {
            Some(folder) if folder.join("config.json").is_file() => model_folder(folder, needs_weights),
            _ => Err(wrong(path, "is a file without config.json beside it".to_owned(), FOLDER_HINT)),
        };
    }
    let folder = snapshot(path)?;
    let weights = USUAL_WEIGHT_FILES.iter().filter(|_| needs_weights);
    let read = ["config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json"];
    for name in read.iter().chain(weights) {
        if let Some(target) = dangling(&folder.join(name)) {
            let what = format!("{name} is a link to {}, which is not there", target.display());
            let hint = "the download is not complete: `seqprobe fetch` completes a model of the hub";
            return Err(wrong(&folder, what, hint));
        }
    }
    if folder.is_dir() {
        refuse_adapter(&folder)?;
        refuse_part(&folder)?;
    }
    Ok(folder)
}

const FOLDER_HINT: &str = "give a folder with config.json, weights and tokenizer files";

fn wrong(path: &Path, what: String, hint: &str) -> ModelError {
    ModelError::Folder { path: path.to_owned(), what, hint: hint.to_owned() }
}

/// The files of other programs in a folder without weights that can be read: what they are and what to do.
pub(crate) fn other_weights(folder: &Path) -> Option<String> {
    let mut names = names_in(folder);
    names.sort_unstable();
    let (name, what, hint) = names.iter().find_map(|name| {
        let (_, what, hint) = OTHER_WEIGHTS.iter().find(|(end, ..)| name.ends_with(end))?;
        Some((name, what, hint))
    })?;
    let hint = match hint.strip_prefix("AutoModel") {
        Some(_) => format!(
            "convert them once in Python, then give the folder NEW: {}",
            hint.replace("FOLDER", &folder.display().to_string())
        ),
        None => (*hint).to_owned(),
    };
    Some(format!("{name}: {what}, expected safetensors or a file of torch.save\n  hint: {hint}"))
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The snapshot of an entry of the Hugging Face cache (`models--OWNER--NAME`); any other path as it is.
fn snapshot(path: &Path) -> Result<PathBuf, ModelError> {
    let snapshots = match path.file_name() {
        Some(name) if name == "snapshots" => path.to_owned(),
        _ => path.join("snapshots"),
    };
    if path.join("config.json").exists() || !snapshots.is_dir() {
        let repositories: Vec<String> = names_in(path).iter().filter_map(|name| repository(name)).collect();
        return match (path.join("config.json").exists(), repositories.first()) {
            (false, Some(first)) => Err(wrong(
                path,
                format!("is a Hugging Face cache of {} models", repositories.len()),
                &format!("name one of them, for example hf:{first}"),
            )),
            _ => Ok(path.to_owned()),
        };
    }
    let root = snapshots.parent().unwrap_or(path);
    if let Ok(commit) = std::fs::read_to_string(root.join("refs/main")) {
        let main = snapshots.join(commit.trim());
        if !commit.trim().is_empty() && main.is_dir() {
            return Ok(main);
        }
    }
    let mut commits = names_in(&snapshots);
    commits.sort_unstable();
    match commits.as_slice() {
        [only] => Ok(snapshots.join(only)),
        [] => Err(wrong(
            path,
            "is an entry of the Hugging Face cache without a snapshot".to_owned(),
            "the download is not complete: `seqprobe fetch` completes a model of the hub",
        )),
        [first, ..] => Err(wrong(
            path,
            format!("holds {} snapshots, and refs/main names none of them", commits.len()),
            &format!("give one of them: {}", snapshots.join(first).display()),
        )),
    }
}

/// `owner/name` of a folder `models--owner--name`.
fn repository(name: &str) -> Option<String> {
    Some(name.strip_prefix("models--")?.replace("--", "/"))
}

/// A LoRA or other PEFT adapter: it holds the differences to a model, not the model.
fn refuse_adapter(folder: &Path) -> Result<(), ModelError> {
    let path = folder.join("adapter_config.json");
    let has_weights = USUAL_WEIGHT_FILES.iter().any(|name| folder.join(name).exists());
    if !path.exists() || has_weights {
        return Ok(());
    }
    let text = read_text(&path).map_err(ModelError::io(&path))?;
    let config: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let text = |key: &str| config.get(key).and_then(serde_json::Value::as_str);
    let kind = match text("peft_type") {
        Some(kind) if kind.eq_ignore_ascii_case("lora") => "a LoRA adapter",
        _ => "a PEFT adapter",
    };
    let base = text("base_model_name_or_path").unwrap_or("a model that it does not name");
    Err(wrong(
        folder,
        format!("is {kind} of {base}, not a whole model"),
        "merge it first in Python: PeftModel.from_pretrained(BASE, FOLDER).merge_and_unload().save_pretrained(NEW)",
    ))
}

/// A folder whose model is one level below, or whose weights are those of another program.
fn refuse_part(folder: &Path) -> Result<(), ModelError> {
    if folder.join("config.json").exists() {
        return Ok(());
    }
    let inner = folder.join("0_Transformer");
    if inner.join("config.json").exists() {
        let hint = format!("give the model in it: {}", inner.display());
        return Err(wrong(folder, "is a sentence-transformers folder".to_owned(), &hint));
    }
    match other_weights(folder) {
        Some(what) => Err(ModelError::Checkpoint { path: folder.to_owned(), message: what }),
        None => Ok(()),
    }
}
