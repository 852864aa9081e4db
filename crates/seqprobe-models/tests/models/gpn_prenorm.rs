//! What a user reads when the config of one of GPN's later networks asks for what is not there.

use crate::common::{PRETRAINED, copy_of_fixture, edit_config, load_error, random, states};
use seqprobe_models::{FAMILIES, open_model};
use serde_json::json;

#[test]
fn settings_that_would_give_other_values_are_refused() {
    let refused = |case: &str, key: &str, value: serde_json::Value| {
        let folder = copy_of_fixture("gpn-prenorm", case);
        edit_config(folder.path(), |config| {
            config.insert(key.to_owned(), value);
        });
        load_error(folder.path(), PRETRAINED)
    };
    insta::assert_snapshot!(refused("convnet", "encoder", json!("roformer")), @r#"<folder>/config.json: key "encoder" is "roformer", expected "convnet" or "bytenet""#);
    insta::assert_snapshot!(refused("convnet", "embedding", json!(3)), @r#"<folder>/config.json: key "embedding" is 3, expected "one_hot" or "embedding""#);
    insta::assert_snapshot!(refused("convnet", "bias", json!("no")), @r#"<folder>/config.json: key "bias" is "no", expected true or false"#);
    insta::assert_snapshot!(refused("convnet", "n_aux_features", json!(5)), @r#"
    <folder>/config.json: key "n_aux_features" is 5, expected 0
      hint: models that read more than the sequence are not supported
    "#);
    insta::assert_snapshot!(refused("convnet", "vocab_size", json!(17)), @r#"<folder>/config.json: key "vocab_size" is 17, expected at most "hidden_size" 16: bases are one-hot"#);
    insta::assert_snapshot!(refused("bytenet-slim", "depthwise", json!(true)), @r#"<folder>/config.json: keys "depthwise" and "slim" are both true, expected one of them: the authors' network does not allow both"#);
    insta::assert_snapshot!(refused("bytenet-slim", "first_kernel_size", json!(7)), @r#"
    <folder>/model.safetensors: tensor "model.encoder.layer.0.layer.6.weight" has shape [8, 8, 9], expected [8, 8, 7]
      hint: config.json and the weights belong to different models
    "#);
    let error = refused("convnet", "bias", json!(true));
    assert!(error.contains("\"model.encoder.layer.0.conv.0.bias\" of shape [16] is missing"), "{error}");
    let error = refused("convnet-bias-depthwise", "bias", json!(false));
    assert!(error.contains("tensors are not part of a gpn-prenorm model"), "{error}");
}

#[test]
fn random_weights_need_no_checkpoint() {
    for case in ["convnet", "bytenet-slim"] {
        let folder = copy_of_fixture("gpn-prenorm", case);
        std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        let draw = |seed| states(&open_model(folder.path(), random(seed)).unwrap(), "ACGTNACGT");
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}

#[test]
fn both_generations_list_their_own_checkpoints() {
    let published = |id: &str| {
        let family = FAMILIES.iter().find(|family| family.id == id).unwrap();
        family
            .published
            .iter()
            .map(|model| (model.repository, model.layers, model.n_parameters))
            .collect::<Vec<_>>()
    };
    // 25 blocks of a kernel of 9, a linear layer, two norms; all with biases, 512 wide.
    let block = 512 * 512 * 9 + 512 + 512 * 512 + 512 + 4 * 512;
    assert_eq!(published("gpn"), [("songlab/gpn-brassicales", 25, Some(25 * block))]);
    assert_eq!(published("gpn-prenorm"), [("songlab/gpn-animal-promoter", 64, None)]);
}
