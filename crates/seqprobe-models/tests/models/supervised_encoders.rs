//! Enformer and SpliceAI: what their configs must say, how their random weights are drawn, and what their
//! tensors may be called. Values are compared with references in `parity.rs`.

use crate::common::{PRETRAINED, edit_config, edit_tensors, load_error, random, states};
use approx::assert_relative_eq;
use seqprobe_core::LayerIndex;
use seqprobe_models::{FAMILIES, FrozenModel, TokenBatch, open_model};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

fn fixture(case: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(case);
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn set(folder: &Path, key: &str, value: Value) {
    edit_config(folder, |config| drop(config.insert(key.to_owned(), value)));
}

/// States of one layer, row-major, and their width.
fn layer(model: &FrozenModel, text: &str, layer: LayerIndex) -> (Vec<f64>, usize) {
    let batch = TokenBatch::from_tokens(&[model.tokenize(&crate::common::dna(text)).unwrap()], model.pad_id);
    let states = model.encoder.hidden_states(&batch, &[layer]).unwrap().layers.remove(0).1;
    let width = usize::try_from(states.size()[2]).unwrap();
    assert_eq!(width, model.encoder.width(layer));
    (Vec::try_from(states.to_kind(tch::Kind::Double).reshape([-1])).unwrap(), width)
}

#[test]
fn the_final_layer_of_enformer_is_twice_as_wide() {
    let folder = fixture("enformer/usual");
    let model = open_model(folder.path(), PRETRAINED).unwrap();
    let spec = model.encoder.spec();
    assert_eq!((spec.n_blocks, spec.hidden, spec.state_stride, spec.max_tokens), (2, 48, 8, None));
    let text = "ACGTACGTA"; // two bins
    assert_eq!(layer(&model, text, LayerIndex::Block(2)).0.len(), 2 * 48);
    let (values, width) = layer(&model, text, LayerIndex::Final);
    assert_eq!((values.len(), width), (2 * 96, 96));
    assert_eq!(model.tokenize(&crate::common::dna("ACGTN")).unwrap().ids, [0, 1, 2, 3, 4]);
}

#[test]
fn n_is_no_letter_and_ends_are_seen() {
    let folder = fixture("enformer/usual");
    let model = open_model(folder.path(), PRETRAINED).unwrap();
    // The last bin is filled up with N, so these are the same input, and the third is another.
    assert_eq!(states(&model, "ACGTAC"), states(&model, "ACGTACNN"));
    assert_ne!(states(&model, "ACGTAC"), states(&model, "ACGTACAA"));
    assert_ne!(states(&model, "ACGTACNN"), states(&model, "ACGTACNNN")[..48 * 3]);
}

#[test]
fn enformer_must_say_which_positions_it_was_trained_with() {
    let folder = fixture("enformer/usual");
    let with = |folder: &Path| states(&open_model(folder, PRETRAINED).unwrap(), "ACGTACGTACGTACGTACGTACGT");
    let package = with(folder.path());
    set(folder.path(), "use_tf_gamma", json!(true));
    let tensorflow = with(folder.path());
    assert_ne!(tensorflow, package);
    edit_config(folder.path(), |config| drop(config.remove("use_tf_gamma")));
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"
    <folder>/config.json: key "use_tf_gamma" is missing, expected true or false
      hint: true for the authors' weights (EleutherAI/enformer-official-rough and copies of it, where enformer-pytorch sets it by the repository's name), false for weights trained with enformer-pytorch
    "#);
    // As enformer-pytorch, which goes by the repository's name.
    let official = folder.path().join("models--EleutherAI--enformer-official-rough/snapshots/0");
    std::fs::create_dir_all(&official).unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(folder.path().join(file), official.join(file)).unwrap();
    }
    assert_eq!(with(&official), tensorflow);
    set(folder.path(), "use_tf_gamma", json!("yes"));
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"<folder>/config.json: key "use_tf_gamma" is "yes", expected true or false"#);
}

