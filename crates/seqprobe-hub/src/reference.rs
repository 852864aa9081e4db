//! The name of a repository on the hub, `owner/name@revision`, and the hub's rules for it.

use std::fmt;
use thiserror::Error;

/// The revision that is used when none is named.
pub const DEFAULT_REVISION: &str = "main";

/// A repository of the hub at a revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HubReference {
    repository: String,
    revision: String,
}

/// A text that does not name a repository of the hub.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HubReferenceError {
    /// There is no slash.
    #[error("{text:?}: expected an owner and a name with a slash between them{}", HOW_TO_WRITE)]
    NoSlash {
        /// What was written, with `hf:`.
        text: String,
    },
    /// Owner or name breaks one of the hub's rules.
    #[error("{text:?}: the {part} {value:?} {rule}{}", HOW_TO_WRITE)]
    Name {
        /// What was written, with `hf:`.
        text: String,
        /// `owner` or `name`.
        part: &'static str,
        /// The part as it was written.
        value: String,
        /// The rule that it breaks.
        rule: RepositoryNameRule,
    },
    /// The revision breaks one of git's rules.
    #[error("{text:?}: the revision {value:?} {rule}{}", HOW_TO_WRITE)]
    Revision {
        /// What was written, with `hf:`.
        text: String,
        /// The revision as it was written.
        value: String,
        /// The rule that it breaks.
        rule: RevisionRule,
    },
}

const HOW_TO_WRITE: &str =
    "\n  hint: write hf:owner/name or hf:owner/name@revision, as the hub's page of the model shows it";

/// The hub's rules for owners and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RepositoryNameRule {
    /// 1 to 96 characters.
    #[error("must have 1 to 96 characters")]
    Length,
    /// Letters, digits, `-`, `_` and `.` only.
    #[error("must be made of letters, digits, - _ and .")]
    Characters,
    /// Neither `--` nor `..`.
    #[error("must not contain -- or ..")]
    Doubled,
    /// No `-` or `.` at either end.
    #[error("must not begin or end with - or .")]
    Ends,
}

/// git's rules for revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RevisionRule {
    /// 1 to 200 characters.
    #[error("must have 1 to 200 characters")]
    Length,
    /// No blanks or control characters.
    #[error("must not contain blanks or control characters")]
    Blanks,
    /// None of the characters that have a meaning in git.
    #[error("must not contain .. or one of \\ ~ ^ : ? * [ @")]
    Characters,
    /// Parts between slashes are not empty and have no dot at either end.
    #[error("must not have empty parts or parts that begin or end with a dot")]
    Parts,
}

impl HubReference {
    /// Reads `owner/name` or `owner/name@revision`.
    ///
    /// # Errors
    /// [`HubReferenceError`] naming the rule that is broken.
    pub fn parse(text: &str) -> Result<Self, HubReferenceError> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, DEFAULT_REVISION));
        let Some((owner, name)) = repository.split_once('/') else {
            return Err(HubReferenceError::NoSlash { text: format!("hf:{text}") });
        };
        for (part, value) in [("owner", owner), ("name", name)] {
            if let Some(rule) = broken_name_rule(value) {
                let (text, value) = (format!("hf:{text}"), value.to_owned());
                return Err(HubReferenceError::Name { text, part, value, rule });
            }
        }
        match broken_revision_rule(revision) {
            Some(rule) => {
                let (text, value) = (format!("hf:{text}"), revision.to_owned());
                Err(HubReferenceError::Revision { text, value, rule })
            }
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

impl fmt::Display for HubReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "hf:{}", self.repository)?;
        if self.revision == DEFAULT_REVISION { Ok(()) } else { write!(formatter, "@{}", self.revision) }
    }
}

fn broken_name_rule(name: &str) -> Option<RepositoryNameRule> {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if name.is_empty() || name.len() > 96 {
        Some(RepositoryNameRule::Length)
    } else if !name.chars().all(is_allowed) {
        Some(RepositoryNameRule::Characters)
    } else if name.contains("--") || name.contains("..") {
        Some(RepositoryNameRule::Doubled)
    } else if name.starts_with(['-', '.']) || name.ends_with(['-', '.']) {
        Some(RepositoryNameRule::Ends)
    } else {
        None
    }
}

/// The revision is also the name of a file of the cache, so it must stay inside its folder.
fn broken_revision_rule(revision: &str) -> Option<RevisionRule> {
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.');
    if revision.is_empty() || revision.len() > 200 {
        Some(RevisionRule::Length)
    } else if revision.chars().any(|character| character.is_control() || character.is_whitespace()) {
        Some(RevisionRule::Blanks)
    } else if revision.contains(['\\', '~', '^', ':', '?', '*', '[', '@']) || revision.contains("..") {
        Some(RevisionRule::Characters)
    } else if !revision.split('/').all(is_part) {
        Some(RevisionRule::Parts)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_has_a_repository_and_a_revision() {
        let hub = HubReference::parse("owner/na.me_2@refs/pr/1").unwrap();
        assert_eq!((hub.repository(), hub.revision()), ("owner/na.me_2", "refs/pr/1"));
        assert_eq!(hub.to_string(), "hf:owner/na.me_2@refs/pr/1");
        assert_eq!(hub.at("main").to_string(), "hf:owner/na.me_2");
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
            ("../etc", "must not contain"),
            ("owner/a--b", "must not contain"),
            ("owner/.hidden", "begin or end"),
            ("owner/name@", "1 to 200"),
            ("owner/name@a\nb", "control"),
            ("owner/name@../../x", "must not contain"),
            ("owner/name@/etc", "empty parts"),
            ("owner/name@a@b", "must not contain"),
        ] {
            let error = HubReference::parse(text).unwrap_err().to_string();
            assert!(error.contains(rule), "{text:?}: {error}");
        }
    }
}
