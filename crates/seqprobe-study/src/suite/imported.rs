//! Representations that are files of ready embeddings: their suite keys.

use crate::home::from_home;
use crate::suite::error::SuiteProblem;
use crate::suite::file::RepresentationEntry;
use seqprobe_embed::{IdsFrom, ImportRequest};
use seqprobe_report::record::RANDOM_PREFIX;
use std::path::Path;

/// A file of embeddings in a suite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImportedRepresentation {
    /// Name in results: the key `name`, or the file's name without its ending.
    pub(crate) name: String,
    pub(crate) request: ImportRequest,
    /// How the embeddings were made, in the user's words.
    pub(crate) source: Option<String>,
}

/// Checks the keys of an entry with `embeddings`; paths start from the suite's folder.
pub(crate) fn check_import(
    entry: &RepresentationEntry,
    path: &str,
    folder: &Path,
) -> Result<ImportedRepresentation, SuiteProblem> {
    let pooling = [("pooling", entry.pooling.is_some())];
    let given =
        entry.model_keys().into_iter().chain(pooling).find_map(|(key, is_given)| is_given.then_some(key));
    if let Some(key) = given {
        return Err(SuiteProblem::Foreign {
            key,
            of: "imported embeddings, which are one vector per example".to_owned(),
            hint: "say how they were made with the key source",
        });
    }
    let name = check_name(entry.name.as_deref(), path)?;
    let ids = match &entry.ids {
        None => IdsFrom::Default,
        Some(file) if file.ends_with(".txt") => IdsFrom::File(folder.join(&*from_home(file))),
        Some(name) => IdsFrom::Name(name.clone()),
    };
    let path = folder.join(&*from_home(path));
    let request = ImportRequest { path, values: entry.values.clone(), ids };
    Ok(ImportedRepresentation { name, request, source: entry.source.clone() })
}

/// The name in results of a file that a suite names: the one given, or that of the file without its ending.
pub(crate) fn check_name(given: Option<&str>, path: &str) -> Result<String, SuiteProblem> {
    let stem = || Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = given.map(str::to_owned).or_else(stem).unwrap_or_default();
    if name.is_empty() || name.starts_with(RANDOM_PREFIX) || name.chars().any(char::is_control) {
        return Err(SuiteProblem::ImportName(name));
    }
    Ok(name)
}
