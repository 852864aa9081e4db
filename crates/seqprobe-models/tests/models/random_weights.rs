//! Random initialisation, digests and the models written by `create`.

use crate::common::{
    PRETRAINED, edit_config, edit_tensors, random, read_tensors, small_bert, small_gpn, states, values,
};
use approx::{assert_abs_diff_eq, assert_relative_eq};
use seqprobe_core::Seed;
use seqprobe_models::{LoadOptions, Precision, create, open_model};

fn deviation(values: &[f64]) -> f64 {
    (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt()
}

#[test]
fn bert_starts_as_its_authors_start_it() {
    let folder = tempfile::tempdir().unwrap();
    create::bert(folder.path(), 5, 1, 64, 4, Seed(11)).unwrap();
    let tensors = read_tensors(folder.path());
    assert_eq!(tensors.len(), 5 + 16);
    for (name, tensor) in &tensors {
        let values = values(tensor);
        if name.ends_with("LayerNorm.weight") {
            assert!(values.iter().all(|value| value.to_bits() == 1.0_f64.to_bits()), "{name}");
        } else if name.ends_with("bias") {
            assert!(values.iter().all(|value| value.to_bits() == 0), "{name}");
        } else if name.ends_with("word_embeddings.weight") {
            assert_eq!(tensor.1, [1029, 64]);
            assert!(values[..64].iter().all(|value| value.to_bits() == 0), "the padding row is zero");
            assert_relative_eq!(deviation(&values[64..]), 0.02, max_relative = 0.02);
        } else if name.ends_with("token_type_embeddings.weight") {
            assert_relative_eq!(deviation(&values), 0.02, max_relative = 0.25);
        } else {
            assert_relative_eq!(deviation(&values), 0.02, max_relative = 0.05);
            assert_abs_diff_eq!(values.iter().sum::<f64>() / values.len() as f64, 0.0, epsilon = 1.5e-3);
        }
    }
}

#[test]
fn gpn_starts_as_its_authors_start_it() {
    let folder = tempfile::tempdir().unwrap();
    create::gpn(folder.path(), 1, 32, Seed(11)).unwrap();
    let tensors = read_tensors(folder.path());
    let bound = 1.0 / (32.0 * 9.0_f64).sqrt();
    let kernel = values(&tensors["model.encoder.0.conv.1.weight"]);
    assert_relative_eq!(deviation(&kernel), bound / 3.0_f64.sqrt(), max_relative = 0.03);
    let largest = kernel.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    assert!(largest <= bound * (1.0 + 1e-6) && largest > 0.99 * bound, "{largest} {bound}");
    let bias = values(&tensors["model.encoder.0.conv.1.bias"]);
    assert_relative_eq!(deviation(&bias), bound / 3.0_f64.sqrt(), max_relative = 0.35);
    assert_relative_eq!(
        deviation(&values(&tensors["model.encoder.0.ffn.0.weight"])),
        0.02,
        max_relative = 0.1
    );
    assert_abs_diff_eq!(deviation(&values(&tensors["model.encoder.0.ffn.0.bias"])), 0.0);
    assert_abs_diff_eq!(deviation(&values(&tensors["model.encoder.0.conv.4.weight"])), 1.0);
}

#[test]
fn a_random_model_needs_no_weights_and_depends_on_its_seed() {
    for folder in [small_bert(), small_gpn()] {
        let written = states(&open_model(folder.path(), PRETRAINED).unwrap(), "ACGTNA");
        std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        let same = open_model(folder.path(), random(1)).unwrap();
        let other = open_model(folder.path(), random(2)).unwrap();
        assert_eq!(states(&same, "ACGTNA"), written, "create writes what the same seed draws");
        assert_ne!(states(&other, "ACGTNA"), written);
        assert_ne!(same.weights_digest, other.weights_digest);
    }
}

#[test]
fn draws_do_not_change_between_versions() {
    // Golden value: a changed stream would silently change every random-initialisation control.
    let folder = small_bert();
    let tensors = read_tensors(folder.path());
    let query = values(&tensors["bert.encoder.layer.0.attention.self.query.weight"]);
    assert_relative_eq!(query[0], 0.018_948_782, max_relative = 1e-6);
}

#[test]
fn the_weights_digest_follows_everything_that_changes_a_value() {
    let folder = small_bert();
    let load = |options| open_model(folder.path(), options).unwrap();
    let first = load(PRETRAINED);
    assert_eq!(load(PRETRAINED).weights_digest, first.weights_digest);
    assert_ne!(
        load(LoadOptions { precision: Precision::F64, ..PRETRAINED }).weights_digest,
        first.weights_digest
    );
    assert_ne!(load(random(1)).weights_digest, first.weights_digest);
    edit_config(folder.path(), |config| {
        config.insert("transformers_version".to_owned(), serde_json::json!("9"));
    });
    assert_eq!(
        load(PRETRAINED).weights_digest,
        first.weights_digest,
        "the layout of config.json does not matter"
    );
    edit_config(folder.path(), |config| {
        config.insert("layer_norm_eps".to_owned(), serde_json::json!(1e-5));
    });
    let other_epsilon = load(PRETRAINED);
    assert_ne!(other_epsilon.weights_digest, first.weights_digest);
    edit_tensors(folder.path(), |tensors| {
        tensors.get_mut("bert.encoder.layer.0.output.dense.bias").unwrap().2[0] ^= 1;
    });
    assert_ne!(load(PRETRAINED).weights_digest, other_epsilon.weights_digest);
    assert_eq!(load(PRETRAINED).tokenizer_digest, first.tokenizer_digest);
}

#[test]
fn parameters_are_counted() {
    let folder = small_bert();
    let spec = open_model(folder.path(), PRETRAINED).unwrap().encoder.spec().clone();
    let stored: usize =
        read_tensors(folder.path()).values().map(|(_, shape, _)| shape.iter().product::<usize>()).sum();
    assert_eq!(spec.n_parameters, stored as u64);
    assert_eq!((spec.n_blocks, spec.hidden, spec.max_tokens, spec.has_cls), (2, 8, Some(512), true));
}

#[test]
fn create_leaves_nothing_behind_and_refuses_what_does_not_fit() {
    let folder = small_bert();
    create::bert(folder.path(), 3, 2, 8, 2, Seed(1)).unwrap();
    let mut files: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["config.json", "model.safetensors", "vocab.txt"]);
    assert!(create::bert(folder.path(), 9, 1, 8, 2, Seed(1)).is_err());
    assert!(create::bert(folder.path(), 3, 1, 8, 3, Seed(1)).is_err());
    assert!(create::gpn(folder.path(), 1, 4, Seed(1)).is_err());
    assert!(open_model(folder.path(), PRETRAINED).is_ok(), "a refused request changes nothing");
}
