//! What a user may write for a model: a path, `hf:owner/name@revision`, or the identifier of a published
//! model. It reads no file and asks nobody; `random:` before it is the caller's.

use crate::families::FAMILIES;
use crate::published::PublishedModel;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Revision taken when none is named.
pub const DEFAULT_REVISION: &str = "main";

/// Where a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelReference {
    /// A folder or file of this machine.
    Path(PathBuf),
    /// A repository of the hub.
    Hub(HubReference),
    /// A published model of the registry, and where the hub has it.
    Published(&'static PublishedModel, HubReference),
}

/// A repository of the hub at a revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HubReference {
    repository: String,
    revision: String,
}

/// A text that names no model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// A hub reference whose parts break the hub's rules.
    #[error(
        "{text:?}: {problem}\n  hint: write hf:owner/name or hf:owner/name@revision, as the hub's page of the model shows it"
    )]
    Hub {
        /// What was written.
        text: String,
        /// Which rule.
        problem: String,
    },
    /// Neither a path that exists nor a known identifier.
    #[error("no model {text:?}: {path} does not exist, and no published model has this name\n  hint: {hint}")]
    Unknown {
        /// What was written.
        text: String,
        /// The path that was looked at.
        path: PathBuf,
        /// The nearest names, or where to find them.
        hint: String,
    },
}

impl ModelReference {
    /// Reads a reference; relative paths start from `base`. A path that exists comes first, so that a folder
    /// called like a published model is that folder.
    ///
    /// # Errors
    /// [`ReferenceError`] with the nearest names.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ReferenceError> {
        if let Some(rest) = text.strip_prefix("hf:") {
            return HubReference::parse(rest).map(Self::Hub);
        }
        let path = base.join(text);
        if !text.is_empty() && path.exists() {
            return Ok(Self::Path(path));
        }
        if let Some((_, model)) = published_models().find(|(_, model)| model.id == text) {
            return HubReference::parse(model.repository).map(|hub| Self::Published(model, hub));
        }
        Err(ReferenceError::Unknown { text: text.to_owned(), path, hint: hint(text) })
    }
}

impl HubReference {
    /// Reads `owner/name` or `owner/name@revision`.
    ///
    /// # Errors
    /// [`ReferenceError::Hub`] naming the rule that is broken.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let wrong = |problem: String| ReferenceError::Hub { text: format!("hf:{text}"), problem };
        let (repository, revision) = text.split_once('@').unwrap_or((text, DEFAULT_REVISION));
        let Some((owner, name)) = repository.split_once('/') else {
            return Err(wrong("expected an owner and a name with a slash between them".to_owned()));
        };
        for (what, part) in [("owner", owner), ("name", name)] {
            if let Some(problem) = name_problem(part) {
                return Err(wrong(format!("the {what} {part:?} {problem}")));
            }
        }
        match revision_problem(revision) {
            Some(problem) => Err(wrong(format!("the revision {revision:?} {problem}"))),
            None => Ok(Self { repository: repository.to_owned(), revision: revision.to_owned() }),
        }
    }

    /// The repository: `owner/name`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Branch, tag or commit.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The same repository at a commit.
    #[must_use]
    pub fn at(&self, commit: &str) -> Self {
        Self { repository: self.repository.clone(), revision: commit.to_owned() }
    }
}

impl std::fmt::Display for HubReference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "hf:{}", self.repository)?;
        if self.revision == DEFAULT_REVISION { Ok(()) } else { write!(formatter, "@{}", self.revision) }
    }
}

/// All published models with their families, in registry order.
pub fn published_models() -> impl Iterator<Item = (&'static crate::Family, &'static PublishedModel)> {
    FAMILIES.iter().flat_map(|family| family.published.iter().map(move |model| (family, model)))
}

/// The hub's rules for owners and names.
fn name_problem(name: &str) -> Option<&'static str> {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if name.is_empty() || name.len() > 96 {
        Some("must have 1 to 96 letters")
    } else if !name.chars().all(is_allowed) {
        Some("must be made of letters, digits, - _ and .")
    } else if name.contains("--") || name.contains("..") {
        Some("must not hold -- or ..")
    } else if name.starts_with(['-', '.']) || name.ends_with(['-', '.']) {
        Some("must not begin or end with - or .")
    } else {
        None
    }
}

/// git's rules for references, and that they stay inside of a folder.
fn revision_problem(revision: &str) -> Option<&'static str> {
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.');
    if revision.is_empty() || revision.len() > 200 {
        Some("must have 1 to 200 letters")
    } else if revision.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        Some("must not hold blanks or control characters")
    } else if revision.contains(['\\', '~', '^', ':', '?', '*', '[', '@']) || revision.contains("..") {
        Some("must not hold .. or one of \\ ~ ^ : ? * [ @")
    } else if !revision.split('/').all(is_part) {
        Some("must not have empty parts or parts that begin or end with a dot")
    } else {
        None
    }
}

/// The nearest published models; else what the text may have meant.
fn hint(text: &str) -> String {
    let mut near: Vec<&str> = Vec::new();
    while let Some(next) = seqprobe_core::config::nearest(
        text,
        published_models().map(|(_, model)| model.id).filter(|id| !near.contains(id)),
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
        assert_eq!(hub.at("main").to_string(), "hf:owner/na.me_2");
        for text in ["nowhere", "", "nowhere.toml"] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains("seqprobe list models"), "{error}");
        }
        let error = parse("owner/name").unwrap_err().to_string();
        assert!(error.contains("write hf:owner/name"), "{error}");
    }

    #[test]
    fn names_and_revisions_that_break_the_rules_are_errors() {
        for (text, rule) in [
            ("name", "slash"),
            ("/name", "1 to 96"),
            ("owner/", "1 to 96"),
            ("owner/na me", "made of"),
            ("owner/name/x", "made of"),
            ("owner/../x", "made of"),
            ("../etc", "must not hold"),
            ("owner/a--b", "must not hold"),
            ("owner/.hidden", "begin or end"),
            ("owner/name@", "1 to 200"),
            ("owner/name@a\nb", "control"),
            ("owner/name@../../x", "must not hold"),
            ("owner/name@/etc", "empty parts"),
            ("owner/name@a@b", "must not hold"),
        ] {
            let error = ModelReference::parse(&format!("hf:{text}"), Path::new("")).unwrap_err().to_string();
            assert!(error.contains(rule), "{text:?}: {error}");
        }
    }

    #[test]
    fn every_published_model_can_be_named_and_found() {
        let mut seen = BTreeSet::new();
        for (family, model) in published_models() {
            assert!(seen.insert(model.id), "{} stands twice", model.id);
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
