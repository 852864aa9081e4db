//! Which files of a folder hold a model's weights, by name only, and which parts an index names.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Weight files of a folder, in the order in which they are looked for.
pub const USUAL_WEIGHT_FILES: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// Extensions of other checkpoints, which are used where a folder has exactly one such file.
pub const OTHER_WEIGHT_EXTENSIONS: [&str; 3] = ["pt", "pth", "ckpt"];

/// Starts of the names of files that training leaves next to a checkpoint.
const TRAINING_STATE: &[&str] = &["optimizer.", "scheduler.", "rng_state", "scaler.", "training_args."];

/// The weights of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WeightFiles {
    /// One file.
    Whole(String),
    /// An index that names its parts.
    Split(String),
}

/// Why no weights can be chosen from the names of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum NoWeights {
    #[error(
        "no weights that can be read: neither model.safetensors nor pytorch_model.bin nor one .pt, .ckpt or .pth file\n  hint: `random:` before the model needs no weights"
    )]
    Absent,
    #[error(
        "several checkpoints: {}\n  hint: download the one you want into a folder with config.json and give the folder",
        names.join(", ")
    )]
    Several { names: Vec<String> },
}

/// Why the parts of an index cannot be used.
#[derive(Debug, Error)]
pub(crate) enum WrongIndex {
    #[error("is not an index of weights: {0}")]
    Json(#[from] serde_json::Error),
    #[error("names the part {0:?}, which is not a file of the folder")]
    UnsafePath(String),
    #[error("names the part {0:?}, which the repository does not contain")]
    AbsentPart(String),
}

/// Chooses among the names of a folder as `Checkpoint::open` of seqprobe-models does, but ignores what training leaves.
pub(crate) fn choose_weights(names: &BTreeSet<&str>) -> Result<WeightFiles, NoWeights> {
    if let Some(name) = USUAL_WEIGHT_FILES.into_iter().find(|name| names.contains(name)) {
        let is_index = name.ends_with(".index.json");
        let name = name.to_owned();
        return Ok(if is_index { WeightFiles::Split(name) } else { WeightFiles::Whole(name) });
    }
    let is_other = |name: &str| {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension);
        extension.is_some_and(|extension| OTHER_WEIGHT_EXTENSIONS.contains(&extension))
    };
    let others: Vec<String> = names
        .iter()
        .copied()
        .filter(|name| !name.contains('/') && is_other(name))
        .filter(|name| !TRAINING_STATE.iter().any(|start| name.starts_with(start)))
        .map(str::to_owned)
        .collect();
    match others.as_slice() {
        [one] => Ok(WeightFiles::Whole(one.clone())),
        [] => Err(NoWeights::Absent),
        _ => Err(NoWeights::Several { names: others }),
    }
}

/// Returns the parts that an index names.
pub(crate) fn parts_of_index(index: &[u8]) -> Result<BTreeSet<String>, WrongIndex> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let index: Index = serde_json::from_slice(index)?;
    let parts: BTreeSet<String> = index.weight_map.into_values().collect();
    match parts.iter().find(|part| !is_safe_path(part)) {
        Some(part) => Err(WrongIndex::UnsafePath(part.clone())),
        None => Ok(parts),
    }
}

/// Whether a name stays inside its folder.
pub(crate) fn is_safe_path(name: &str) -> bool {
    !name.contains('\\')
        && !name.chars().any(char::is_control)
        && name.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
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
        assert!(choose(&all[5..]).unwrap_err().to_string().contains("no weights"));
        assert!(choose(&["a.pt", "b.pth"]).unwrap_err().to_string().contains("a.pt, b.pth"));
    }

    #[test]
    fn an_index_names_parts_inside_its_folder() {
        let index = br#"{"metadata": {}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors", "c": "m-1.safetensors"}}"#;
        let parts: Vec<String> = parts_of_index(index).unwrap().into_iter().collect();
        assert_eq!(parts, ["m-1.safetensors", "m-2.safetensors"]);
        let error = |index: &[u8]| parts_of_index(index).unwrap_err().to_string();
        assert!(error(br#"{"weight_map": {"a": "../x"}}"#).contains("../x"));
        assert!(error(b"{}").contains("not an index"));
    }

    #[test]
    fn names_that_leave_the_folder_are_not_taken() {
        assert!(is_safe_path("a/b.json") && is_safe_path("..a"));
        for unsafe_path in ["", "/a", "a/../b", "..", "a//b", "a\\b", "a\nb", "./a"] {
            assert!(!is_safe_path(unsafe_path), "{unsafe_path:?}");
        }
    }
}
