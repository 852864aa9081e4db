//! What a user reads when `config.json` does not fit.

use crate::common::{PRETRAINED, edit_config, load_error, random, small_bert, small_gpn};
use seqprobe_models::{FAMILIES, Family};
use serde_json::json;

/// The message of a model that cannot be loaded, the list of families replaced.
fn without_families(folder: &std::path::Path) -> String {
    let family = |family: &Family| {
        format!("{} (model_type {:?}: {})", family.id, family.model_types.join(", "), family.title)
    };
    let families: Vec<String> = FAMILIES.iter().map(family).collect();
    load_error(folder, PRETRAINED).replace(&families.join("; "), "<families>")
}

#[test]
fn a_config_that_is_no_object_is_an_error() {
    let folder = small_bert();
    let path = folder.path().join("config.json");
    std::fs::write(&path, "").unwrap();
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r"
    <folder>/config.json: is empty, expected settings or a vocabulary
      hint: download or copy it again
    ");
    std::fs::write(&path, "[1]").unwrap();
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @"<folder>/config.json: expected a JSON object");
    std::fs::remove_file(&path).unwrap();
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @"<folder>/config.json: No such file or directory (os error 2)");
}

#[test]
fn an_empty_config_lists_the_families() {
    let folder = small_bert();
    std::fs::write(folder.path().join("config.json"), "{}").unwrap();
    insta::assert_snapshot!(without_families(folder.path()), @r#"
    <folder>/config.json: keys "model_type" and "architectures" are missing, expected one of them
      hint: supported are <families>
    "#);
}

#[test]
fn an_unknown_family_names_the_nearest() {
    let folder = small_gpn();
    edit_config(folder.path(), |config| {
        config.insert("model_type".to_owned(), json!("convnet"));
    });
    insta::assert_snapshot!(without_families(folder.path()), @r#"
    <folder>/config.json: model_type "convnet" is not a supported model
      hint: did you mean "ConvNet"? supported are <families>
    "#);
    edit_config(folder.path(), |config| {
        config.remove("model_type");
        config.insert("architectures".to_owned(), json!(["Something"]));
    });
    insta::assert_snapshot!(without_families(folder.path()), @r#"
    <folder>/config.json: architectures "Something" is not a supported model
      hint: supported are <families>
    "#);
}

#[test]
fn every_needed_key_is_named_when_it_is_missing() {
    let bert = [
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
    ];
    let gpn = ["vocab_size", "hidden_size", "n_layers", "kernel_size"];
    let keys = bert.iter().map(|key| (small_bert(), key)).chain(gpn.iter().map(|key| (small_gpn(), key)));
    for (folder, key) in keys {
        edit_config(folder.path(), |config| assert!(config.remove(*key).is_some()));
        assert_eq!(
            load_error(folder.path(), random(1)),
            format!(
                "<folder>/config.json: key {key:?} is missing, expected a whole number of at least 1\n  \
                 hint: use the config.json that was published with the weights"
            )
        );
    }
}

#[test]
fn settings_that_would_give_other_values_are_refused() {
    let refused = |key: &str, value: serde_json::Value| {
        let folder =
            if key.starts_with("n_aux") || key == "kernel_size" { small_gpn() } else { small_bert() };
        edit_config(folder.path(), |config| {
            config.insert(key.to_owned(), value);
        });
        load_error(folder.path(), PRETRAINED)
    };
    insta::assert_snapshot!(refused("hidden_act", json!("relu")), @r#"<folder>/config.json: key "hidden_act" is "relu", expected "gelu""#);
    insta::assert_snapshot!(refused("position_embedding_type", json!("relative_key")), @r#"<folder>/config.json: key "position_embedding_type" is "relative_key", expected "absolute""#);
    insta::assert_snapshot!(refused("pre_layer_norm", json!("yes")), @r#"<folder>/config.json: key "pre_layer_norm" is "yes", expected false"#);
    insta::assert_snapshot!(refused("num_attention_heads", json!(3)), @r#"<folder>/config.json: key "hidden_size" is 8, expected a multiple of "num_attention_heads" 3"#);
    insta::assert_snapshot!(refused("num_hidden_layers", json!(0)), @r#"<folder>/config.json: key "num_hidden_layers" is 0, expected a whole number of at least 1"#);
    insta::assert_snapshot!(refused("layer_norm_eps", json!("small")), @r#"<folder>/config.json: key "layer_norm_eps" is "small", expected a positive number"#);
    insta::assert_snapshot!(refused("kernel_size", json!(2.5)), @r#"<folder>/config.json: key "kernel_size" is 2.5, expected a whole number of at least 1"#);
    insta::assert_snapshot!(refused("n_aux_features", json!(5)), @r#"
    <folder>/config.json: key "n_aux_features" is 5, expected 0
      hint: models that read more than the sequence are not supported
    "#);
}

#[test]
fn a_vocabulary_that_does_not_fit_the_width_or_the_tokenizer_is_an_error() {
    let folder = small_gpn();
    edit_config(folder.path(), |config| {
        config.insert("vocab_size".to_owned(), json!(9));
    });
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"<folder>/config.json: key "vocab_size" is 9, expected at most "hidden_size" 8: bases are one-hot"#);
    let folder = small_bert();
    edit_config(folder.path(), |config| {
        config.insert("vocab_size".to_owned(), json!(60));
    });
    insta::assert_snapshot!(load_error(folder.path(), random(1)), @r#"
    <folder>/config.json: key "vocab_size" is 60, expected more than the tokenizer's largest id 68
      hint: config.json and the tokenizer files belong to different models
    "#);
}
