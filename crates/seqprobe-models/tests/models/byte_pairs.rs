//! Byte pairs: what the files decide, and what a user reads when they do not fit. That tokens are those of the
//! reference is in `parity.rs`.

use crate::common::{PRETRAINED, dna, load_error, random};
use seqprobe_core::DnaSequence;
use seqprobe_models::config_file::ConfigFile;
use seqprobe_models::{BytePairTokenizer, ModelError, TOKENIZERS, Tokenizer, Tokens, open_model};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn fixture(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(case)
}

/// A copy of a parity fixture.
fn copy(case: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for entry in std::fs::read_dir(fixture(case)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn read_json(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("tokenizer.json")).unwrap()).unwrap()
}

fn write_json(folder: &Path, value: &Value) {
    std::fs::write(folder.join("tokenizer.json"), value.to_string()).unwrap();
}

fn edit_json(folder: &Path, edit: impl FnOnce(&mut Value)) {
    let mut value = read_json(folder);
    edit(&mut value);
    write_json(folder, &value);
}

fn read_error(folder: &Path) -> String {
    let error: ModelError = BytePairTokenizer::read(folder).err().expect("reading should fail");
    error.to_string().replace(&folder.display().to_string(), "<folder>")
}

/// The tokens' texts, by the vocabulary.
fn texts(folder: &Path, tokens: &Tokens) -> Vec<String> {
    let vocabulary = read_json(folder);
    let vocabulary = vocabulary["model"]["vocab"].as_object().unwrap();
    let text = |id: &i64| vocabulary.iter().find(|(_, known)| known.as_i64() == Some(*id)).unwrap().0.clone();
    tokens.ids.iter().map(text).collect()
}

#[test]
fn letters_are_kept_in_order_and_added_tokens_are_marked() {
    let folder = fixture("dnabert2/twelve-heads");
    let tokenizer = BytePairTokenizer::read(&folder).unwrap();
    assert_eq!((tokenizer.pad_id(), tokenizer.largest_id(), tokenizer.adds_no_cls()), (3, 119, false));
    let sequence = dna("ACGTTGCAGGCATNACGT");
    let tokens = tokenizer.tokenize(&sequence).unwrap();
    let parts = texts(&folder, &tokens);
    let (first, last) = (0, parts.len() - 1);
    assert_eq!((parts[first].as_str(), parts[last].as_str()), ("[CLS]", "[SEP]"));
    assert_eq!(parts[1..last].concat(), "ACGTTGCAGGCAT[UNK]ACGT");
    assert!(parts.len() < 18, "some bases are merged: {parts:?}");
    let marked: Vec<usize> = (0..parts.len()).filter(|&place| tokens.special[place]).collect();
    assert_eq!(marked, [first, last]);
}

#[test]
fn a_stretch_of_n_is_what_the_normaliser_makes_of_it() {
    let folder = fixture("gena/usual");
    let tokenizer = BytePairTokenizer::read(&folder).unwrap();
    let tokens = tokenizer.tokenize(&dna(&format!("A{}A{}A", "N".repeat(10), "N".repeat(3)))).unwrap();
    assert_eq!(texts(&folder, &tokens), ["[CLS]", "A", "-", "A", "N", "N", "N", "A", "[SEP]"]);
    assert_eq!(tokens.special, [true, false, false, false, false, false, false, false, true]);
}

#[test]
fn a_tokenizer_without_cls_says_so_through_the_encoder() {
    let has_cls = |case: &str| {
        let model = open_model(&fixture(case), PRETRAINED).unwrap();
        (model.encoder.spec().family, model.encoder.spec().has_cls)
    };
    assert_eq!(has_cls("bert/grover"), ("bert", false));
    assert_eq!(has_cls("bert/k3"), ("bert", true));
    assert_eq!(has_cls("gena/usual"), ("gena", true));
    assert_eq!(has_cls("rnabert/alone"), ("rnabert", false));
}

#[test]
fn truncation_and_padding_of_the_file_are_switched_off() {
    let folder = fixture("modernbert/usual");
    assert_eq!(read_json(&folder)["truncation"]["max_length"], 16);
    assert_eq!(read_json(&folder)["padding"]["strategy"]["Fixed"], 512);
    let tokenizer = BytePairTokenizer::read(&folder).unwrap();
    assert_eq!(tokenizer.tokenize(&dna("A")).unwrap().ids.len(), 3);
    let long = tokenizer.tokenize(&dna(&"ACGTTGCA".repeat(1000))).unwrap();
    assert_eq!(texts(&folder, &long)[1..long.ids.len() - 1].concat(), "ACGTTGCA".repeat(1000));
}

