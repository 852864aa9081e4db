//! The Nucleotide Transformer beyond parity: mask tokens, tokens as a property, published sizes, and what a
//! user reads when a folder does not fit.

use crate::common::{PRETRAINED, copy_of_fixture, dna, edit_config, edit_tensors, load_error, random};
use proptest::prelude::*;
use safetensors::SafeTensors;
use seqprobe_core::LayerIndex;
use seqprobe_models::{FAMILIES, FrozenModel, TokenBatch, Tokens, open_model};
use serde_json::json;
use tch::{Kind, Tensor};

fn load(case: &str) -> FrozenModel {
    open_model(copy_of_fixture("esm", case).path(), PRETRAINED).unwrap()
}

#[test]
fn mask_tokens_are_zeroed_and_the_others_rescaled() {
    let folder = copy_of_fixture("esm", "v1");
    let bytes = std::fs::read(folder.path().join("masked.safetensors")).unwrap();
    let stored = SafeTensors::deserialize(&bytes).unwrap();
    let values = |name: &str| stored.tensor(name).unwrap().data().to_vec();
    let ids: Vec<i64> =
        values("ids").chunks_exact(8).map(|id| i64::from_le_bytes(id.try_into().unwrap())).collect();
    let expected: Vec<f32> =
        values("final").chunks_exact(4).map(|value| f32::from_le_bytes(value.try_into().unwrap())).collect();
    assert_eq!(ids.iter().filter(|id| **id == 2).count(), 2, "two mask tokens");
    let model = open_model(folder.path(), PRETRAINED).unwrap();
    let masked = Tokens { special: vec![false; ids.len()], ids };
    // Between a longer and a shorter sequence, so that shares are those of each sequence.
    let others =
        ["ACGTACGTNACGT".repeat(4), "ACGT".to_owned()].map(|text| model.tokenize(&dna(&text)).unwrap());
    let [longer, shorter] = others;
    let batch = TokenBatch::from_tokens(&[longer, masked.clone(), shorter], model.pad_id);
    let states = model.encoder.hidden_states(&batch, &[LayerIndex::Final]).unwrap();
    let got = states.layers[0].1.get(1).narrow(0, 0, masked.ids.len() as i64).reshape([-1]);
    let expected = Tensor::from_slice(&expected);
    let error = f64::try_from((&got - &expected).abs().max() / expected.abs().max()).unwrap();
    assert!(error < 1e-5, "{error:e}");
    let unmasked =
        Tokens { ids: masked.ids.iter().map(|id| if *id == 2 { 4 } else { *id }).collect(), ..masked };
    let batch = TokenBatch::from_tokens(&[unmasked], model.pad_id);
    let other = model.encoder.hidden_states(&batch, &[LayerIndex::Final]).unwrap().layers[0].1.reshape([-1]);
    assert!(f64::try_from((other - expected).abs().max().to_kind(Kind::Double)).unwrap() > 1e-2);
}

/// Numbers of an encoder by the architecture, written down independently of the loader.
fn count(layers: u64, hidden: u64, inner: u64, vocabulary: u64, positions: Option<u64>, gated: bool) -> u64 {
    let attention = 4 * (hidden * hidden + hidden);
    let norms = 2 * 2 * hidden;
    let feed_forward = if gated { 3 * hidden * inner } else { 2 * hidden * inner + inner + hidden };
    layers * (attention + norms + feed_forward)
        + vocabulary * hidden
        + 2 * hidden
        + positions.unwrap_or(0) * hidden
}

#[test]
fn published_sizes_are_those_of_the_architecture() {
    assert_eq!(load("v1").encoder.spec().n_parameters, count(2, 16, 32, 4105, Some(64), false));
    assert_eq!(load("v2").encoder.spec().n_parameters, count(3, 32, 48, 75, None, true));
    let family = FAMILIES.iter().find(|family| family.id == "esm").unwrap();
    assert_eq!(family.published.len(), 7);
    for model in family.published {
        let (layers, hidden) = (u64::from(model.layers), u64::from(model.hidden));
        let expected = match model.id.starts_with("nt-v2-") {
            true => count(layers, hidden, 4 * hidden, 4107, None, true),
            false => count(layers, hidden, 4 * hidden, 4105, Some(1002), false),
        };
        assert_eq!(model.n_parameters, Some(expected), "{}", model.id);
    }
}

