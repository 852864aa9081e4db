//! Every field of a key changes the entry.

use crate::common::{Behaviour, SPEC, model, sequences};
use seqprobe_core::{Digest, LayerIndex, Pooling};
use seqprobe_embed::{
    EmbeddingCache, EntryKey, ExtractionOptions, ExtractionSpec, Truncate, Window, extract,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Another value for each field. A field that is added to the key has to be added here.
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
        "dtype": "f16",
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
    let spec = ExtractionSpec { truncate: Truncate::Left, window, ..SPEC };
    let behaviour = Behaviour { max_tokens: Some(20), ..Behaviour::default() };
    let wanted = [(LayerIndex::Final, Pooling::Mean)];
    let options = ExtractionOptions::default();
    let found = extract(&model(&behaviour), &spec, &sequences(&["ACG"]), &wanted, &cache, options).unwrap();
    let key = found.features[0].key();
    let Value::Object(fields) = serde_json::to_value(key).unwrap() else { panic!("an object") };
    let again: EntryKey = serde_json::from_value(Value::Object(fields.clone())).unwrap();
    assert_eq!(again.digest(), key.digest());

    let others = other_values();
    let names: BTreeSet<&String> = fields.keys().collect();
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
    let mut unknown = fields;
    unknown.insert("another".to_owned(), json!(1));
    assert!(serde_json::from_value::<EntryKey>(Value::Object(unknown)).is_err());
}
