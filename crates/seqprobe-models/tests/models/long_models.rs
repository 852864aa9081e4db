//! HyenaDNA and Caduceus beyond parity: what a user reads when files do not fit, and properties that the
//! architectures promise. The models are the parity fixtures.

use crate::common::{PRETRAINED, dna, edit_config, edit_tensors, load_error, random, states};
use seqprobe_core::LayerIndex;
use seqprobe_models::{FrozenModel, LoadOptions, Precision, TokenBatch, Tokens, open_model};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tch::{Kind, Tensor};
use tempfile::TempDir;

fn fixture(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(case)
}

/// A copy of a fixture's model.
fn copy(case: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(fixture(case).join(name), folder.path().join(name)).unwrap();
    }
    folder
}

fn set(folder: &Path, key: &str, value: Value) {
    edit_config(folder, |config| {
        config.insert(key.to_owned(), value);
    });
}

/// Every layer of one sequence given by ids, `[tokens, hidden]`, in 64 bits.
fn states_of_ids(model: &FrozenModel, ids: &[i64]) -> Vec<Tensor> {
    let tokens = Tokens { ids: ids.to_vec(), special: vec![false; ids.len()] };
    let batch = TokenBatch::from_tokens(&[tokens], model.pad_id);
    let mut layers: Vec<LayerIndex> = (0..=model.encoder.spec().n_blocks).map(LayerIndex::Block).collect();
    layers.push(LayerIndex::Final);
    let states = model.encoder.hidden_states(&batch, &layers).unwrap();
    states.layers.into_iter().map(|(_, state)| state.get(0)).collect()
}

fn load_double(folder: &Path) -> FrozenModel {
    open_model(folder, LoadOptions { precision: Precision::F64, ..PRETRAINED }).unwrap()
}

fn distance(one: &Tensor, other: &Tensor) -> f64 {
    assert_eq!((one.size(), one.kind()), (other.size(), Kind::Double));
    f64::try_from((one - other).abs().max()).unwrap()
}

#[test]
fn the_reverse_complement_has_the_flipped_states() {
    let complement = |id: &i64| [0, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11][*id as usize];
    let ids = [7, 7, 8, 10, 11, 9, 8, 7, 10, 10, 9, 7, 8];
    let other: Vec<i64> = ids.iter().rev().map(complement).collect();
    for case in ["caduceus/ps", "caduceus/ps-not-fused"] {
        let model = load_double(&fixture(case));
        for (one, other) in states_of_ids(&model, &ids).iter().zip(states_of_ids(&model, &other)) {
            assert!(distance(&one.flip([0, 1]), &other) < 1e-12, "{case}");
            assert!(distance(one, &other) > 1e-2, "{case}");
        }
    }
}

#[test]
fn halves_change_places_only_in_the_fused_blocks() {
    let folder = copy("caduceus/ps");
    let swapped = states_of_ids(&load_double(folder.path()), &[7, 8, 8, 10, 9]);
    set(folder.path(), "fused_add_norm", json!(false));
    let kept = states_of_ids(&load_double(folder.path()), &[7, 8, 8, 10, 9]);
    assert!(distance(&swapped[0], &kept[0]) < 1e-15, "the embedding is the same");
    assert!(distance(&swapped[1], &kept[1]) > 1e-2);
}

#[test]
fn hyenadna_sees_only_what_stands_before() {
    for case in ["hyenadna/hf", "hyenadna/first-files"] {
        let model = load_double(&fixture(case));
        let ids: Vec<i64> = (0..60).map(|place| 7 + (place * place + place / 3) % 5).collect();
        let whole = states_of_ids(&model, &ids);
        for length in [1, 2, 7, 59] {
            for (whole, start) in whole.iter().zip(states_of_ids(&model, &ids[..length])) {
                assert!(distance(&whole.narrow(0, 0, length as i64), &start) < 1e-10, "{case} {length}");
            }
        }
    }
}

