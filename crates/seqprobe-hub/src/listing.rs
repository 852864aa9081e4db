//! The files of a repository, and which of them a model needs: settings, tokenizer and weights, never code.

use crate::error::HubError;
use crate::reference::HubReference;
use crate::request::Client;
use crate::weight_files::{WeightFiles, choose_weights, is_safe_path};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Settings of a model.
pub(crate) const CONFIG: &str = "config.json";

/// Files that tokenizers are made from.
pub(crate) const TOKENIZER_FILES: &[&str] = &[
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
];

/// A file as the hub announces it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Announced {
    /// Name of its blob: SHA-256 of a large file, git's own digest of a small one.
    pub(crate) etag: Option<String>,
    /// Bytes.
    pub(crate) size: Option<u64>,
}

/// A repository at a commit.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) commit: String,
    pub(crate) files: BTreeMap<String, Announced>,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<Large>,
}

#[derive(Deserialize)]
struct Large {
    sha256: Option<String>,
    size: Option<u64>,
}

impl Listing {
    /// Requests the list of files from the hub.
    pub(crate) fn ask(
        client: &Client<'_>,
        endpoint: &str,
        reference: &HubReference,
    ) -> Result<Self, HubError> {
        let url = format!(
            "{endpoint}/api/models/{}/revision/{}?blobs=true",
            reference.repository(),
            escaped(reference.revision(), false)
        );
        let wrong = |what: &dyn std::fmt::Display| HubError::Answer {
            url: url.trim_end_matches("?blobs=true").to_owned(),
            message: format!("{what}\n  hint: is HF_ENDPOINT the address of a hub?"),
        };
        let answer: Answer = serde_json::from_value(client.json(&url)?)
            .map_err(|error| wrong(&format_args!("expected a list of files: {error}")))?;
        if !is_commit(&answer.sha) {
            return Err(wrong(&format_args!(
                "expected a commit of 40 hexadecimal digits, got {:?}",
                answer.sha
            )));
        }
        let files = answer
            .siblings
            .into_iter()
            .filter(|file| is_safe_path(&file.rfilename))
            .map(|file| {
                // The blob id of a large file is that of the pointer file which git stores in its place.
                let (etag, size) = match file.lfs {
                    Some(large) => (large.sha256, large.size.or(file.size)),
                    None => (file.blob_id, file.size),
                };
                (file.rfilename, Announced { etag: etag.filter(|etag| is_etag(etag)), size })
            })
            .collect();
        Ok(Self { commit: answer.sha, files })
    }

    /// Returns the names of the settings and tokenizer files.
    pub(crate) fn architecture(&self, repository: &str) -> Result<Vec<String>, HubError> {
        if !self.files.contains_key(CONFIG) {
            let message =
                "no config.json in this repository\n  hint: is it a model? give the repository that contains the weights"
                    .to_owned();
            return Err(HubError::Files { repository: repository.to_owned(), message });
        }
        let tokenizer = TOKENIZER_FILES.iter().filter(|name| self.files.contains_key(**name));
        Ok(std::iter::once(&CONFIG).chain(tokenizer).map(|name| (*name).to_owned()).collect())
    }

    /// Returns the names of the weight files.
    pub(crate) fn weights(&self, repository: &str) -> Result<WeightFiles, HubError> {
        let names: BTreeSet<&str> = self.files.keys().map(String::as_str).collect();
        choose_weights(&names).map_err(|error| HubError::Files {
            repository: repository.to_owned(),
            message: error.to_string(),
        })
    }
}

/// Whether a text can be the name of a blob.
pub(crate) fn is_etag(text: &str) -> bool {
    (8..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Whether a text is a commit.
pub(crate) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Percent-encoding of a part of an address.
pub(crate) fn escaped(text: &str, keep_slashes: bool) -> String {
    use std::fmt::Write;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || (keep_slashes && byte == b'/') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_blobs_are_checked_and_addresses_are_escaped() {
        assert!(is_etag(&"0".repeat(40)) && !is_etag("../../../x") && !is_etag("short"));
        assert_eq!(escaped("refs/pr/1 ü", false), "refs%2Fpr%2F1%20%C3%BC");
        assert_eq!(escaped("a/b c", true), "a/b%20c");
    }
}
