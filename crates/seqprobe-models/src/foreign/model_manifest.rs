//! The model manifest: a small TOML file for a model that brings its own code, as a TorchScript file or as a worker
//! process. The file says what to run. Nothing of it runs unless the caller allows code.
//!
//! `docs/described-models.md` lists the keys.

use crate::error::ModelError;
use crate::foreign::torchscript::{self, LayersKey, TorchScriptSettings, WrongLayers};
use crate::foreign::worker::{self, WorkerSettings};
use crate::model::{FrozenModel, LoadOptions, Weights};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// Whether the path of a model is a manifest and not a folder.
pub(crate) fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml") && !path.is_dir()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Torchscript,
    Worker,
}

/// The file as written. Which keys belong to which kind is checked afterwards.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestFile {
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

/// A manifest that cannot be used.
#[derive(Debug, Error)]
enum ManifestError {
    #[error("schema {0} is not known, expected 1")]
    Schema(u32),
    #[error("key {key:?} does not belong to kind {kind:?}\n  hint: its keys are {}", keys.join(", "))]
    ForeignKey { key: &'static str, kind: &'static str, keys: Vec<&'static str> },
    #[error("key {key:?} is missing, kind {kind:?} needs it")]
    MissingKey { key: &'static str, kind: &'static str },
    #[error(
        "random: is not possible here: weights can be drawn only for an architecture that seqprobe knows, and this model is {code}\n  hint: write a second manifest for a copy of the model with random weights"
    )]
    Random { code: String },
    #[error(
        "this model would run {code}, and running code is not allowed\n  hint: read what it does, then allow it with --allow-code"
    )]
    CodeNotAllowed { code: String },
    #[error("key \"command\" is empty, expected a program and its arguments")]
    EmptyCommand,
    #[error("key {key:?} is {value}, expected {expected}")]
    Number { key: &'static str, value: u64, expected: &'static str },
    #[error(transparent)]
    Layers(#[from] WrongLayers),
}

/// Loads the model of a manifest.
///
/// # Errors
/// [`ModelError::Config`] for wrong keys, random weights, or code that is not allowed.
pub(crate) fn load(path: &Path, options: LoadOptions) -> Result<FrozenModel, ModelError> {
    let text = crate::folder::small_file::read_text(path).map_err(ModelError::io(path))?;
    let config_error = |message: String| ModelError::Config { path: path.to_owned(), message };
    let wrong = |error: ManifestError| config_error(error.to_string());
    let file: ManifestFile = seqprobe_core::parse_toml(&text, "").map_err(|error| {
        config_error(match error.line {
            Some(line) => format!("line {line}: {}", error.message),
            None => error.message,
        })
    })?;
    if file.schema != 1 {
        return Err(wrong(ManifestError::Schema(file.schema)));
    }
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    check_keys(&file).map_err(wrong)?;
    let code = match file.kind {
        Kind::Torchscript => {
            format!("the TorchScript code in {:?}", file.file.as_deref().unwrap_or_default())
        }
        Kind::Worker => format!("the command {:?}", file.command.clone().unwrap_or_default().join(" ")),
    };
    if let Weights::Random(_) = options.weights {
        return Err(wrong(ManifestError::Random { code }));
    }
    if !options.allow_code {
        return Err(wrong(ManifestError::CodeNotAllowed { code }));
    }
    let model = match file.kind {
        Kind::Worker => worker::load(worker_settings(path, folder, file).map_err(wrong)?, options)?,
        Kind::Torchscript => {
            torchscript::load(torchscript_settings(path, &folder, file).map_err(wrong)?, options)?
        }
    };
    Ok(FrozenModel { precision: options.precision, ..model })
}

fn check_keys(file: &ManifestFile) -> Result<(), ManifestError> {
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
    let (own, foreign, kind) = match file.kind {
        Kind::Worker => (&worker[..], &torchscript[..], "worker"),
        Kind::Torchscript => (&torchscript[..], &worker[..], "torchscript"),
    };
    if let Some(&(key, ..)) = foreign.iter().find(|(_, given, _)| *given) {
        let keys = own.iter().map(|(key, ..)| *key).collect();
        return Err(ManifestError::ForeignKey { key, kind, keys });
    }
    match own.iter().find(|(_, given, needed)| *needed && !given) {
        Some(&(key, ..)) => Err(ManifestError::MissingKey { key, kind }),
        None => Ok(()),
    }
}

fn worker_settings(
    path: &Path,
    folder: PathBuf,
    file: ManifestFile,
) -> Result<WorkerSettings, ManifestError> {
    let command = file.command.unwrap_or_default();
    if command.first().is_none_or(String::is_empty) {
        return Err(ManifestError::EmptyCommand);
    }
    let timeout = file.timeout_seconds.unwrap_or(300);
    if !(1..=86_400).contains(&timeout) {
        let key = "timeout_seconds";
        return Err(ManifestError::Number { key, value: timeout, expected: "1 to 86400" });
    }
    let restarts = file.restarts.unwrap_or(3);
    if restarts > 100 {
        let value = u64::from(restarts);
        return Err(ManifestError::Number { key: "restarts", value, expected: "0 to 100" });
    }
    let timeout = Duration::from_secs(timeout);
    Ok(WorkerSettings { manifest: path.to_owned(), folder, command, timeout, restarts })
}

fn torchscript_settings(
    path: &Path,
    folder: &Path,
    file: ManifestFile,
) -> Result<TorchScriptSettings, ManifestError> {
    let size = |key: &'static str, value: Option<usize>| match value {
        Some(value @ 1..0x8000_0000) => Ok(value),
        other => {
            let value = other.unwrap_or(0) as u64;
            Err(ManifestError::Number { key, value, expected: "a whole number of at least 1" })
        }
    };
    Ok(TorchScriptSettings {
        manifest: path.to_owned(),
        file: folder.join(file.file.unwrap_or_default()),
        tokenizer: file.tokenizer.unwrap_or_default(),
        tokenizer_folder: folder.join(file.tokenizer_folder.unwrap_or_default()),
        hidden: size("hidden", file.hidden)?,
        outputs: torchscript::outputs(file.layers.as_ref())?,
        max_tokens: file.max_tokens.map(|limit| size("max_tokens", Some(limit))).transpose()?,
        cls: file.cls.unwrap_or(false),
    })
}
