//! The names of classes in the metadata of Hugging Face datasets.

use serde_json::Value;

/// The names of a `ClassLabel` column, from the text of the key `huggingface`:
/// `{"info": {"features": {"label": {"names": ["a", "b"], "_type": "ClassLabel"}}}}`.
pub(super) fn class_names(text: &str, column: &str) -> Option<Vec<String>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let feature = value.get("info")?.get("features")?.get(column)?;
    if feature.get("_type")?.as_str() != Some("ClassLabel") {
        return None;
    }
    feature.get("names")?.as_array()?.iter().map(|name| name.as_str().map(str::to_owned)).collect()
}
