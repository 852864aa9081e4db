//! Bad input ends in one clear error that names file, line or tensor, with the exit code of its cause, and
//! with nothing written.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{SMALL_SUITE, rows, run, small_suite, write};
use std::path::Path;

/// Runs `run suite.toml --out out` after a change and demands code and words; nothing may be written.
fn check_suite(change: impl Fn(&Path), code: i32, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    change(folder.path());
    let ended = run(folder.path(), &["run", "suite.toml", "--out", "out"]);
    assert_eq!(ended.code, Some(code), "{words:?}\n{}\n{}", ended.stdout, ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word:?} is missing in:\n{}", ended.stderr);
    }
    assert!(!folder.path().join("out").exists(), "something was written");
}

fn replace(from: &'static str, to: &'static str) -> impl Fn(&Path) {
    move |folder| {
        assert!(SMALL_SUITE.contains(from));
        write(folder, "suite.toml", &SMALL_SUITE.replace(from, to));
    }
}

#[test]
fn suites_that_do_not_fit() {
    check_suite(
        replace("replicates = 200", "replicate = 200"),
        2,
        &["suite.toml:4: ", "did you mean \"replicates\""],
    );
    check_suite(
        replace("id = \"kmer-2\"", "id = \"kmer2\""),
        2,
        &["representation 2", "kmer2", "did you mean \"kmer-2\""],
    );
    check_suite(replace("id = \"kmer-2\"", "id = \"onehot\""), 2, &["a second time"]);
    check_suite(replace("id = \"cnn\"", "id = \"cn\""), 2, &["probe 2", "did you mean \"cnn\""]);
    check_suite(replace("\"cls\"", "\"clss\""), 2, &["clss", "mean-all"]);
    check_suite(replace("sim:null", "sim:nul"), 2, &["nul", "did you mean \"sim:null\""]);
    check_suite(replace("\"sim:null\"", "\"no-such-card\""), 2, &["no-such-card"]);
    check_suite(replace("\"sim:null\"", "\"sim:motif-fixed\""), 2, &["twice"]);
    check_suite(replace("seeds = [0, 1]", "seeds = []"), 2, &["seeds"]);
    check_suite(replace("schema = 1", "schema = 9"), 2, &["schema 9", "expected 1"]);
    check_suite(replace("layers = [0, \"final\"]", "layers = [9]"), 4, &["layer 9", "0 to 4"]);
    check_suite(replace("datasets = [\"sim:motif-fixed\", \"sim:null\"]", "datasets = []"), 5, &["datasets"]);
    check_suite(replace("random:model", "hf:no-owner/no-name"), 4, &["--allow-download", "no-owner/no-name"]);
    check_suite(replace("random:model", "random:hf:../name"), 4, &["owner \"..\"", "hf:owner/name"]);
    let folder = tempfile::tempdir().unwrap();
    let missing = run(folder.path(), &["run", "nowhere.toml"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("nowhere.toml"), "{}", missing.stderr);
}

#[test]
fn models_that_do_not_load() {
    let with = |file: &'static str, text: &'static str| move |folder: &Path| drop(write(folder, file, text));
    check_suite(with("model/config.json", "{"), 4, &["config.json"]);
    check_suite(
        with("model/config.json", "{\"model_type\": \"ConvNett\"}"),
        4,
        &["config.json", "ConvNett", "did you mean"],
    );
    check_suite(
        with("model/config.json", "{\"model_type\": \"ConvNet\", \"vocab_size\": 7}"),
        4,
        &["config.json", "hidden_size"],
    );
    check_suite(|folder| std::fs::remove_file(folder.join("model/vocab.txt")).unwrap(), 4, &["vocab.txt"]);
    check_suite(replace("random:model", "model"), 4, &["model.safetensors"]);
    check_suite(
        |folder| {
            write(folder, "suite.toml", &SMALL_SUITE.replace("random:model", "model"));
            write(folder, "model/model.safetensors", "not a checkpoint");
        },
        4,
        &["model.safetensors"],
    );
}

/// Runs `probe` on a file and demands code and words.
fn check_file(name: &str, text: &str, arguments: &[&str], code: i32, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), name, text);
    let mut all = vec!["probe", name, "--out", "out", "--probes", "linear"];
    all.extend(arguments);
    let ended = run(folder.path(), &all);
    assert_eq!(ended.code, Some(code), "{words:?}\n{}\n{}", ended.stdout, ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word:?} is missing in:\n{}", ended.stderr);
    }
    if code != 11 {
        assert!(!folder.path().join("out").exists(), "something was written");
    }
}

/// A CSV of 60 rows, one of them replaced.
fn table(bad: &str) -> String {
    let mut lines: Vec<String> = (0..60)
        .map(|n| format!("{}{},{}", "ACGT".repeat(3 + n % 2), ["A", "C", "GG", "TT"][n % 4], n % 2))
        .collect();
    lines[6] = bad.to_owned();
    format!("sequence,label\n{}\n", lines.join("\n"))
}

