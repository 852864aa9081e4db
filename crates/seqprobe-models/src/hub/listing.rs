//! What a repository holds and which of it a model needs: settings, tokenizer, weights. Code is never among
//! it.

use super::error::HubError;
use super::request::Client;
use crate::checkpoint::{OTHERS, USUAL};
use crate::reference::HubReference;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Settings of a model.
pub(super) const CONFIG: &str = "config.json";

/// Files that tokenizers are made from.
pub(super) const TOKENIZER_FILES: &[&str] = &[
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

/// What training leaves beside a checkpoint.
const NO_WEIGHTS: &[&str] = &["optimizer.", "scheduler.", "rng_state", "scaler.", "training_args."];

/// The weights of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WeightFiles {
    /// One file.
    Whole(String),
    /// An index that names its parts.
    Split(String),
}

/// A file as the hub announces it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    /// Name of its blob: SHA-256 of a large file, git's own digest of a small one.
    pub(super) etag: Option<String>,
    /// Bytes.
    pub(super) size: Option<u64>,
}

/// A repository at a commit.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub(super) commit: String,
    pub(super) files: BTreeMap<String, Announced>,
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
    /// Asks the hub.
    pub(super) fn ask(
        client: &Client<'_>,
        endpoint: &str,
        reference: &HubReference,
    ) -> Result<Self, HubError> {
        let url = format!(
            "{endpoint}/api/models/{}/revision/{}?blobs=true",
            reference.repository(),
            escaped(reference.revision(), false)
        );
        let wrong = |what: String| HubError::Answer {
            url: url.trim_end_matches("?blobs=true").to_owned(),
            message: format!("{what}\n  hint: is HF_ENDPOINT the address of a hub?"),
        };
        let answer: Answer = serde_json::from_value(client.json(&url)?)
            .map_err(|error| wrong(format!("expected a list of files: {error}")))?;
        if !is_commit(&answer.sha) {
            return Err(wrong(format!("expected a commit of 40 hexadecimal digits, got {:?}", answer.sha)));
        }
        let files = answer
            .siblings
            .into_iter()
            .filter(|file| is_safe_path(&file.rfilename))
            .map(|file| {
                // The blob id of a large file is that of the pointer git has in its place.
                let (etag, size) = match file.lfs {
                    Some(large) => (large.sha256, large.size.or(file.size)),
                    None => (file.blob_id, file.size),
                };
                (file.rfilename, Announced { etag: etag.filter(|etag| is_etag(etag)), size })
            })
            .collect();
        Ok(Self { commit: answer.sha, files })
    }

    /// Settings and tokenizer files.
    pub(super) fn architecture(&self, repository: &str) -> Result<Vec<String>, HubError> {
        if !self.files.contains_key(CONFIG) {
            let message =
                "no config.json in this repository\n  hint: is it a model? give the repository that holds the weights"
                    .to_owned();
            return Err(HubError::Files { repository: repository.to_owned(), message });
        }
        let tokenizer = TOKENIZER_FILES.iter().filter(|name| self.files.contains_key(**name));
        Ok(std::iter::once(&CONFIG).chain(tokenizer).map(|name| (*name).to_owned()).collect())
    }

    /// The weights.
    pub(super) fn weights(&self, repository: &str) -> Result<WeightFiles, HubError> {
        let names: BTreeSet<&str> = self.files.keys().map(String::as_str).collect();
        choose_weights(&names)
            .map_err(|message| HubError::Files { repository: repository.to_owned(), message })
    }
}

