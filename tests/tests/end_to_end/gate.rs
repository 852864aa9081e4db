//! The regression gate, end to end: a planted regression closes it, unchanged code under other seeds leaves
//! it open, and what does not fit together is a clear error.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{accept_new_digest, command, run, run_well, write};
use std::fs;
use std::path::Path;

fn suite(seeds: &str) -> String {
    format!(
        r#"schema = 1
name = "gate"
seeds = {seeds}
replicates = 200
controls = ["constant"]
datasets = ["task/sim-motif-fixed.toml"]
[[representation]]
id = "onehot"
[[representation]]
id = "kmer-2"
[[probe]]
id = "linear"
[[probe]]
id = "cnn"
epochs = 2
"#
    )
}

/// A simulated task as files, a suite on it, its run in `a`, and that run accepted.
fn accepted() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let task = ["data", "simulate", "motif-fixed", "--output", "task", "--length", "40"];
    let sizes = ["--train", "300", "--valid", "100", "--test", "200"];
    run_well(folder.path(), &[task.as_slice(), &sizes].concat());
    write(folder.path(), "suite.toml", &suite("[0, 1]"));
    run_well(folder.path(), &["run", "suite.toml", "--out", "a"]);
    let arguments = ["accept", "a", "--baseline", "base/gate.toml", "--reason", "the first"];
    fs::create_dir(folder.path().join("base")).unwrap();
    let said = run_well(folder.path(), &arguments).stdout;
    assert!(said.contains("accepted 4 cells, 4 changed"), "{said}");
    folder
}

/// Gives every training example the label of the next one, and the card the digest of the new file.
fn shift_training_labels(folder: &Path) {
    let path = folder.join("task/train.csv");
    let text = fs::read_to_string(&path).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<Vec<&str>> = rows.lines().map(|row| row.split(',').collect()).collect();
    let shifted = rows.iter().enumerate().map(|(number, row)| {
        let label = rows[(number + 1) % rows.len()][2];
        format!("{},{},{label},{}\n", row[0], row[1], row[3])
    });
    fs::write(&path, format!("{header}\n{}", shifted.collect::<String>())).unwrap();
    accept_new_digest(folder, "task/sim-motif-fixed.toml");
}

#[test]
fn a_planted_regression_closes_the_gate() {
    let folder = accepted();
    let check = |run_folder: &str, more: &[&str]| {
        let base = ["check", run_folder, "--baseline", "base/gate.toml"];
        run(folder.path(), &[base.as_slice(), more].concat())
    };
    let same = check("a", &["--exact"]);
    assert_eq!(same.code, Some(0), "{}", same.stderr);
    assert!(check("a", &[]).stderr.contains("gate open: 0 regressed, 0 improved, 4 unchanged"));

    shift_training_labels(folder.path());
    run_well(folder.path(), &["run", "suite.toml", "--out", "b"]);
    let worse = check("b", &["--junit", "gate.xml", "--json", "gate.json"]);
    assert_eq!(worse.code, Some(10), "{}", worse.stderr);
    assert!(
        worse.stderr.contains("regressed") && worse.stderr.contains("paired by example"),
        "{}",
        worse.stderr
    );
    assert!(worse.stderr.contains("sim-motif-fixed/onehot/-/-/flatten/linear/1"), "{}", worse.stderr);
    let junit = fs::read_to_string(folder.path().join("gate.xml")).unwrap();
    assert!(junit.contains("tests=\"4\"") && junit.contains("<failure"), "{junit}");
    let json: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("gate.json")).unwrap()).unwrap();
    let cells = json["cells"].as_array().unwrap();
    let linear =
        cells.iter().find(|cell| cell["cell"].as_str().unwrap().contains("onehot/-/-/flatten")).unwrap();
    assert_eq!(linear["outcome"], "regressed");
    assert!(linear["delta"]["upper"].as_f64().unwrap() < 0.0);
    let kmer = cells.iter().find(|cell| cell["cell"].as_str().unwrap().contains("kmer-2")).unwrap();
    assert_eq!(kmer["outcome"], "unchanged", "chance stays chance");

    let output = command(folder.path(), &["check", "b", "--baseline", "base/gate.toml"])
        .env("GITHUB_ACTIONS", "true")
        .output()
        .unwrap();
    let annotations = String::from_utf8(output.stdout).unwrap();
    assert!(
        annotations.starts_with("::error title=seqprobe%3A regressed::sim-motif-fixed/"),
        "{annotations}"
    );

    let compared = run_well(folder.path(), &["compare", "a", "b"]).stdout;
    assert!(compared.contains("differs: dataset sim-motif-fixed"), "{compared}");
    let compared = run_well(folder.path(), &["compare", "a", "b", "--format", "json"]).stdout;
    let compared: serde_json::Value = serde_json::from_str(&compared).unwrap();
    assert_eq!(compared["cells"].as_array().unwrap().len(), 4);

    // Without the predictions the test is weaker, and says so.
    fs::remove_file(folder.path().join("base/gate.predictions.parquet")).unwrap();
    assert!(check("b", &[]).stderr.contains("UNPAIRED"));
    // Accepting is the only way the baseline changes.
    let before = fs::read_to_string(folder.path().join("base/gate.toml")).unwrap();
    let accept = ["accept", "b", "--baseline", "base/gate.toml", "--reason", "labels were shifted"];
    let said = run_well(folder.path(), &accept).stdout;
    assert!(said.contains("changed: sim-motif-fixed/onehot/-/-/flatten/linear/1"), "{said}");
    let after = fs::read_to_string(folder.path().join("base/gate.toml")).unwrap();
    assert_eq!(before.lines().count(), after.lines().count());
    assert!(after.contains("reason = \"labels were shifted\""));
    assert_eq!(check("b", &[]).code, Some(0));
}

