//! Every field of a key changes its digest, and the digest of a stored key stays the same.

use crate::common::{Behaviour, SPEC, model, sequences};
use seqprobe_core::{Digest, LayerIndex, Pooling};
use seqprobe_embed::{EmbeddingCache, EntryKey, ExtractionOptions, ExtractionSpec, KeepEnd, Window, extract};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Another value for each field but `dtype`, which has one value so far. A field that is added to the key has to be
/// added here.
fn other_values() -> Map<String, Value> {
    let digest = json!(Digest::of_bytes(b"another").to_string());
    let Value::Object(values) = json!({
        "format": 99,
        "weights": digest,
        "tokenizer": digest,
        "family": "another",
        "encoder_version": 99,
        "precision": "f64",
        "layer": "1",
        "pooling": "cls",
        "special_tokens": "included",
        "pooling_version": 99,
        "truncate": "right",
        "window": { "size": 8, "stride": 8 },
        "max_tokens": 99,
        "reverse_complement": "average",
        "dim": 99,
        "sequences": digest,
    }) else {
        panic!("an object")
    };
    values
}

#[test]
fn every_field_changes_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let cache = EmbeddingCache::open(folder.path()).unwrap();
    let window = Some(Window { size: 9, stride: 9 });
    let spec = ExtractionSpec { keep_end: KeepEnd::Left, window, ..SPEC };
    let behaviour = Behaviour { max_tokens: Some(20), ..Behaviour::default() };
    let wanted = [(LayerIndex::Final, Pooling::Mean)];
    let options = ExtractionOptions::default();
    let found = extract(&model(&behaviour), &spec, &sequences(&["ACG"]), &wanted, &cache, options).unwrap();
    let key = found.features[0].key();
    let Value::Object(fields) = serde_json::to_value(key).unwrap() else { panic!("an object") };
    let again: EntryKey = serde_json::from_value(Value::Object(fields.clone())).unwrap();
    assert_eq!(again.digest(), key.digest());

    let others = other_values();
    let names: BTreeSet<&String> = fields.keys().filter(|&name| name != "dtype").collect();
    assert_eq!(names, others.keys().collect(), "each field of the key, and nothing else, has another value");
    let mut digests = BTreeSet::from([key.digest().to_string()]);
    for (name, value) in others {
        let mut changed = fields.clone();
        assert_ne!(changed[&name], value, "{name}");
        changed.insert(name.clone(), value);
        let other: EntryKey =
            serde_json::from_value(Value::Object(changed)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(digests.insert(other.digest().to_string()), "{name} does not change the digest");
        assert_eq!(key.is_same_computation(&other), name == "sequences", "{name}");
    }
    let mut half = fields.clone();
    assert_eq!(half.insert("dtype".to_owned(), json!("f16")), Some(json!("f32")));
    assert!(serde_json::from_value::<EntryKey>(Value::Object(half)).is_err(), "no other type is stored");
    let mut unknown = fields;
    unknown.insert("another".to_owned(), json!(1));
    assert!(serde_json::from_value::<EntryKey>(Value::Object(unknown)).is_err());
}

/// A stored key, as `key.json` and the digest have it. The digest is that of the JSON text without line breaks.
const STORED_KEY: &str = concat!(
    r#"{"format":1,"#,
    r#""weights":"1111111111111111111111111111111111111111111111111111111111111111","#,
    r#""tokenizer":"2222222222222222222222222222222222222222222222222222222222222222","#,
    r#""family":"bert","encoder_version":3,"precision":"f32","layer":"final","pooling":"mean","#,
    r#""special_tokens":"excluded","pooling_version":1,"truncate":"left","#,
    r#""window":{"size":1000,"stride":500},"max_tokens":512,"reverse_complement":"average","#,
    r#""dtype":"f32","dim":768,"#,
    r#""sequences":"3333333333333333333333333333333333333333333333333333333333333333"}"#,
);

/// Stored embeddings are found by this digest. If it changes, every cache becomes useless.
#[test]
fn the_digest_of_a_stored_key_never_changes() {
    let key: EntryKey = serde_json::from_str(STORED_KEY).unwrap();
    assert_eq!(serde_json::to_string(&key).unwrap(), STORED_KEY);
    assert_eq!(key.digest().to_string(), "3a8f322fafa5cf4e8a3e88c4dfca359774c9fe16dcdf7fc823401a56d1fb4d34");
    // Without windows the field is absent, and each part that can be kept is tested.
    let digests = ["error", "left", "right", "center"].map(|end| {
        let stored = STORED_KEY
            .replace(r#""window":{"size":1000,"stride":500},"#, "")
            .replace(r#""truncate":"left""#, &format!(r#""truncate":"{end}""#));
        let key: EntryKey = serde_json::from_str(&stored).unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), stored);
        key.digest().short()
    });
    assert_eq!(digests, ["aee80554d87a62e1", "8feb2990f0adc1ff", "dc563bf68ea6dff4", "7bfcc1a8013f025f"]);
}