/// Chooses among the names of a folder as `Checkpoint::open` does, but for what training leaves.
pub(super) fn choose_weights(names: &BTreeSet<&str>) -> Result<WeightFiles, String> {
    if let Some(name) = USUAL.into_iter().find(|name| names.contains(name)) {
        let is_index = name.ends_with(".index.json");
        let name = name.to_owned();
        return Ok(if is_index { WeightFiles::Split(name) } else { WeightFiles::Whole(name) });
    }
    let is_other = |name: &str| {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| OTHERS.contains(&extension))
    };
    let others: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !name.contains('/') && is_other(name))
        .filter(|name| !NO_WEIGHTS.iter().any(|start| name.starts_with(start)))
        .collect();
    match others.as_slice() {
        [one] => Ok(WeightFiles::Whole((*one).to_owned())),
        [] => Err("no weights that can be read: neither model.safetensors nor pytorch_model.bin nor one .pt, .ckpt or .pth file\n  hint: `random:` before the model needs no weights".to_owned()),
        several => Err(format!(
            "several checkpoints: {}\n  hint: download the one you want into a folder with config.json and give the folder",
            several.join(", ")
        )),
    }
}

/// The parts that an index names.
pub(super) fn parts_of_index(index: &[u8]) -> Result<BTreeSet<String>, String> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index =
        serde_json::from_slice(index).map_err(|error| format!("not an index of weights: {error}"))?;
    let parts: BTreeSet<String> = index.weight_map.into_values().collect();
    match parts.iter().find(|part| !is_safe_path(part)) {
        Some(part) => Err(format!("names the part {part:?}, which is no file of the folder")),
        None => Ok(parts),
    }
}

/// Whether a name stays inside of its folder.
pub(super) fn is_safe_path(name: &str) -> bool {
    !name.contains('\\')
        && !name.chars().any(char::is_control)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// Whether a text can be the name of a blob.
pub(super) fn is_etag(text: &str) -> bool {
    (8..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Whether a text is a commit.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Percent-encoding of a part of an address.
pub(super) fn escaped(text: &str, keep_slashes: bool) -> String {
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
    fn weights_are_chosen_in_a_fixed_order() {
        let choose = |names: &[&str]| choose_weights(&names.iter().copied().collect());
        let whole = |name: &str| Ok(WeightFiles::Whole(name.to_owned()));
        let all = [
            "model.safetensors",
            "model.safetensors.index.json",
            "pytorch_model.bin",
            "pytorch_model.bin.index.json",
            "weights.ckpt",
            "optimizer.pt",
            "sub/other.pt",
            "modeling.py",
        ];
        assert_eq!(choose(&all), whole("model.safetensors"));
        assert_eq!(choose(&all[1..]), Ok(WeightFiles::Split("model.safetensors.index.json".to_owned())));
        assert_eq!(choose(&all[2..]), whole("pytorch_model.bin"));
        assert_eq!(choose(&all[3..]), Ok(WeightFiles::Split("pytorch_model.bin.index.json".to_owned())));
        assert_eq!(choose(&all[4..]), whole("weights.ckpt"));
        assert!(choose(&all[5..]).unwrap_err().contains("no weights"));
        assert!(choose(&["a.pt", "b.pth"]).unwrap_err().contains("a.pt, b.pth"));
    }

    #[test]
    fn an_index_names_parts_inside_its_folder() {
        let index = br#"{"metadata": {}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-1.safetensors"}}"#;
        let parts: Vec<String> = parts_of_index(index).unwrap().into_iter().collect();
        assert_eq!(parts, ["m-1.safetensors", "m-2.safetensors"]);
        assert!(parts_of_index(br#"{"weight_map": {"a": "../x"}}"#).unwrap_err().contains("../x"));
        assert!(parts_of_index(b"{}").unwrap_err().contains("not an index"));
    }

    #[test]
    fn names_that_leave_the_folder_are_not_taken() {
        assert!(is_safe_path("a/b.json") && is_safe_path("..a"));
        for unsafe_path in ["", "/a", "a/../b", "..", "a//b", "a\\b", "a\nb", "./a"] {
            assert!(!is_safe_path(unsafe_path), "{unsafe_path:?}");
        }
        assert!(is_etag(&"0".repeat(40)) && !is_etag("../../../x") && !is_etag("short"));
        assert_eq!(escaped("refs/pr/1 ü", false), "refs%2Fpr%2F1%20%C3%BC");
        assert_eq!(escaped("a/b c", true), "a/b%20c");
    }
}