#[test]
fn inputs_beyond_the_filters_are_an_error_and_caduceus_has_no_limit() {
    let hyena = open_model(&fixture("hyenadna/hf"), PRETRAINED).unwrap();
    let caduceus = open_model(&fixture("caduceus/ph"), PRETRAINED).unwrap();
    let batch = |model: &FrozenModel, letters: usize| {
        TokenBatch::from_tokens(&[model.tokenize(&dna(&"A".repeat(letters))).unwrap()], model.pad_id)
    };
    assert!(hyena.encoder.hidden_states(&batch(&hyena, 101), &[LayerIndex::Final]).is_ok());
    let error =
        hyena.encoder.hidden_states(&batch(&hyena, 102), &[LayerIndex::Final]).unwrap_err().to_string();
    assert!(error.starts_with("sequence of 103 tokens, the model takes at most 102\n"), "{error}");
    assert!(caduceus.encoder.hidden_states(&batch(&caduceus, 3000), &[LayerIndex::Final]).is_ok());
}

#[test]
fn what_is_added_follows_the_files() {
    let tokens = |case: &str| {
        let model = open_model(&fixture(case), PRETRAINED).unwrap();
        assert!(!model.encoder.spec().has_cls, "a first token that sees nothing is no summary");
        let tokens = model.tokenize(&dna("ACGTN")).unwrap();
        (tokens.ids, tokens.special.iter().map(|special| u8::from(*special)).collect::<Vec<u8>>())
    };
    assert_eq!(tokens("hyenadna/first-files"), (vec![0, 7, 8, 9, 10, 11, 1], vec![1, 0, 0, 0, 0, 0, 1]));
    assert_eq!(tokens("hyenadna/hf"), (vec![7, 8, 9, 10, 11, 1], vec![0, 0, 0, 0, 0, 1]));
    assert_eq!(tokens("caduceus/ps"), tokens("hyenadna/hf"));
}

#[test]
fn tokenizer_files_are_held_against_the_rule() {
    let folder = copy("hyenadna/hf");
    let usual = open_model(folder.path(), PRETRAINED).unwrap();
    let config = |value: Value| {
        std::fs::write(folder.path().join("tokenizer_config.json"), value.to_string()).unwrap();
    };
    config(
        json!({"characters": ["A", "C", "G", "T", "N"], "model_max_length": 102, "pad_token": {"content": "[PAD]"}}),
    );
    let stated = open_model(folder.path(), PRETRAINED).unwrap();
    assert_eq!(stated.tokenizer_digest, usual.tokenizer_digest);
    config(json!({"char_ords": [84, 71, 67, 65]}));
    let other = open_model(folder.path(), PRETRAINED).unwrap();
    assert_eq!(other.tokenize(&dna("ACGTN")).unwrap().ids, [10, 9, 8, 7, 6, 1]);
    assert_ne!(other.tokenizer_digest, usual.tokenizer_digest);
    config(json!({"characters": ["A", "C", "G", "U", "N"]}));
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"<folder>/tokenizer_config.json: key "characters" is "ACGUN", expected a list of single letters with A, C, G and T, each once"#);
    config(json!({"pad_token": "<pad>"}));
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"
    <folder>/tokenizer_config.json: key "pad_token" is "<pad>", expected "[PAD]"
      hint: the tokenizer files belong to another model
    "#);
    config(json!({}));
    let words = "[CLS]\n[SEP]\n[BOS]\n[MASK]\n[PAD]\n[RESERVED]\n[UNK]\nA\nC\nG\nT\nN\n";
    std::fs::write(folder.path().join("vocab.txt"), words).unwrap();
    assert!(open_model(folder.path(), PRETRAINED).is_ok());
    std::fs::write(folder.path().join("vocab.txt"), words.replace("G\nT", "T\nG")).unwrap();
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"
    <folder>/vocab.txt: token "G" has id 10, expected 9, as in the code of HyenaDNA and Caduceus
      hint: the tokenizer files belong to another model
    "#);
}