#[test]
fn an_end_token_is_added_only_where_the_tokenizer_names_one() {
    let folder = copy_of_fixture("esm", "v2");
    let path = folder.path().join("tokenizer_config.json");
    let ids = || open_model(folder.path(), PRETRAINED).unwrap().tokenize(&dna("AAAN")).unwrap();
    assert_eq!((ids().ids, ids().special), (vec![3, 4, 72], vec![true, false, false]));
    std::fs::write(&path, r#"{"eos_token": "<eos>"}"#).unwrap();
    assert_eq!((ids().ids, ids().special), (vec![3, 4, 72, 73], vec![true, false, false, true]));
    std::fs::remove_file(path).unwrap();
    assert_eq!(ids().ids, [3, 4, 72], "the names are those of the authors where there is no file");
}

#[test]
fn a_vocabulary_of_another_kind_is_an_error() {
    let edited = |from: &str, to: &str| {
        let folder = copy_of_fixture("esm", "v2");
        let path = folder.path().join("vocab.txt");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(&path, text.replace(from, to)).unwrap();
        load_error(folder.path(), PRETRAINED)
    };
    insta::assert_snapshot!(edited("ACG\n", "X\n"), @r#"<folder>/vocab.txt: k-mer "ACG" is missing, expected all 64 k-mers of 3 bases"#);
    insta::assert_snapshot!(edited("GGG\nA\n", "GGG\nX\n"), @r#"<folder>/vocab.txt: k-mer "A" is missing, expected all 4 k-mers of 1 bases"#);
    insta::assert_snapshot!(edited("\nN\n", "\nX\n"), @r#"<folder>/vocab.txt: token "N" is missing, expected all single bases"#);
    insta::assert_snapshot!(edited("<bos>", "AC"), @"<folder>/vocab.txt: tokens of 2, of 1 and of 3 bases, expected two lengths");
    insta::assert_snapshot!(edited("<cls>", "<s>"), @r#"
    <folder>/vocab.txt: the cls_token "<cls>" is not in the vocabulary
      hint: tokenizer_config.json can name another cls_token
    "#);
    // As the protein models of the same architecture have it.
    let folder = copy_of_fixture("esm", "v2");
    std::fs::write(folder.path().join("vocab.txt"), "<unk>\n<pad>\n<mask>\n<cls>\nL\nA\nG\nC\nT\nN\n")
        .unwrap();
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r"
    <folder>/vocab.txt: single bases only, expected k-mers and single bases
      hint: this is the tokenizer of the Nucleotide Transformer, with 6-mers
    ");
}

#[test]
fn settings_that_would_give_other_values_are_refused() {
    let refused = |case: &str, key: &str, value: serde_json::Value| {
        let folder = copy_of_fixture("esm", case);
        edit_config(folder.path(), |config| {
            config.insert(key.to_owned(), value);
        });
        load_error(folder.path(), PRETRAINED)
    };
    insta::assert_snapshot!(refused("v1", "position_embedding_type", json!("relative_key")), @r#"<folder>/config.json: key "position_embedding_type" is "relative_key", expected "absolute" or "rotary""#);
    insta::assert_snapshot!(refused("v1", "is_folding_model", json!(true)), @r#"<folder>/config.json: key "is_folding_model" is true, expected false"#);
    insta::assert_snapshot!(refused("v1", "token_dropout", json!("yes")), @r#"<folder>/config.json: key "token_dropout" is "yes", expected true or false"#);
    insta::assert_snapshot!(refused("v1", "mask_token_id", json!(null)), @r#"<folder>/config.json: key "mask_token_id" is null, expected an id below "vocab_size" 4105"#);
    insta::assert_snapshot!(refused("v1", "pad_token_id", json!(5000)), @r#"<folder>/config.json: key "pad_token_id" is 5000, expected an id below "vocab_size" 4105"#);
    insta::assert_snapshot!(refused("v1", "max_position_embeddings", json!(2)), @r#"<folder>/config.json: key "max_position_embeddings" is 2, expected at least 2 more than "pad_token_id" 1"#);
    insta::assert_snapshot!(refused("v2", "rescaling_factor", json!(2.0)), @r#"
    <folder>/config.json: key "rescaling_factor" is 2.0, expected none
      hint: rescaled rotary positions are not supported
    "#);
    insta::assert_snapshot!(refused("v2", "num_attention_heads", json!(32)), @"<folder>/config.json: heads have 1 values, expected an even number for rotary positions");
    insta::assert_snapshot!(refused("v2", "num_attention_heads", json!(5)), @r#"<folder>/config.json: key "hidden_size" is 32, expected a multiple of "num_attention_heads" 5"#);
    insta::assert_snapshot!(refused("v2", "rope_theta", json!(100.0)), @r#"
    <folder>/model.safetensors: tensor "esm.encoder.layer.0.attention.self.rotary_embeddings.inv_freq" is 0.10000000149011612 at 1, expected 0.31622776601683794
      hint: config.json and the weights belong to different models
    "#);
    // Without the key that names the second generation its weights have another shape.
    let folder = copy_of_fixture("esm", "v2");
    edit_config(folder.path(), |config| {
        config.remove("add_bias_fnn");
        config.remove("auto_map");
    });
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"
    <folder>/model.safetensors: tensor "esm.encoder.layer.0.intermediate.dense.weight" has shape [96, 32], expected [48, 32]
      hint: config.json and the weights belong to different models
    "#);
}

#[test]
fn frequencies_rounded_to_16_bits_are_those_expected_and_no_parameters() {
    let folder = copy_of_fixture("esm", "v2");
    let whole = open_model(folder.path(), PRETRAINED).unwrap().encoder.spec().clone();
    let store = |frequencies: [f32; 4]| {
        edit_tensors(folder.path(), |tensors| {
            tensors.retain(|name, _| !name.ends_with("inv_freq"));
            let bytes = frequencies
                .into_iter()
                .flat_map(|frequency| half::bf16::from_f32(frequency).to_le_bytes())
                .collect();
            tensors.insert(
                "esm.rotary_embeddings.inv_freq".to_owned(),
                (safetensors::Dtype::BF16, vec![4], bytes),
            );
        });
    };
    store([1.0, 0.1, 0.01, 0.001]);
    assert_eq!(open_model(folder.path(), PRETRAINED).unwrap().encoder.spec(), &whole);
    store([1.0, 0.1, 0.01, 0.0011]);
    assert!(load_error(folder.path(), PRETRAINED).contains("inv_freq\" is 0.00109"));
}

#[test]
fn the_longest_sequence_is_that_of_the_positions() {
    for case in ["v1", "v2"] {
        let model = load(case);
        assert_eq!(
            model.encoder.spec().max_tokens,
            Some(62),
            "64 positions, those of padding and before it left out"
        );
        let states = |length: usize| {
            let tokens = model.tokenize(&dna(&"N".repeat(length))).unwrap();
            model
                .encoder
                .hidden_states(&TokenBatch::from_tokens(&[tokens], model.pad_id), &[LayerIndex::Final])
        };
        assert_eq!(states(61).unwrap().layers[0].1.size()[1], 62);
        insta::allow_duplicates! {
            insta::assert_snapshot!(states(62).unwrap_err(), @r#"
            sequence of 63 tokens, the model takes at most 62
              hint: set truncate = "left", "right" or "center" to cut it, or use shorter windows
            "#);
        }
    }
}

#[test]
fn random_weights_need_no_checkpoint() {
    let folder = copy_of_fixture("esm", "v2");
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let states = |seed| crate::common::states(&open_model(folder.path(), random(seed)).unwrap(), "ACGTNACGT");
    assert_eq!(states(1), states(1));
    assert_ne!(states(1), states(2));
    let model = open_model(folder.path(), random(1)).unwrap();
    let tokens = model.tokenize(&dna(&"ACGTTGCAATCGGACTAGGCTTTACCN".repeat(4))).unwrap();
    let batch = TokenBatch::from_tokens(&[tokens], model.pad_id);
    let layers =
        model.encoder.hidden_states(&batch, &[LayerIndex::Block(0), LayerIndex::Final]).unwrap().layers;
    let deviation = |values: &Tensor| f64::try_from(values.square().mean(Kind::Double).sqrt()).unwrap();
    approx::assert_relative_eq!(deviation(&layers[0].1), 0.02, max_relative = 0.1);
    // The last norm starts as one and zero: each token's values have mean 0 and variance 1.
    let means = layers[1].1.mean_dim(-1, false, Kind::Double).abs().max();
    assert!(f64::try_from(means).unwrap() < 1e-5);
    approx::assert_relative_eq!(deviation(&layers[1].1), 1.0, max_relative = 1e-3);
}

/// Between N's 6-mers from the left, then single bases: the rule as its authors describe it.
#[test]
fn tokens_are_6_mers_between_ns() {
    let folder = copy_of_fixture("esm", "v1");
    let words: Vec<String> = std::fs::read_to_string(folder.path().join("vocab.txt"))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    let model = open_model(folder.path(), PRETRAINED).unwrap();
    let config = ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(text in "([ACGT]{1,20}N{0,2}){1,5}")| {
        let mut expected = vec!["<cls>".to_owned()];
        for (place, piece) in text.split('N').enumerate() {
            if place > 0 {
                expected.push("N".to_owned());
            }
            let whole = piece.len() / 6 * 6;
            expected.extend((0..whole / 6).map(|word| piece[6 * word..6 * word + 6].to_owned()));
            expected.extend(piece[whole..].chars().map(String::from));
        }
        let tokens = model.tokenize(&dna(&text)).unwrap();
        let got: Vec<String> = tokens.ids.iter().map(|&id| words[id as usize].clone()).collect();
        prop_assert_eq!(got, expected);
        prop_assert_eq!(tokens.special.iter().filter(|special| **special).count(), 1);
    });
}