#[test]
fn unchanged_code_under_other_seeds_leaves_the_gate_open() {
    let folder = accepted();
    for seed in 0..20 {
        write(folder.path(), "suite.toml", &suite(&format!("[{}, {}]", 100 + 2 * seed, 101 + 2 * seed)));
        run_well(folder.path(), &["run", "suite.toml", "--out", "other"]);
        let ended = run(folder.path(), &["check", "other", "--baseline", "base/gate.toml"]);
        assert_eq!(ended.code, Some(0), "seed {seed}: {}", ended.stderr);
    }
}

#[test]
fn what_does_not_fit_together_is_refused_and_nothing_is_overwritten() {
    let folder = accepted();
    let baseline = folder.path().join("base/gate.toml");
    let text = fs::read_to_string(&baseline).unwrap();
    let refused = |arguments: &[&str], code: i32, word: &str| {
        let ended = run(folder.path(), arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(word), "{arguments:?}: {}", ended.stderr);
    };
    let check = ["check", "a", "--baseline", "base/gate.toml"];

    write(folder.path(), "other.toml", &suite("[0]").replace("\"gate\"", "\"other\""));
    run_well(folder.path(), &["run", "other.toml", "--out", "other"]);
    refused(&["check", "other", "--baseline", "base/gate.toml"], 3, "the baseline of suite \"gate\"");
    refused(
        &["accept", "other", "--baseline", "base/gate.toml", "--reason", "x"],
        3,
        "the baseline of suite",
    );
    refused(&["accept", "a", "--baseline", "base/gate.toml", "--reason", " "], 2, "--reason is empty");
    assert_eq!(fs::read_to_string(&baseline).unwrap(), text);

    // A cell that the run lacks closes the gate unless it is lenient.
    let fewer = suite("[0, 1]").replace("[[representation]]\nid = \"kmer-2\"\n", "");
    write(folder.path(), "fewer.toml", &fewer);
    run_well(folder.path(), &["run", "fewer.toml", "--out", "fewer"]);
    refused(&["check", "fewer", "--baseline", "base/gate.toml"], 11, "missing");
    run_well(folder.path(), &["check", "fewer", "--baseline", "base/gate.toml", "--lenient"]);

    // Damage.
    let parquet = folder.path().join("base/gate.predictions.parquet");
    let bytes = fs::read(&parquet).unwrap();
    fs::write(&parquet, &bytes[..bytes.len() / 2]).unwrap();
    refused(&check, 3, "is cut off after ");
    fs::write(&parquet, &bytes).unwrap();
    fs::write(&baseline, text.replace("schema = 1", "schema = 2")).unwrap();
    refused(&check, 3, "schema 2");
    fs::write(&baseline, text.replace("margin", "margni")).unwrap();
    refused(&check, 3, "margin");
    fs::write(&baseline, &text).unwrap();
    let record = folder.path().join("a/run.json");
    let whole = fs::read_to_string(&record).unwrap();
    fs::write(&record, &whole[..whole.len() / 2]).unwrap();
    refused(&check, 3, "cut off");
    fs::write(&record, whole.replacen("\"schema_version\": 2", "\"schema_version\": 9", 1)).unwrap();
    refused(&check, 3, "schema version 9");
    refused(&["compare", "a", "other"], 3, "schema version 9");
    refused(&["compare", "nowhere", "other"], 3, "no run here");
}

#[test]
fn an_edited_baseline_and_a_pointer_in_its_place_are_refused() {
    let folder = accepted();
    let check = || run(folder.path(), &["check", "a", "--baseline", "base/gate.toml"]);
    assert_eq!(check().code, Some(0), "{}", check().stderr);
    let path = folder.path().join("base/gate.toml");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("point = ").unwrap();
    let (_, after) = rest.split_once(',').unwrap();
    fs::write(&path, format!("{before}point = 0.935,{after}")).unwrap();
    let refused = check();
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains(" is 0.935, but the accepted predictions give "), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: ") && refused.stderr.contains("seqprobe accept RUN"));
    fs::write(&path, &text).unwrap();
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:12ab\nsize 8310\n";
    write(folder.path(), "base/gate.predictions.parquet", pointer);
    let refused = check();
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("it is a Git LFS pointer"), "{}", refused.stderr);
    assert!(refused.stderr.contains("`git lfs pull`"), "{}", refused.stderr);
}
