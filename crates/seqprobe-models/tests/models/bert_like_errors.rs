//! What a user reads if the config of a BERT-like model would be computed wrongly, and which family
//! claims which config.

use crate::common::{PRETRAINED, edit_config, load_error, random};
use seqprobe_models::open_model;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// A copy of a parity fixture, keys of its config replaced; `null` takes a key away.
fn copy(case: &str, keys: &[(&str, Value)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(case);
    for entry in std::fs::read_dir(fixture).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    edit_config(folder.path(), |config| {
        for (key, value) in keys {
            match value {
                Value::Null => drop(config.remove(*key)),
                value => drop(config.insert((*key).to_owned(), value.clone())),
            }
        }
    });
    folder
}

fn refused(case: &str, key: &str, value: Value) -> String {
    load_error(copy(case, &[(key, value)]).path(), random(1))
}

fn family(case: &str, keys: &[(&str, Value)]) -> &'static str {
    open_model(copy(case, keys).path(), random(1)).unwrap().encoder.spec().family
}

#[test]
fn configs_that_call_themselves_bert_are_told_apart() {
    assert_eq!(family("bert/grover", &[]), "bert");
    assert_eq!(family("bert/grover", &[("pre_layer_norm", json!(true))]), "gena");
    assert_eq!(family("bert/grover", &[("alibi_starting_size", json!(512))]), "dnabert2");
    // As published: the class is only in auto_map.
    let named = [("auto_map", json!({"AutoModel": "owner/name--bert_layers.BertModel"}))];
    assert_eq!(family("dnabert2/twelve-heads", &named), "dnabert2");
    assert!(
        refused("dnabert2/twelve-heads", "auto_map", json!({"AutoModel": "other.Model"}))
            .contains("architectures \"Model\" is not a supported model")
    );
}

#[test]
fn gena_refuses_what_it_does_not_compute() {
    insta::assert_snapshot!(refused("gena/usual", "sparse_config_cls", json!("deepspeed:Sparse")), @r#"
    <folder>/config.json: key "sparse_config_cls" is "deepspeed:Sparse", expected none
      hint: models with sparse attention are not supported; the gena-lm-bert models have full attention
    "#);
    insta::assert_snapshot!(refused("gena/usual", "position_embedding_type", json!("rotary")), @r#"<folder>/config.json: key "position_embedding_type" is "rotary", expected "absolute""#);
    insta::assert_snapshot!(refused("gena/usual", "last_layer_norm", json!(1)), @r#"<folder>/config.json: key "last_layer_norm" is 1, expected true or false"#);
    // Where the key is absent there is a last norm, and the file must have it.
    let folder = copy("gena/usual", &[("last_layer_norm", Value::Null)]);
    let error = load_error(folder.path(), PRETRAINED);
    assert!(
        error.contains("tensor \"bert.encoder.last_layer_ln.weight\" of shape [24] is missing"),
        "{error}"
    );
}

#[test]
fn rnabert_refuses_what_it_does_not_compute() {
    insta::assert_snapshot!(refused("rnabert/alone", "vocab_size", json!(28)), @r#"
    <folder>/config.json: key "vocab_size" is 28, expected 6: PAD MASK A U G C
      hint: use the checkpoint of the authors; conversions with another vocabulary are not supported
    "#);
    insta::assert_snapshot!(refused("rnabert/alone", "layer_norm_eps", json!(1e-5)), @r#"<folder>/config.json: key "layer_norm_eps" is 0.00001, expected 1e-12"#);
    insta::assert_snapshot!(refused("rnabert/alone", "multiple", Value::Null), @r#"
    <folder>/config.json: key "hidden_size" is missing, expected a whole number of at least 1
      hint: use the config.json that was published with the weights
    "#);
    let folder = copy("rnabert/alone", &[("multiple", Value::Null), ("hidden_size", json!(24))]);
    assert_eq!(open_model(folder.path(), PRETRAINED).unwrap().encoder.spec().hidden, 24);
}

#[test]
fn modernbert_refuses_what_it_does_not_compute() {
    let refused = |key: &str, value: Value| refused("modernbert/usual", key, value);
    insta::assert_snapshot!(refused("hidden_activation", json!("silu")), @r#"<folder>/config.json: key "hidden_activation" is "silu", expected "gelu""#);
    insta::assert_snapshot!(refused("rope_scaling", json!({"factor": 2})), @r#"<folder>/config.json: key "rope_scaling" is {"factor":2}, expected none"#);
    insta::assert_snapshot!(refused("mlp_bias", json!("no")), @r#"<folder>/config.json: key "mlp_bias" is "no", expected true or false"#);
    insta::assert_snapshot!(refused("layer_types", json!(["full_attention"])), @r#"<folder>/config.json: key "layer_types" is ["full_attention"], expected 5 times "full_attention" or "sliding_attention""#);
    insta::assert_snapshot!(refused("rope_parameters", json!({"full_attention": {"rope_type": "yarn"}})), @r#"<folder>/config.json: key "rope_parameters.full_attention.rope_type" is "yarn", expected "default""#);
    insta::assert_snapshot!(refused("rope_parameters", json!({"sliding_attention": {"rope_theta": 0}})), @r#"<folder>/config.json: key "rope_parameters.sliding_attention.rope_theta" is 0, expected a positive number"#);
    insta::assert_snapshot!(refused("max_position_embeddings", json!(1 << 30)), @r#"<folder>/config.json: key "max_position_embeddings" is 1073741824, expected at most 1048576"#);
    insta::assert_snapshot!(refused("num_attention_heads", json!(8)), @r#"<folder>/config.json: key "hidden_size" is 24, expected a multiple of twice "num_attention_heads" 8"#);
    let folder = copy("modernbert/usual", &[]);
    edit_config(folder.path(), |config| drop(config.insert("local_rope_theta".to_owned(), Value::Null)));
    insta::assert_snapshot!(load_error(folder.path(), random(1)), @r#"<folder>/config.json: key "local_rope_theta" is null, expected a positive number"#);
}

#[test]
fn every_published_model_has_its_own_name() {
    let mut ids: Vec<&str> =
        seqprobe_models::FAMILIES.iter().flat_map(|family| family.published).map(|model| model.id).collect();
    assert!(ids.contains(&"dnabert-6") && ids.contains(&"dnabert-2"));
    let n_models = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), n_models);
}
