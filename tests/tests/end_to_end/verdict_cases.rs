//! Cases on which a verdict could mislead, through the program: a model that is a baseline, copied test rows,
//! near-duplicates in train.

use crate::imported_embeddings::{two_mers, write_npy};
use seqprobe_tests::{accept_new_digest, rows, run_well, write};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const SUITE: &str = r#"schema = 1
name = "cases"
replicates = 200
controls = ["composition"]
datasets = ["data/sim-gc.toml"]
[[representation]]
id = "onehot"
[[representation]]
id = "kmer-2"
[[representation]]
embeddings = "made/elsewhere.npy"
[[representation]]
embeddings = "other/half.npy"
[[probe]]
id = "linear"
"#;

/// A task, its test rows changed by `edit` (`[id, sequence, label]` of train and test), and two imported
/// representations: all 2-mers, and those of the first third of the sequence.
fn prepare(folder: &Path, edit: impl Fn(&[[String; 3]], &mut Vec<[String; 3]>)) {
    let task = ["data", "simulate", "gc", "--output", "data", "--length", "60"];
    run_well(folder, &[task.as_slice(), &["--train", "150", "--valid", "100", "--test", "400"]].concat());
    let read = |split: &str| -> Vec<[String; 3]> {
        let rows = rows(&folder.join(format!("data/{split}.csv")));
        rows.iter().map(|row| ["example_id", "sequence", "label"].map(|name| row[name].clone())).collect()
    };
    let (train, valid, mut test) = (read("train"), read("valid"), read("test"));
    let before = test.clone();
    edit(&train, &mut test);
    if test != before {
        let lines: String = test.iter().map(|row| format!("{},0.5\n", row.join(","))).collect();
        write(folder, "data/test.csv", &format!("example_id,sequence,label,oracle\n{lines}"));
        accept_new_digest(folder, "data/sim-gc.toml");
    }
    let all = || train.iter().chain(&valid).chain(&test);
    let of = |length: usize| -> Vec<(String, Vec<f32>)> {
        all().map(|[id, sequence, _]| (id.clone(), two_mers(&sequence[..length]))).collect()
    };
    write_npy(folder, "made/elsewhere", &of(60));
    write_npy(folder, "other/half", &of(20));
    write(folder, "suite.toml", SUITE);
    run_well(folder, &["run", "suite.toml", "--out", "out"]);
}

/// The rows of `verdicts.csv` of a model, by baseline.
fn verdicts(folder: &Path, model: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let rows = rows(&folder.join("out/verdicts.csv"));
    let of_model = rows.into_iter().filter(|row| row["model"] == model);
    of_model.map(|row| (row["baseline"].clone(), row)).collect()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {row:?}"))
}

#[test]
fn a_model_that_is_the_best_baseline_ties() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path(), |_, _| ());
    let of_model = verdicts(folder.path(), "elsewhere");
    let (same, weaker) = (&of_model["kmer-2"], &of_model["onehot"]);
    for key in ["delta", "standard_error"] {
        assert!(number(same, key).abs() < f64::MIN_POSITIVE, "{key}: {same:?}");
    }
    assert!(number(weaker, "delta") > 0.03 && number(weaker, "standard_error") > 0.005, "{weaker:?}");
    assert_eq!(same["verdict"], "ties", "{of_model:?}");
    let report = fs::read_to_string(folder.path().join("out/report.md")).unwrap();
    assert!(
        report.contains("elsewhere with linear ties with the best baseline, within 0.01 AUROC"),
        "{report}"
    );
    // Composition includes the 2-mers of both strands and is better: the tie is qualified.
    assert!(same["qualifications"].contains("composition"), "{same:?}");
    assert!(report.contains("against kmer-2), but composition scores better than the model"), "{report}");
    // The two models are compared with each other.
    let wanted = "models against each other with linear, margin 0.01 AUROC, corrected over all pairs: elsewhere is \
                  better than half (+0.";
    assert!(report.contains(wanted), "{report}");
    let half = &verdicts(folder.path(), "half")["kmer-2"];
    assert_eq!(half["verdict"], "loses", "{half:?}");
    let size = 0.01 + 2.8 * number(half, "standard_error");
    assert!((number(half, "smallest_detectable") - size).abs() < 1e-9, "{half:?}");
}

#[test]
fn ten_copies_of_each_test_row_change_no_interval() {
    let [once, tenfold] = [1, 10].map(|n: usize| {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path(), |_, test| {
            let copy = |[id, sequence, label]: &[String; 3]| {
                (0..n)
                    .map(|copy| [format!("{id}/{copy}"), sequence.clone(), label.clone()])
                    .collect::<Vec<_>>()
            };
            test.truncate(150);
            *test = test.iter().flat_map(copy).collect();
        });
        let record = fs::read(folder.path().join("out/run.json")).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        let scores = rows(&folder.path().join("out/results.csv"));
        let score = scores.into_iter().find(|row| {
            row["representation"] == "half" && row["metric"] == "auroc" && row["split"] == "test"
        });
        (verdicts(folder.path(), "half"), score.unwrap(), record["datasets"][0]["clusters"].clone())
    });
    assert_eq!(once.2, serde_json::Value::Null);
    assert_eq!(tenfold.2, serde_json::json!(["sequence", 150]));
    for (baseline, row) in &once.0 {
        for column in ["delta", "lower", "upper", "standard_error", "p_adjusted", "degrees_of_freedom"] {
            let (one, other) = (number(row, column), number(&tenfold.0[baseline], column));
            assert!((one - other).abs() < 1e-6 * one.abs().max(1e-3), "{column}: {one} {other}");
        }
        assert_eq!(row["verdict"], tenfold.0[baseline]["verdict"]);
    }
    let width = |row: &BTreeMap<String, String>| number(row, "upper") - number(row, "lower");
    let ratio = width(&tenfold.1) / width(&once.1);
    assert!((0.9..1.1).contains(&ratio), "{ratio}");
}

#[test]
fn near_duplicates_in_train_qualify_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path(), |train, test| {
        // Forty test rows are training rows with another first base.
        for (row, [_, sequence, label]) in test.iter_mut().zip(train).take(40) {
            let first = if sequence.starts_with('A') { "C" } else { "A" };
            row[1] = format!("{first}{}", &sequence[1..]);
            row[2].clone_from(label);
        }
    });
    for model in ["elsewhere", "half"] {
        let row = &verdicts(folder.path(), model)["kmer-2"];
        assert!(row["qualifications"].contains("near-duplicates-in-train"), "{row:?}");
        assert!(!row["qualifications"].contains("copies-in-train"), "{row:?}");
    }
    let report = fs::read_to_string(folder.path().join("out/report.md")).unwrap();
    assert!(report.contains("but ") && report.contains("40 of 400 test rows have a near-duplicate in train"));
    assert!(
        report.contains("**Warning:** sim-gc: 40 of 400 test rows have a near-duplicate in train"),
        "{report}"
    );
}