#[test]
fn t_meets_u_in_a_vocabulary_of_rna() {
    let folder = copy("gena/usual");
    let text = std::fs::read_to_string(folder.path().join("tokenizer.json")).unwrap();
    let before = BytePairTokenizer::read(folder.path()).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    let rna = |word: &str| if word.starts_with('[') { word.to_owned() } else { word.replace('T', "U") };
    let vocabulary = value["model"]["vocab"].as_object().unwrap();
    value["model"]["vocab"] = vocabulary.iter().map(|(word, id)| (rna(word), id.clone())).collect();
    let merges = value["model"]["merges"].as_array().unwrap();
    let merge = |merge: &Value| -> Value {
        merge.as_array().unwrap().iter().map(|word| rna(word.as_str().unwrap())).collect()
    };
    value["model"]["merges"] = merges.iter().map(merge).collect();
    write_json(folder.path(), &value);
    let after = BytePairTokenizer::read(folder.path()).unwrap();
    let sequence = dna("ACGTTGCAGGCATNACGTTT");
    assert_eq!(after.tokenize(&sequence).unwrap(), before.tokenize(&sequence).unwrap());
    assert_ne!(after.digest(), before.digest());
}

#[test]
fn the_digest_covers_every_file_that_is_read() {
    let folder = copy("bert/grover");
    let digest = || BytePairTokenizer::read(folder.path()).unwrap().digest();
    let first = digest();
    assert_eq!(digest(), first);
    for name in ["tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"] {
        let path = folder.path().join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text} ")).unwrap();
        assert_ne!(digest(), first, "{name}");
        std::fs::write(&path, text).unwrap();
        assert_eq!(digest(), first, "{name}");
    }
}

#[test]
fn the_kind_is_in_the_registry() {
    let kind = TOKENIZERS.iter().find(|kind| kind.id == "byte-pair").unwrap();
    let folder = fixture("gena/usual");
    let tokenizer = (kind.read)(&folder, &ConfigFile::read(&folder).unwrap()).unwrap();
    assert_eq!(tokenizer.tokenize(&dna("A")).unwrap().ids, [1, 6, 2]);
}