#[test]
fn data_that_do_not_fit() {
    let label = ["--target", "label"];
    check_file(
        "a.csv",
        &table("ACGT,0"),
        &["--target", "lable"],
        3,
        &["a.csv", "lable", "did you mean \"label\""],
    );
    check_file(
        "b.csv",
        &table("ACXT,0"),
        &["--target", "label", "--sequence", "sequence"],
        3,
        &["b.csv", "8", "'X'", "position 3"],
    );
    check_file("c.csv", &table(",0"), &label, 3, &["c.csv", "8", "empty sequence"]);
    check_file("d.csv", &table("ACGT"), &label, 3, &["d.csv", "8"]);
    check_file("e.csv", "sequence,label\nACGT,1\nACGA,1\nACGC,1\n", &label, 3, &["e.csv"]);
    check_file("f.csv", "", &label, 3, &["f.csv"]);
    check_file("g.csv", &table("ACGT,inf"), &label, 3, &["g.csv", "8", "inf"]);
    check_file("i.csv", &table("ACGT,0"), &["--target", "label", "--metric", "aurocc"], 2, &["aurocc"]);
    check_file("j.csv", &table("ACGT,0"), &["--target", "label", "--model", "nowhere"], 4, &["nowhere"]);
    let folder = tempfile::tempdir().unwrap();
    let absent = run(folder.path(), &["probe", "absent.csv", "--target", "label"]);
    assert_eq!(absent.code, Some(3), "{}", absent.stderr);
    assert!(absent.stderr.contains("absent.csv"), "{}", absent.stderr);
}

#[test]
fn n_and_ambiguity_codes_are_counted_and_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "n.csv", &table("ACGTNNRYACGTA,0"));
    let ended =
        run(folder.path(), &["probe", "n.csv", "--target", "label", "--probes", "linear", "--out", "out"]);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("4 bases are N or another ambiguity code"), "{}", ended.stdout);
}

#[test]
fn sequences_longer_than_the_model_are_an_error_unless_cut() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "bert/config.json",
        r#"{"model_type": "bert", "vocab_size": 21, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 32, "max_position_embeddings": 16, "type_vocab_size": 2, "layer_norm_eps": 1e-12}"#,
    );
    let letters = ["A", "T", "C", "G"];
    let words: Vec<String> =
        letters.iter().flat_map(|a| letters.iter().map(move |b| format!("{a}{b}"))).collect();
    write(
        folder.path(),
        "bert/vocab.txt",
        &format!("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n{}\n", words.join("\n")),
    );
    let lines: Vec<String> = (0..60)
        .map(|n| format!("{}{},{}", "ACGT".repeat(4 + n % 3), ["A", "C", "GG", "TT"][n % 4], n % 2))
        .collect();
    write(folder.path(), "x.csv", &format!("sequence,label\n{}\n", lines.join("\n")));
    let arguments = [
        "probe",
        "x.csv",
        "--target",
        "label",
        "--probes",
        "linear",
        "--model",
        "random:bert",
        "--out",
        "out",
    ];
    let failed = run(folder.path(), &arguments);
    assert_eq!(failed.code, Some(11), "{}\n{}", failed.stdout, failed.stderr);
    assert!(
        failed.stderr.contains("more tokens than the 16 the model takes")
            && failed.stderr.contains("truncate"),
        "{}",
        failed.stderr
    );
    let failed_rows = rows(&folder.path().join("out/results.csv"));
    let row = failed_rows.iter().find(|row| row["representation"] == "random:bert").unwrap();
    assert_eq!((row["status"].as_str(), row["point"].as_str()), ("failed", ""));
    let mut cut = arguments.to_vec();
    cut.extend(["--keep", "left"]);
    let ended = run(folder.path(), &cut);
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    assert!(
        ended.stdout.contains("were cut") || ended.stderr.contains("were cut"),
        "{}\n{}",
        ended.stdout,
        ended.stderr
    );
}

#[test]
fn results_that_cannot_be_written_say_so() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    write(folder.path(), "taken", "a file");
    let ended = run(folder.path(), &["run", "suite.toml", "--out", "taken"]);
    assert_eq!(ended.code, Some(1), "{}\n{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("taken"), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(folder.path().join("taken")).unwrap(), "a file");
}

#[test]
fn usage_errors_have_code_two() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        vec!["no-such-command"],
        vec!["run"],
        vec!["list", "planets"],
        vec!["run", "x.toml", "--threads", "many"],
    ] {
        assert_eq!(run(folder.path(), &arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn ids_that_occur_twice_are_noted_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    write(folder.path(), "twice.fa", ">a\nACGT\n>b\nACGA\n>a\nACGC\n");
    let arguments = ["embed", "--model", "random:model", "--input", "twice.fa", "--output", "x.npy"];
    let ended = run(folder.path(), &arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let note = "the ids are row numbers from 0: the record names have \"a\" at lines 1 and 5";
    assert!(ended.stderr.contains(note), "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(folder.path().join("x.ids.txt")).unwrap(), "0\n1\n2\n");
    let mut stated = arguments.to_vec();
    *stated.last_mut().unwrap() = "y.npy";
    stated.extend(["--id", "header"]);
    let ended = run(folder.path(), &stated);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("twice.fa") && ended.stderr.contains("\"a\""), "{}", ended.stderr);
    assert!(!folder.path().join("y.npy").exists());
}
