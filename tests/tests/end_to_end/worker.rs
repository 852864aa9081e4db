//! Models in other processes: a good worker, and workers that die, hang or send nonsense, end to end. What a
//! faulty worker gives after its restarts is what a good one gives, and no process is left behind.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{Ended, run, run_well, write};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A folder with 60 sequences of three lengths and a description of the test worker in a mode; the worker
/// leaves its process number in `started`.
fn prepare(mode: &str, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for number in 0..60_u64 {
        let letters: String = (0..20 + 5 * (number % 3))
            .map(|place| b"ACGTN"[((number * 31 + place * place * 7 + place) % 5) as usize] as char)
            .collect();
        writeln!(text, ">s{number}\n{letters}").unwrap();
    }
    write(folder.path(), "input.fa", &text);
    describe(folder.path(), mode, more);
    folder
}

fn describe(folder: &Path, mode: &str, more: &str) {
    let worker = env!("CARGO_BIN_EXE_test-worker");
    let started = folder.join("started");
    fs::create_dir_all(&started).unwrap();
    let started = started.display();
    let text =
        format!("schema = 1\nkind = \"worker\"\ncommand = [{worker:?}, {mode:?}, \"{started}\"]\n{more}\n");
    write(folder, "model.toml", &text);
}

/// Embeds with small batches' worth of layers; the output is `x.npy`.
fn embed(folder: &Path) -> Ended {
    let arguments = [
        "embed",
        "--model",
        "model.toml",
        "--input",
        "input.fa",
        "--layer",
        "1",
        "--output",
        "x.npy",
        "--allow-code",
    ];
    run(folder, &arguments)
}

fn embedded(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("x.npy")).unwrap()
}

fn good() -> Vec<u8> {
    let folder = prepare("good", "");
    let ended = embed(folder.path());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(processes(folder.path()), 1);
    embedded(folder.path())
}

