//! Tokenizers as properties, and what a user reads when their files do not fit.

use crate::common::{PRETRAINED, dna, load_error, random, small_bert, small_gpn};
use proptest::prelude::*;
use seqprobe_core::{LayerIndex, Seed};
use seqprobe_models::{KmerTokenizer, TokenBatch, Tokenizer, create, open_model, tokenizer::AddedTokens};

fn replace_vocabulary(folder: &std::path::Path, from: &str, to: &str) {
    let path = folder.join("vocab.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn k_mers_with_n_are_unknown_and_special_tokens_are_marked() {
    let folder = small_bert();
    let tokenizer = KmerTokenizer::read(folder.path(), AddedTokens::ClsSep).unwrap();
    assert_eq!((tokenizer.k(), tokenizer.pad_id(), tokenizer.largest_id()), (3, 0, 68));
    let tokens = tokenizer.tokenize(&dna("AAATNAAA")).unwrap();
    assert_eq!(tokens.ids, [2, 5, 6, 1, 1, 1, 5, 3]);
    assert_eq!(tokens.special, [true, false, false, false, false, false, false, true]);
}

#[test]
fn letters_are_read_in_either_case_of_the_vocabulary() {
    let folder = small_gpn();
    let tokenizer = KmerTokenizer::read(folder.path(), AddedTokens::None).unwrap();
    assert_eq!(tokenizer.tokenize(&dna("ACGTN")).unwrap().ids, [3, 4, 5, 6, 2]);
    assert_eq!(tokenizer.tokenize(&dna("A")).unwrap().special, [false]);
}

#[test]
fn t_meets_u_in_a_vocabulary_of_rna() {
    let folder = small_bert();
    let before = KmerTokenizer::read(folder.path(), AddedTokens::ClsSep).unwrap();
    let path = folder.path().join("vocab.txt");
    let text = std::fs::read_to_string(&path).unwrap();
    let in_rna = |word: &str| if word.starts_with('[') { word.to_owned() } else { word.replace('T', "U") };
    let rna = text.lines().map(in_rna).collect::<Vec<String>>().join("\n");
    std::fs::write(&path, &rna).unwrap();
    let after = KmerTokenizer::read(folder.path(), AddedTokens::ClsSep).unwrap();
    let sequence = dna("ACGUTTNGAT");
    assert_eq!(after.tokenize(&sequence).unwrap(), before.tokenize(&sequence).unwrap());
    assert_ne!(after.digest(), before.digest());
    // Tokens with U are not DNA if there are tokens with T.
    std::fs::write(&path, format!("{text}UUU\n")).unwrap();
    let both = KmerTokenizer::read(folder.path(), AddedTokens::ClsSep).unwrap();
    assert_eq!(both.tokenize(&sequence).unwrap(), before.tokenize(&sequence).unwrap());
    assert_eq!(both.largest_id(), before.largest_id() + 1);
}

#[test]
fn every_k_of_dnabert_is_read_off_the_vocabulary() {
    for (k, largest) in [(3, 68), (4, 260), (5, 1028), (6, 4100)] {
        let folder = tempfile::tempdir().unwrap();
        create::bert(folder.path(), k, 1, 4, 1, Seed(0)).unwrap();
        let tokenizer = KmerTokenizer::read(folder.path(), AddedTokens::ClsSep).unwrap();
        assert_eq!((tokenizer.k(), tokenizer.largest_id()), (k, largest));
        // DNABERT's order of bases is A T C G.
        assert_eq!(tokenizer.tokenize(&dna(&"G".repeat(k))).unwrap().ids, [2, largest, 3]);
    }
}

#[test]
fn a_sequence_without_a_token_is_an_error() {
    let folder = small_bert();
    let model = open_model(folder.path(), PRETRAINED).unwrap();
    insta::assert_snapshot!(model.tokenize(&dna("AC")).unwrap_err(), @r"
    sequence of 2 bases is shorter than one token of 3
      hint: leave out sequences of fewer than 3 bases, or use a model with shorter tokens
    ");
    assert_eq!(model.tokenize(&dna("ACG")).unwrap().ids.len(), 3);
}

#[test]
fn a_sequence_longer_than_the_positions_is_an_error() {
    let folder = small_bert();
    let model = open_model(folder.path(), PRETRAINED).unwrap();
    let states = |length: usize| {
        let tokens = model.tokenize(&dna(&"ACGT".repeat(200)[..length])).unwrap();
        model.encoder.hidden_states(&TokenBatch::from_tokens(&[tokens], model.pad_id), &[LayerIndex::Final])
    };
    assert_eq!(states(512).unwrap().layers[0].1.size(), [1, 512, 8]);
    insta::assert_snapshot!(states(513).unwrap_err(), @r#"
    sequence of 513 tokens, the model takes at most 512
      hint: set truncate = "left", "right" or "center" to cut it, or use shorter windows
    "#);
}

#[test]
fn a_layer_that_does_not_exist_is_an_error() {
    let folder = small_gpn();
    let model = open_model(folder.path(), PRETRAINED).unwrap();
    let batch = TokenBatch::from_tokens(&[model.tokenize(&dna("ACG")).unwrap()], model.pad_id);
    let error =
        model.encoder.hidden_states(&batch, &[LayerIndex::Block(1), LayerIndex::Block(3)]).unwrap_err();
    insta::assert_snapshot!(error, @"layer 3 does not exist: gpn has layers 0 to 2 and final");
}

#[test]
fn vocabulary_files_that_do_not_fit_are_errors() {
    let folder = small_bert();
    replace_vocabulary(folder.path(), "ACG\n", "");
    insta::assert_snapshot!(load_error(folder.path(), random(1)), @r#"<folder>/vocab.txt: k-mer "ACG" is missing, expected all 64 k-mers of 3 bases"#);
    let folder = small_bert();
    replace_vocabulary(folder.path(), "ACG\n", "ACC\n");
    insta::assert_snapshot!(load_error(folder.path(), random(1)), @r#"<folder>/vocab.txt: line 17 is "ACC", expected a token that occurs once"#);
    let folder = small_bert();
    replace_vocabulary(folder.path(), "ACG\n", "ACGT\n");
    insta::assert_snapshot!(load_error(folder.path(), random(1)), @r"
    <folder>/vocab.txt: tokens of 3 and of 4 bases, expected one length
      hint: byte pairs need their merges; copy tokenizer.json of the checkpoint into the folder
    ");
    let folder = small_bert();
    replace_vocabulary(folder.path(), "[SEP]", "</s>");
    insta::assert_snapshot!(load_error(folder.path(), random(1)), @r#"
    <folder>/vocab.txt: the sep_token "[SEP]" is not in the vocabulary
      hint: tokenizer_config.json can name another sep_token
    "#);
    let config = r#"{"sep_token": {"content": "</s>", "special": true}}"#;
    std::fs::write(folder.path().join("tokenizer_config.json"), config).unwrap();
    assert_eq!(open_model(folder.path(), random(1)).unwrap().tokenize(&dna("AAA")).unwrap().ids, [2, 5, 3]);
    std::fs::remove_file(folder.path().join("vocab.txt")).unwrap();
    insta::assert_snapshot!(load_error(folder.path(), random(1)), @r"
    <folder>: no vocab.txt and no tokenizer.json
      hint: copy the tokenizer files of the checkpoint into the folder
    ");
}

#[test]
fn tokenizer_json_is_read_and_held_against_vocab_txt() {
    let folder = small_gpn();
    let path = folder.path().join("tokenizer.json");
    let write = |vocabulary: &str, merges: &str| {
        let added = r#"[{"id": 0, "content": "[PAD]"}, {"id": 1, "content": "[MASK]"}, {"id": 2, "content": "[UNK]"}]"#;
        let text =
            format!(r#"{{"added_tokens": {added}, "model": {{"vocab": {vocabulary}, "merges": {merges}}}}}"#);
        std::fs::write(&path, text).unwrap();
    };
    write(r#"{"a": 3, "c": 4, "g": 5, "t": 6}"#, "[]");
    let both = open_model(folder.path(), PRETRAINED).unwrap();
    assert_eq!(both.tokenize(&dna("TN")).unwrap().ids, [6, 2]);
    write(r#"{"a": 3, "c": 4, "g": 6, "t": 5}"#, "[]");
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r"
    <folder>: vocab.txt and tokenizer.json give different ids
      hint: remove the one that does not belong to the weights
    ");
    std::fs::remove_file(folder.path().join("vocab.txt")).unwrap();
    let other = open_model(folder.path(), PRETRAINED).unwrap();
    assert_eq!(other.tokenize(&dna("TN")).unwrap().ids, [5, 2]);
    assert_ne!(both.tokenizer_digest, other.tokenizer_digest);
    assert_eq!(both.weights_digest, other.weights_digest);
    write(r#"{"a": 3, "c": 4, "g": 5, "t": 6}"#, r#"["a c"]"#);
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r"
    <folder>/tokenizer.json: a byte-pair tokenizer with merges, expected single bases or overlapping k-mers
      hint: the tokenizer files belong to another model
    ");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tokens_are_the_k_mers_in_order(text in "[ACGTN]{3,80}") {
        let words: Vec<String> = std::fs::read_to_string(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models/bert/k3/vocab.txt"),
        ).unwrap().lines().map(str::to_owned).collect();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models/bert/k3");
        let tokenizer = KmerTokenizer::read(&folder, AddedTokens::ClsSep).unwrap();
        let tokens = tokenizer.tokenize(&dna(&text)).unwrap();
        prop_assert_eq!(tokens.ids.len(), text.len() - 3 + 1 + 2);
        for (start, &id) in tokens.ids[1..tokens.ids.len() - 1].iter().enumerate() {
            let word = &text[start..start + 3];
            let expected = if word.contains('N') { "[UNK]" } else { word };
            prop_assert_eq!(words[id as usize].as_str(), expected);
        }
    }
}
