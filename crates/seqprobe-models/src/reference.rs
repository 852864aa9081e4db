//! What a user may write for a model: a path, `hf:owner/name@revision`, or the identifier of a bundled or published
//! model. No
//! file is read and no request is sent. The prefix `random:` is handled by the caller.

use crate::bundled::{BUNDLED_MODELS, BundledModel};
use crate::families::{FAMILIES, Family, PublishedModel};
use seqprobe_hub::{HubReference, HubReferenceError};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Where a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelReference {
    /// A folder or file of this machine.
    Path(PathBuf),
    /// A repository of the hub.
    Hub(HubReference),
    /// A published model of the registry, and its repository.
    Published(&'static PublishedModel, HubReference),
    /// A model that is part of the program.
    Bundled(&'static BundledModel),
}

/// A text that names no model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// A hub reference that breaks the hub's rules.
    #[error(transparent)]
    Hub(#[from] HubReferenceError),
    /// Neither a path that exists nor a known identifier.
    #[error("no model {text:?}: {path} does not exist, and no published model has this name\n  hint: {hint}")]
    Unknown {
        /// What was written.
        text: String,
        /// The path that does not exist.
        path: PathBuf,
        /// The nearest names, or where to find them.
        hint: String,
    },
}

impl ModelReference {
    /// Reads a reference. Relative paths start from `base`. An existing path takes precedence over a bundled or
    /// published model with the same name.
    ///
    /// # Errors
    /// [`ReferenceError`] with the nearest names.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ReferenceError> {
        if let Some(rest) = text.strip_prefix("hf:") {
            return Ok(Self::Hub(HubReference::parse(rest)?));
        }
        let path = base.join(text);
        if !text.is_empty() && path.exists() {
            return Ok(Self::Path(path));
        }
        if let Some(model) = BundledModel::named(text) {
            return Ok(Self::Bundled(model));
        }
        if let Some((_, model)) = published_models().find(|(_, model)| model.id == text) {
            return Ok(Self::Published(model, HubReference::parse(model.repository)?));
        }
        Err(ReferenceError::Unknown { text: text.to_owned(), path, hint: hint(text) })
    }
}

/// Returns all published models with their families, in registry order.
pub fn published_models() -> impl Iterator<Item = (&'static Family, &'static PublishedModel)> {
    FAMILIES.iter().flat_map(|family| family.published.iter().map(move |model| (family, model)))
}

/// Suggests the nearest published models, else another way to write the reference.
fn hint(text: &str) -> String {
    let mut near: Vec<&str> = Vec::new();
    while let Some(next) = seqprobe_core::config::nearest(
        text,
        BUNDLED_MODELS
            .iter()
            .map(|model| model.id)
            .chain(published_models().map(|(_, model)| model.id))
            .filter(|id| !near.contains(id)),
    ) {
        near.push(next);
        if near.len() == 3 {
            break;
        }
    }
    if !near.is_empty() {
        let near: Vec<String> = near.iter().map(|id| format!("{id:?}")).collect();
        return format!("did you mean {}?", near.join(" or "));
    }
    match HubReference::parse(text) {
        Ok(hub) => format!("for a repository of the hub write {hub}"),
        Err(_) => {
            "give a folder with config.json and weights, hf:owner/name, or a name of `seqprobe list models`"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_reference_is_a_hub_repository_a_path_or_a_known_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("mine")).unwrap();
        std::fs::write(folder.path().join("own.toml"), "").unwrap();
        let parse = |text| ModelReference::parse(text, folder.path());
        assert_eq!(parse("mine").unwrap(), ModelReference::Path(folder.path().join("mine")));
        assert_eq!(parse("own.toml").unwrap(), ModelReference::Path(folder.path().join("own.toml")));
        let ModelReference::Hub(hub) = parse("hf:owner/na.me_2@refs/pr/1").unwrap() else { panic!("no hub") };
        assert_eq!((hub.repository(), hub.revision()), ("owner/na.me_2", "refs/pr/1"));
        assert_eq!(hub.to_string(), "hf:owner/na.me_2@refs/pr/1");
        for text in ["nowhere", "", "nowhere.toml"] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains("seqprobe list models"), "{error}");
        }
        let error = parse("owner/name").unwrap_err().to_string();
        assert!(error.contains("write hf:owner/name"), "{error}");
    }

    #[test]
    fn every_published_model_can_be_named_and_found() {
        let mut seen = BTreeSet::new();
        for (family, model) in published_models() {
            assert!(seen.insert(model.id), "{} is listed twice", model.id);
            let is_name =
                model.id.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
            assert!(is_name && !model.id.is_empty(), "{:?}", model.id);
            let hub = HubReference::parse(model.repository)
                .unwrap_or_else(|error| panic!("{}, {}: {error}", family.id, model.id));
            let found = ModelReference::parse(model.id, Path::new("no-such-folder")).unwrap();
            assert_eq!(found, ModelReference::Published(model, hub));
        }
        if let Some(id) = seen.first() {
            let error = ModelReference::parse(&format!("{id}x"), Path::new("")).unwrap_err().to_string();
            assert!(error.contains(&format!("did you mean {id:?}")), "{error}");
        }
    }
}