#[test]
fn settings_that_would_give_other_values_are_refused() {
    let refused = |case: &str, key: &str, value: Value| {
        let folder = copy(case);
        set(folder.path(), key, value);
        load_error(folder.path(), PRETRAINED)
    };
    insta::assert_snapshot!(refused("hyenadna/hf", "hyena_order", json!(3)), @r#"<folder>/config.json: key "hyena_order" is 3, expected 2"#);
    insta::assert_snapshot!(refused("hyenadna/hf", "use_bias", json!(false)), @r#"<folder>/config.json: key "use_bias" is false, expected true"#);
    insta::assert_snapshot!(refused("hyenadna/hf", "emb_dim", json!(4)), @r#"<folder>/config.json: key "emb_dim" is 4, expected an odd number of at least 3"#);
    insta::assert_snapshot!(refused("hyenadna/first-files", "attn_layer_idx", json!([1])), @r#"<folder>/config.json: key "attn_layer_idx" is given, expected none: blocks with attention are not supported"#);
    insta::assert_snapshot!(refused("hyenadna/first-files", "layer", json!({"l_max": 98, "modulate": false})), @r#"<folder>/config.json: key "modulate" is false, expected true"#);
    insta::assert_snapshot!(refused("hyenadna/first-files", "layer", json!(["hyena"])), @r#"<folder>/config.json: key "layer" is ["hyena"], expected an object of settings"#);
    insta::assert_snapshot!(refused("caduceus/ph", "rms_norm", json!(false)), @r#"<folder>/config.json: key "rms_norm" is false, expected true"#);
    insta::assert_snapshot!(refused("caduceus/ph", "bidirectional_strategy", json!("ew_multiply")), @r#"<folder>/config.json: key "bidirectional_strategy" is "ew_multiply", expected "add""#);
    insta::assert_snapshot!(refused("caduceus/ph", "ssm_cfg", json!({"layer": "Mamba2"})), @r#"<folder>/config.json: key "layer" is "Mamba2", expected "Mamba1""#);
    insta::assert_snapshot!(refused("caduceus/ps", "complement_map", json!({"7": 16})), @r#"
    <folder>/config.json: key "complement_map" contains "7": 16, expected a table from each id below 16 to the id of its complement
      hint: models with "rcps": true need it; use the config.json that was published with the weights
    "#);
}

#[test]
fn a_first_config_without_its_keys_is_not_taken_for_hyenadna() {
    let folder = copy("hyenadna/first-files");
    assert!(open_model(folder.path(), random(1)).is_ok());
    edit_config(folder.path(), |config| assert!(config.remove("n_layer").is_some()));
    let error = load_error(folder.path(), random(1));
    assert!(error.contains("keys \"model_type\" and \"architectures\" are missing"), "{error}");
}

#[test]
fn shared_tensors_that_differ_are_an_error() {
    let folder = copy("caduceus/ph-other-shape");
    let name = "backbone.layers.0.mixer.mamba_rev.in_proj.weight";
    edit_tensors(folder.path(), |tensors| tensors.get_mut(name).unwrap().2[0] ^= 1);
    let error = load_error(folder.path(), PRETRAINED);
    assert!(error.contains("mamba_rev.in_proj.weight\" differs from"), "{error}");
    edit_tensors(folder.path(), |tensors| {
        let kept = tensors.remove(&name.replace("mamba_rev", "mamba_fwd")).unwrap();
        tensors.insert(name.to_owned(), kept);
    });
    let under_the_other_name = open_model(folder.path(), PRETRAINED).unwrap();
    let usual = open_model(&fixture("caduceus/ph-other-shape"), PRETRAINED).unwrap();
    assert_eq!(states(&under_the_other_name, "ACGTNA"), states(&usual, "ACGTNA"));
}

#[test]
fn the_stored_complements_count_and_are_checked() {
    let folder = copy("caduceus/ps");
    let name = "caduceus.backbone.embeddings.word_embeddings.complement_map";
    let usual = states(&open_model(folder.path(), PRETRAINED).unwrap(), "ACGTNA");
    set(folder.path(), "complement_map", json!({}));
    assert_eq!(states(&open_model(folder.path(), PRETRAINED).unwrap(), "ACGTNA"), usual);
    edit_tensors(folder.path(), |tensors| tensors.get_mut(name).unwrap().2[8 * 7] = 7);
    assert_ne!(states(&open_model(folder.path(), PRETRAINED).unwrap(), "ACGTNA"), usual);
    edit_tensors(folder.path(), |tensors| tensors.get_mut(name).unwrap().2[8 * 7] = 99);
    let error = load_error(folder.path(), PRETRAINED);
    assert!(error.contains("contains 99, expected ids from 0 to below 16"), "{error}");
}