#[test]
fn a_sequence_without_a_token_is_an_error() {
    let folder = fixture("bert/grover");
    let tokenizer = BytePairTokenizer::read(&folder).unwrap();
    assert_eq!(tokenizer.tokenize(&dna("NAN")).unwrap().ids.len(), 1);
    let error = tokenizer.tokenize(&dna("NNN")).unwrap_err().to_string();
    insta::assert_snapshot!(error.replace(&folder.display().to_string(), "<folder>"), @r"
    <folder>/tokenizer.json: a sequence of 3 bases has no token
      hint: the vocabulary contains none of its bases; leave out such sequences
    ");
}

#[test]
fn a_slow_tokenizer_alone_is_an_error_with_a_way_out() {
    let folder = copy("gena/usual");
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    insta::assert_snapshot!(load_error(folder.path(), random(1)), @r"
    <folder>: no tokenizer.json
      hint: copy the tokenizer files of the checkpoint into the folder
    ");
    std::fs::write(folder.path().join("vocab.json"), "{}").unwrap();
    std::fs::write(folder.path().join("merges.txt"), "").unwrap();
    insta::assert_snapshot!(load_error(folder.path(), random(1)), @r#"
    <folder>: no tokenizer.json, found vocab.json, merges.txt
      hint: write it once, inside the folder: python -c "from transformers import AutoTokenizer; AutoTokenizer.from_pretrained('.', use_fast=True).save_pretrained('.')"
    "#);
}

#[test]
fn files_that_do_not_fit_are_errors() {
    let error = |edit: fn(&mut Value)| {
        let folder = copy("dnabert2/twelve-heads");
        edit_json(folder.path(), edit);
        read_error(folder.path())
    };
    insta::assert_snapshot!(error(|value| *value = json!([])), @r#"<folder>/tokenizer.json: key "model" is missing"#);
    insta::assert_snapshot!(error(|value| value["model"]["type"] = json!("WordPiece")), @r#"
    <folder>/tokenizer.json: key "model.type" is "WordPiece", expected "BPE"
      hint: the family needs the byte-pair tokenizer that was published with the weights
    "#);
    insta::assert_snapshot!(error(|value| value["model"]["dropout"] = json!(0.1)), @r#"<folder>/tokenizer.json: key "model.dropout" is 0.1, expected none: tokens would be random"#);
    insta::assert_snapshot!(error(|value| value["model"]["continuing_subword_prefix"] = json!("##")), @r###"<folder>/tokenizer.json: key "model.continuing_subword_prefix" is "##", expected none"###);
    insta::assert_snapshot!(error(|value| value["model"]["vocab"]["A"] = json!(-1)), @r#"<folder>/tokenizer.json: token "A" has the id -1, expected a whole number below 2^31"#);
    let no_such_token = error(|value| value["model"]["merges"] = json!([["A", "Z"]]));
    assert!(
        no_such_token.starts_with("<folder>/tokenizer.json: not a tokenizer: Token `Z` out of vocabulary"),
        "{no_such_token}"
    );
    // Found by fuzzing: the library panics if a merge makes more characters than any token has.
    let longest = |value: &Value| {
        let tokens = value["model"]["vocab"].as_object().unwrap();
        tokens.keys().max_by_key(|token| token.len()).unwrap().clone()
    };
    for merges in [|token: &str| json!([[token, token]]), |token: &str| json!([format!("{token} {token}")])] {
        let folder = copy("dnabert2/twelve-heads");
        edit_json(folder.path(), |value| value["model"]["merges"] = merges(&longest(value)));
        let made = read_error(folder.path());
        let (start, end) =
            ("<folder>/tokenizer.json: key \"model.merges\" makes \"", "which is not in the vocabulary");
        assert!(made.starts_with(start) && made.ends_with(end), "{made}");
    }
    insta::assert_snapshot!(error(|value| value["post_processor"]["special_tokens"] = json!({})), @r#"<folder>/tokenizer.json: key "post_processor" adds "[CLS]", which is not among its special_tokens"#);
    let folder = copy("dnabert2/twelve-heads");
    std::fs::write(folder.path().join("tokenizer_config.json"), r#"{"pad_token": "<pad>"}"#).unwrap();
    insta::assert_snapshot!(read_error(folder.path()), @r#"
    <folder>/tokenizer.json: the pad_token "<pad>" is not in the vocabulary
      hint: tokenizer_config.json can name another pad_token
    "#);
    std::fs::write(folder.path().join("tokenizer_config.json"), "{").unwrap();
    insta::assert_snapshot!(read_error(folder.path()), @"<folder>/tokenizer_config.json: not JSON: EOF while parsing an object at line 1 column 1");
    let file = std::fs::File::create(folder.path().join("tokenizer.json")).unwrap();
    file.set_len(1 << 30).unwrap();
    insta::assert_snapshot!(read_error(folder.path()), @"<folder>/tokenizer.json: the file has 1073741824 bytes, expected a tokenizer of at most 67108864");
}

/// Paths of the values of a JSON text; of long tables and lists the first few.
fn pointers(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::Object(keys) => {
            keys.iter().take(8).for_each(|(key, value)| pointers(value, format!("{path}/{key}"), found));
        }
        Value::Array(values) => {
            let values = values.iter().take(3).enumerate();
            values.for_each(|(place, value)| pointers(value, format!("{path}/{place}"), found));
        }
        _ => {}
    }
    found.push(path);
}

#[test]
fn no_damaged_file_brings_the_program_down() {
    let sequence: DnaSequence = dna(&format!("ACGTTGCA{}GATTACA", "N".repeat(12)));
    let replacements = [json!(null), json!(-1), json!(4_000_000_000_u32), json!("B"), json!([]), json!({})];
    let (mut refused, mut read) = (0, 0);
    for case in ["dnabert2/twelve-heads", "modernbert/usual"] {
        let folder = copy(case);
        let mut try_file = |bytes: &[u8]| {
            std::fs::write(folder.path().join("tokenizer.json"), bytes).unwrap();
            match BytePairTokenizer::read(folder.path()).and_then(|found| found.tokenize(&sequence)) {
                Ok(tokens) => {
                    assert_eq!(tokens.ids.len(), tokens.special.len());
                    read += 1;
                }
                Err(error) => {
                    assert!(matches!(error, ModelError::Tokenizer { .. }), "{error}");
                    refused += 1;
                }
            }
        };
        let whole = read_json(&fixture(case));
        let mut paths = Vec::new();
        pointers(&whole, String::new(), &mut paths);
        for path in &paths {
            for replacement in &replacements {
                let mut damaged = whole.clone();
                *damaged.pointer_mut(path).unwrap() = replacement.clone();
                try_file(damaged.to_string().as_bytes());
            }
        }
        let text = whole.to_string();
        for end in (0..text.len()).step_by(397) {
            try_file(&text.as_bytes()[..end]);
        }
    }
    assert!(refused > 200 && read > 50, "{refused} refused, {read} read");
}
