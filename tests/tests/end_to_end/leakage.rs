//! The leakage audit through the program: planted copies are found, reported in the run, and left out on request.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{accept_new_digest, run, run_well, write};
use std::fs;
use std::path::Path;

const SUITE: &str = r#"schema = 1
name = "leaky"
replicates = 200
datasets = ["task/sim-motif-fixed.toml"]
[[representation]]
id = "onehot"
[[representation]]
id = "kmer-2"
[[probe]]
id = "linear"
"#;

/// A simulated task whose test split holds two training sequences, one of them on the other strand with the other label.
fn leaky() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let task = ["data", "simulate", "motif-fixed", "--output", "task", "--length", "40"];
    let sizes = ["--train", "200", "--valid", "60", "--test", "80"];
    run_well(folder.path(), &[task.as_slice(), &sizes].concat());
    let read = |name: &str| fs::read_to_string(folder.path().join("task").join(name)).unwrap();
    let (train, test) = (read("train.csv"), read("test.csv"));
    let fields = |text: &str, row: usize| -> Vec<String> {
        text.lines().nth(row + 1).unwrap().split(',').map(str::to_owned).collect()
    };
    let mut lines: Vec<String> = test.lines().map(str::to_owned).collect();
    let (same, other) = (fields(&train, 3), fields(&train, 7));
    let flipped: String = other[1]
        .chars()
        .rev()
        .map(|letter| match letter {
            'A' => 'T',
            'C' => 'G',
            'G' => 'C',
            _ => 'A',
        })
        .collect();
    let opposite = if other[2] == "1" { "0" } else { "1" };
    for (row, (sequence, label)) in
        [(same[1].as_str(), same[2].as_str()), (&flipped, opposite)].iter().enumerate()
    {
        let old = fields(&test, row);
        lines[row + 1] = format!("{},{sequence},{label},{}", old[0], old[3]);
    }
    fs::write(folder.path().join("task/test.csv"), lines.join("\n") + "\n").unwrap();
    accept_new_digest(folder.path(), "task/sim-motif-fixed.toml");
    write(folder.path(), "suite.toml", SUITE);
    for kind in ["exact", "near"] {
        let text = SUITE.replace("datasets", &format!("drop_leaks = \"{kind}\"\ndatasets"));
        write(folder.path(), &format!("{kind}.toml"), &text);
    }
    folder
}

fn record(folder: &Path, out: &str) -> serde_json::Value {
    serde_json::from_slice(&fs::read(folder.join(out).join("run.json")).unwrap()).unwrap()
}

#[test]
fn planted_copies_are_told_and_left_out_when_asked_to() {
    let folder = leaky();
    let printed = run_well(folder.path(), &["data", "audit", "task/sim-motif-fixed.toml"]).stdout;
    for line in [
        "test: 1 sequence in train: 1 test row, 1 train row; 0 with a different label",
        "test: 1 reverse complement in train: 1 test row, 1 train row; 1 with a different label",
        "valid: no sequence in train",
        "composition and length alone, auroc of a linear probe on test: ",
    ] {
        assert!(printed.contains(line), "{line}\n{printed}");
    }
    let json =
        run_well(folder.path(), &["data", "audit", "task/sim-motif-fixed.toml", "--format", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["against_train"][1]["exact"]["sequences"], 1);
    let refused = run(folder.path(), &["data", "audit", "task/sim-motif-fixed.toml", "--threshold", "1.5"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);

    run_well(folder.path(), &["run", "suite.toml", "--out", "a"]);
    let kept = record(folder.path(), "a");
    assert_eq!(kept["datasets"][0]["n_train"], 200);
    assert_eq!(kept["datasets"][0]["audit"]["against_train"][1]["reverse_complement"]["conflicting"], 1);
    let shared = |record: &serde_json::Value| -> Vec<(String, u64, u64)> {
        let warnings = record["warnings"].as_array().unwrap().iter();
        let of_copies = warnings.filter(|warning| warning["kind"] == "shared-with-train");
        let number = |warning: &serde_json::Value, key: &str| warning[key].as_u64().unwrap();
        of_copies
            .map(|warning| {
                let split = warning["split"].as_str().unwrap().to_owned();
                (split, number(warning, "shared"), number(warning, "rows"))
            })
            .collect()
    };
    assert_eq!(shared(&kept), [("test".to_owned(), 2, 80)]);
    let page = fs::read_to_string(folder.path().join("a/report.html")).unwrap();
    assert!(page.contains("Leakage audit") && page.contains("1 reverse complement in train"));
    assert!(page.contains("the sequences of 2 of 80 test rows are also in train"));

    run_well(folder.path(), &["run", "exact.toml", "--out", "b"]);
    let dropped = record(folder.path(), "b");
    assert_eq!(dropped["datasets"][0]["n_train"], 198);
    assert_eq!(dropped["datasets"][0]["n_test"], 80);
    let notes = dropped["datasets"][0]["notes"].to_string();
    assert!(notes.contains("2 of 200 train rows were left out"), "{notes}");
    assert_eq!(shared(&dropped), []);
    assert_ne!(kept["cells"][0]["key"], dropped["cells"][0]["key"], "other training rows are another cell");

    run_well(folder.path(), &["run", "near.toml", "--out", "c", "--threads", "2"]);
    let near = record(folder.path(), "c");
    let n_train = near["datasets"][0]["n_train"].as_u64().unwrap();
    assert!((100..=198).contains(&n_train), "{n_train}");
    assert!(near["datasets"][0]["notes"].to_string().contains("a copy or a near-duplicate"), "{near}");
}