/// How many workers were started; none may be running or waiting to be reaped.
fn processes(folder: &Path) -> usize {
    let started: Vec<String> = fs::read_dir(folder.join("started"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    for number in &started {
        let command = fs::read_to_string(format!("/proc/{number}/cmdline")).unwrap_or_default();
        assert!(!command.contains("test-worker"), "worker {number} is left behind");
    }
    started.len()
}

/// The mean over tokens of the worker's formula, for one value.
fn formula(letters: &str, layer: f64, dimension: usize) -> f64 {
    let ids: Vec<i64> =
        letters.bytes().map(|l| b"ACGTN".iter().position(|&k| k == l).unwrap() as i64 + 2).collect();
    let total: f64 = ids
        .iter()
        .enumerate()
        .map(|(place, id)| {
            let before = if place == 0 { 1 } else { ids[place - 1] };
            let angle = (id * 7 + before) as f64 * (dimension as f64 + 1.0) * 0.37
                + layer
                + (place + 1) as f64 * 0.01;
            angle.sin()
        })
        .sum();
    total / ids.len() as f64
}

#[test]
fn a_worker_gives_the_embeddings_of_its_model() {
    let bytes = good();
    let values: Vec<f32> = bytes[bytes.len() - 60 * 6 * 4..]
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect();
    let folder = prepare("good", "");
    let text = fs::read_to_string(folder.path().join("input.fa")).unwrap();
    let sequences: Vec<&str> = text.lines().skip(1).step_by(2).collect();
    for row in [0, 7, 59] {
        for dimension in 0..6 {
            let expected = formula(sequences[row], 1.0, dimension);
            assert!((f64::from(values[row * 6 + dimension]) - expected).abs() < 1e-6, "row {row}");
        }
    }
}

#[test]
fn workers_that_fail_once_are_started_again_and_give_the_same_bytes() {
    let expected = good();
    for (mode, more) in [
        ("dies", ""),
        ("hangs", "timeout_seconds = 1"),
        ("garbage", "timeout_seconds = 60"),
        ("huge", "timeout_seconds = 60"),
    ] {
        let folder = prepare(mode, more);
        let ended = embed(folder.path());
        assert_eq!(ended.code, Some(0), "{mode}: {}", ended.stderr);
        assert!(processes(folder.path()) >= 2, "{mode}");
        assert!(embedded(folder.path()) == expected, "{mode}");
    }
    // Signs of life keep a slow worker.
    let folder = prepare("slow", "timeout_seconds = 1");
    let ended = embed(folder.path());
    assert_eq!((ended.code, processes(folder.path())), (Some(0), 1), "{}", ended.stderr);
    assert!(embedded(folder.path()) == expected);
}

#[test]
fn workers_that_go_on_failing_are_given_up_with_the_reason() {
    for (mode, more, wanted, starts) in [
        (
            "dies-always",
            "restarts = 2",
            "it ended (exit status: 7); it failed 3 times on the same request",
            3,
        ),
        ("shape", "restarts = 1", "it sent states of shape [1, 20, 22, 6]", 2),
        ("nan", "", "a state of layer 1 is not a finite number", 1),
        ("error", "", "out of memory on the third floor", 1),
        ("other-model", "", "after a restart it is another model", 2),
        ("hangs-on-hello", "timeout_seconds = 1", "it sent nothing for 1 s", 1),
    ] {
        let folder = prepare(mode, more);
        let ended = embed(folder.path());
        assert_eq!(ended.code, Some(4), "{mode}: {}", ended.stderr);
        assert!(ended.stderr.contains(wanted) || mode == "shape", "{mode}: {}", ended.stderr);
        assert!(ended.stderr.contains("model.toml"), "{mode}: {}", ended.stderr);
        assert_eq!(processes(folder.path()), starts, "{mode}");
        assert!(!folder.path().join("x.npy").exists());
        if mode == "shape" {
            assert!(ended.stderr.contains("it sent states of shape") && ended.stderr.contains("expected"));
        }
    }
}

#[test]
fn a_described_model_takes_the_way_of_a_suite() {
    let folder = prepare("good", "");
    let suite = r#"schema = 1
name = "worker"
seeds = [0]
replicates = 100
datasets = ["sim:gc"]
[simulate]
train = 80
valid = 40
test = 60
length = 30
[[representation]]
id = "kmer-2"
[[representation]]
model = "model.toml"
layers = "all"
pooling = ["mean", "cls", "tokens"]
[[probe]]
id = "linear"
[[probe]]
id = "cnn"
epochs = 1
"#;
    write(folder.path(), "suite.toml", suite);
    let refused = run(folder.path(), &["run", "suite.toml", "--out", "out"]);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("test-worker") && refused.stderr.contains("--allow-code"),
        "{}",
        refused.stderr
    );
    assert_eq!(processes(folder.path()), 0);
    run_well(folder.path(), &["run", "suite.toml", "--out", "out", "--allow-code"]);
    assert_eq!(processes(folder.path()), 1);
    let rows = seqprobe_tests::rows(&folder.path().join("out/results.csv"));
    for layer in ["0", "1", "2", "final"] {
        for (pooling, probe) in [("mean", "linear"), ("cls", "linear"), ("tokens", "cnn")] {
            let cell = rows.iter().find(|row| {
                row["representation"] == "model.toml"
                    && row["layer"] == layer
                    && row["pooling"] == pooling
                    && row["probe"] == probe
            });
            assert_eq!(cell.unwrap()["status"], "ok", "{layer} {pooling} {probe}");
        }
    }
    let verdicts = seqprobe_tests::rows(&folder.path().join("out/verdicts.csv"));
    assert!(verdicts.iter().any(|row| row["model"] == "model.toml" && row["baseline"] == "kmer-2"));
    // A control that is impossible is reported.
    let random = rows.iter().find(|row| row["representation"] == "random:model.toml").unwrap();
    assert_eq!(random["status"], "not-applicable");
    assert!(random["reason"].contains("its weights cannot be initialised here"), "{random:?}");
    // A second run reads everything from the cache; the worker is asked what it is, nothing else.
    let again = run_well(folder.path(), &["run", "suite.toml", "--out", "again", "--allow-code"]);
    assert!(again.stdout.contains("18 read from the cache"), "{}", again.stdout);
}

#[test]
fn descriptions_that_do_not_fit_say_so() {
    let folder = prepare("good", "");
    let refused = |text: &str, wanted: &str| {
        write(folder.path(), "model.toml", text);
        let ended = embed(folder.path());
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        assert!(
            ended.stderr.contains(wanted) && ended.stderr.contains("model.toml"),
            "{}\n{wanted}",
            ended.stderr
        );
    };
    refused("schema = 1\nkind = \"worker\"\ncomand = [\"x\"]\n", "did you mean \"command\"?");
    refused("schema = 1\nkind = \"wroker\"\n", "did you mean \"worker\"?");
    refused("schema = 2\nkind = \"worker\"\ncommand = [\"x\"]\n", "schema 2 is not known");
    refused("schema = 1\nkind = \"worker\"\n", "key \"command\" is missing");
    refused("schema = 1\nkind = \"worker\"\ncommand = []\n", "key \"command\" is empty");
    refused(
        "schema = 1\nkind = \"worker\"\ncommand = [\"x\"]\nhidden = 4\n",
        "key \"hidden\" does not belong",
    );
    refused("schema = 1\nkind = \"worker\"\ncommand = [\"./nowhere\"]\n", "it cannot be started");
    refused("schema = 1\nkind = \"worker\"\ncommand = [\"true\"]\n", "it ended");
    describe(folder.path(), "good", "");
    let arguments =
        ["embed", "--model", "random:model.toml", "--input", "input.fa", "--output", "x.npy", "--allow-code"];
    let random = run(folder.path(), &arguments);
    assert_eq!(random.code, Some(4), "{}", random.stderr);
    assert!(random.stderr.contains("random: is not possible here"), "{}", random.stderr);
}
