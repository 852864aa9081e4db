//! A model described by a small TOML file: one that brings its own code, as a TorchScript file or as a worker
//! process. The file says what to run; nothing of it runs unless the caller allows code.
//!
//! `crates/seqprobe/docs/described-models.md` has the keys.

use crate::error::ModelError;
use crate::model::{FrozenModel, LoadOptions, Weights};
use crate::torchscript;
use crate::worker;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whether a model path is a description file and not a folder.
pub(crate) fn is_description(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml") && !path.is_dir()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Torchscript,
    Worker,
}

/// The file as written; which keys belong to which kind is checked after.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DescriptionFile {
    schema: u32,
    kind: Kind,
    command: Option<Vec<String>>,
    timeout_seconds: Option<u64>,
    restarts: Option<u32>,
    file: Option<String>,
    tokenizer: Option<String>,
    tokenizer_folder: Option<String>,
    hidden: Option<usize>,
    layers: Option<LayersKey>,
    max_tokens: Option<usize>,
    cls: Option<bool>,
}

/// `layers = 13` or `layers = ["0", "6", "final"]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum LayersKey {
    /// The outputs are layers 0 to below this number.
    Count(u32),
    /// What each output is, in order.
    Names(Vec<String>),
}

/// Loads a described model.
///
/// # Errors
/// [`ModelError::Config`] for a file that does not fit, random weights, or code that is not allowed.
pub(crate) fn load(path: &Path, options: LoadOptions) -> Result<FrozenModel, ModelError> {
    let text = crate::small_file::read_text(path).map_err(ModelError::io(path))?;
    let wrong = |message: String| ModelError::Config { path: path.to_owned(), message };
    let file: DescriptionFile = seqprobe_core::parse_toml(&text, &path.display().to_string())
        .map_err(|error| wrong(error.message))?;
    if file.schema != 1 {
        return Err(wrong(format!("schema {} is not known, expected 1", file.schema)));
    }
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    check_keys(&file).map_err(wrong)?;
    let runs = match file.kind {
        Kind::Torchscript => {
            format!("the TorchScript code in {:?}", file.file.as_deref().unwrap_or_default())
        }
        Kind::Worker => format!("the command {:?}", file.command.clone().unwrap_or_default().join(" ")),
    };
    if let Weights::Random(_) = options.weights {
        return Err(wrong(format!(
            "random: is not possible here: weights can be drawn anew only for an architecture that seqprobe knows, and this model is {runs}\n  hint: describe a second model whose own weights are random"
        )));
    }
    if !options.allow_code {
        return Err(wrong(format!(
            "this model would run {runs}, and running code is not allowed\n  hint: read what it does, then allow it with --allow-code"
        )));
    }
    let model = match file.kind {
        Kind::Worker => worker::load(worker_settings(path, folder, file).map_err(wrong)?, options)?,
        Kind::Torchscript => {
            torchscript::load(torchscript_settings(path, &folder, file).map_err(wrong)?, options)?
        }
    };
    Ok(FrozenModel { precision: options.precision, ..model })
}

fn check_keys(file: &DescriptionFile) -> Result<(), String> {
    let worker = [
        ("command", file.command.is_some(), true),
        ("timeout_seconds", file.timeout_seconds.is_some(), false),
        ("restarts", file.restarts.is_some(), false),
    ];
    let torchscript = [
        ("file", file.file.is_some(), true),
        ("tokenizer", file.tokenizer.is_some(), true),
        ("hidden", file.hidden.is_some(), true),
        ("layers", file.layers.is_some(), true),
        ("cls", file.cls.is_some(), true),
        ("tokenizer_folder", file.tokenizer_folder.is_some(), false),
        ("max_tokens", file.max_tokens.is_some(), false),
    ];
    let (own, foreign, name) = match file.kind {
        Kind::Worker => (&worker[..], &torchscript[..], "worker"),
        Kind::Torchscript => (&torchscript[..], &worker[..], "torchscript"),
    };
    if let Some((key, ..)) = foreign.iter().find(|(_, given, _)| *given) {
        let keys: Vec<&str> = own.iter().map(|(key, ..)| *key).collect();
        return Err(format!(
            "key {key:?} does not belong to kind {name:?}\n  hint: its keys are {}",
            keys.join(", ")
        ));
    }
    match own.iter().find(|(_, given, needed)| *needed && !given) {
        Some((key, ..)) => Err(format!("key {key:?} is missing, kind {name:?} needs it")),
        None => Ok(()),
    }
}

fn worker_settings(
    path: &Path,
    folder: PathBuf,
    file: DescriptionFile,
) -> Result<worker::WorkerSettings, String> {
    let command = file.command.unwrap_or_default();
    if command.first().is_none_or(String::is_empty) {
        return Err("key \"command\" is empty, expected a program and its arguments".to_owned());
    }
    let timeout = file.timeout_seconds.unwrap_or(300);
    if !(1..=86_400).contains(&timeout) {
        return Err(format!("key \"timeout_seconds\" is {timeout}, expected 1 to 86400"));
    }
    let restarts = file.restarts.unwrap_or(3);
    if restarts > 100 {
        return Err(format!("key \"restarts\" is {restarts}, expected 0 to 100"));
    }
    let description = path.to_owned();
    Ok(worker::WorkerSettings {
        description,
        folder,
        command,
        timeout: Duration::from_secs(timeout),
        restarts,
    })
}

fn torchscript_settings(
    path: &Path,
    folder: &Path,
    file: DescriptionFile,
) -> Result<torchscript::TorchScriptSettings, String> {
    let size = |key: &str, value: Option<usize>| match value {
        Some(value @ 1..0x8000_0000) => Ok(value),
        other => Err(format!("key {key:?} is {}, expected a whole number of at least 1", other.unwrap_or(0))),
    };
    Ok(torchscript::TorchScriptSettings {
        description: path.to_owned(),
        file: folder.join(file.file.unwrap_or_default()),
        tokenizer: file.tokenizer.unwrap_or_default(),
        tokenizer_folder: folder.join(file.tokenizer_folder.unwrap_or_default()),
        hidden: size("hidden", file.hidden)?,
        outputs: torchscript::outputs(file.layers.as_ref())?,
        max_tokens: file.max_tokens.map(|limit| size("max_tokens", Some(limit))).transpose()?,
        cls: file.cls.unwrap_or(false),
    })
}