#[test]
fn sizes_that_do_not_fit_name_their_key() {
    let error = |case: &str, key: &str, value: Value| {
        let folder = fixture(case);
        set(folder.path(), key, value);
        load_error(folder.path(), PRETRAINED)
    };
    insta::assert_snapshot!(error("enformer/usual", "heads", json!(5)), @r#"<folder>/config.json: key "dim" 48 over "heads" 5 is 9, expected a multiple of 6: so many kinds of positional features share it"#);
    insta::assert_snapshot!(error("enformer/usual", "num_downsamples", json!(2)), @r#"<folder>/config.json: key "num_downsamples" is 2, expected 3 to 16"#);
    insta::assert_snapshot!(error("enformer/usual", "dim_divisible_by", json!(30)), @r#"<folder>/config.json: key "dim" is 48, but the tower's widths in multiples of "dim_divisible_by" 30 are [30, 60], expected the last to be "dim" and none to be 0"#);
    insta::assert_snapshot!(error("enformer/usual", "use_convnext", json!(true)), @r#"
    <folder>/config.json: key "use_convnext" is true, expected false
      hint: Enformer with ConvNeXt blocks is not supported
    "#);
    insta::assert_snapshot!(error("spliceai/flank-80", "flanking_size", json!(100)), @r#"
    <folder>/config.json: key "flanking_size" is 100, expected 80, 400, 2000 or 10000
      hint: it is part of the published file's name: model_400nt_rs10.pt needs {"model_type": "spliceai", "flanking_size": 400}
    "#);
    insta::assert_snapshot!(error("spliceai/flank-80", "flanking_size", Value::Null), @r#"
    <folder>/config.json: key "flanking_size" is missing, expected 80, 400, 2000 or 10000
      hint: it is part of the published file's name: model_400nt_rs10.pt needs {"model_type": "spliceai", "flanking_size": 400}
    "#);
    assert!(
        error("spliceai/flank-80", "flanking_size", json!(400))
            .contains("residual_units.5.batchnorm1.weight")
    );
    assert!(error("spliceai/flank-400", "flanking_size", json!(80)).contains("not part of a spliceai model"));
    assert!(
        error("spliceai/flank-80", "hidden_size", json!(16))
            .contains("has shape [32, 4, 1], expected [16, 4, 1]")
    );
}

#[test]
fn statistics_must_be_there_and_are_no_parameters() {
    let folder = fixture("spliceai/flank-80");
    let model = open_model(folder.path(), PRETRAINED).unwrap();
    // Counted in the authors' network, the last convolution left out.
    assert_eq!(model.encoder.spec().n_parameters, 93_152);
    edit_tensors(folder.path(), |tensors| {
        tensors.remove("residual_units.2.batchnorm2.running_var").unwrap();
    });
    assert!(load_error(folder.path(), PRETRAINED).contains("\"residual_units.2.batchnorm2.running_var\""));
}

#[test]
fn the_documented_config_of_spliceai_is_read() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/how-to/supervised-encoders.md");
    let document = std::fs::read_to_string(document).unwrap();
    let config = document.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("config.json"), config).unwrap();
    let model = open_model(folder.path(), random(1)).unwrap();
    let spec = model.encoder.spec();
    // Counted in the authors' network, the last convolution left out.
    assert_eq!((spec.family, spec.n_blocks, spec.hidden, spec.n_parameters), ("spliceai", 8, 32, 185_088));
    assert_eq!(layer(&model, "ACGTN", LayerIndex::Final).0.len(), 5 * 32);
}

#[test]
fn published_sizes_are_those_of_the_architecture() {
    let enformer = FAMILIES.iter().find(|family| family.id == "enformer").unwrap();
    let [published] = enformer.published else { panic!("one checkpoint is listed") };
    let folder = TempDir::new().unwrap();
    // The keys of the published config that change values; the defaults are the published sizes.
    let config = json!({"model_type": "enformer", "use_tf_gamma": true, "depth": 1});
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let spec = open_model(folder.path(), random(1)).unwrap().encoder.spec().clone();
    // Ten more blocks: norms, queries, keys, values, output, distances and their biases, feed-forward.
    let (dim, key, features) = (1536_u64, 8 * 64_u64, 192_u64);
    let block = 4 * dim
        + 2 * dim * key
        + dim * dim
        + dim * dim
        + dim
        + features * key
        + 2 * key
        + 2 * dim * 2 * dim
        + 3 * dim;
    assert_eq!(published.n_parameters, Some(spec.n_parameters + 10 * block));
    assert_eq!((published.hidden as usize, spec.state_stride), (spec.hidden, 128));
}

#[test]
fn random_weights_depend_on_their_seed_and_start_as_the_authors_start_them() {
    for case in ["enformer/usual", "spliceai/flank-400"] {
        let folder = fixture(case);
        std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        let load = |seed| open_model(folder.path(), random(seed)).unwrap();
        let text = "ACGTTGCAACGTTGCAACGTTGCAACGTTGCA";
        assert_eq!(states(&load(1), text), states(&load(1), text));
        assert_ne!(states(&load(1), text), states(&load(2), text));
        assert!(states(&load(1), text).iter().all(|value| value.is_finite()));
    }
    // The first layer of SpliceAI is a linear map of a base: weights and bias uniform within 1 / √4.
    let folder = fixture("spliceai/flank-80");
    set(folder.path(), "hidden_size", json!(512));
    let (values, width) = layer(&open_model(folder.path(), random(3)).unwrap(), "NA", LayerIndex::Block(0));
    let (bias, letter) = values.split_at(width);
    let deviation =
        |values: &[f64]| (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt();
    assert_relative_eq!(deviation(bias), 0.5 / 3.0_f64.sqrt(), max_relative = 0.06);
    assert!(bias.iter().all(|value| value.abs() <= 0.5) && bias.iter().any(|value| value.abs() > 0.49));
    let weights: Vec<f64> = letter.iter().zip(bias).map(|(sum, bias)| sum - bias).collect();
    assert_relative_eq!(deviation(&weights), 0.5 / 3.0_f64.sqrt(), max_relative = 0.06);
    assert!(weights.iter().all(|value| value.abs() < 0.5 + 1e-6));
}
