//! `embed` and `run` extract the same numbers however they go about it, and can say beforehand what they would do.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{run, run_well, small_suite, write};
use std::fs;
use std::path::Path;

const SUITE: &str = r#"schema = 1
name = "threads"
seeds = [0]
replicates = 100
controls = false
datasets = ["sim:motif-fixed"]
[simulate]
train = 200
valid = 100
test = 100
length = 40
[[representation]]
id = "onehot"
[[representation]]
model = "random:model"
layers = "all"
pooling = ["mean"]
[[probe]]
id = "linear"
"#;

/// Cells by name with their points.
fn points(folder: &Path) -> Vec<(String, f64)> {
    let mut table = csv_rows(&fs::read_to_string(folder.join("out/results.csv")).unwrap());
    let head = table.remove(0);
    let column = |name: &str| head.iter().position(|cell| cell == name).unwrap();
    let (point, metric) = (column("point"), column("metric"));
    let name = |row: &[String]| row[..=metric].join(" ");
    let scored = table.iter().filter(|row| !row[point].is_empty());
    scored.map(|row| (name(row), row[point].parse().unwrap())).collect()
}

/// Plain fields without quotes are all that is read here.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn scores_do_not_depend_on_how_features_were_extracted() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path()); // for its model
    write(folder.path(), "suite.toml", SUITE);
    let scores = |threads: &str| {
        let _ = fs::remove_dir_all(folder.path().join("cache"));
        run_well(folder.path(), &["run", "suite.toml", "--out", "out", "--threads", threads]);
        points(folder.path())
    };
    let (one, two) = (scores("1"), scores("2"));
    assert!(one.len() >= 3 && one.iter().any(|(_, point)| *point > 0.6), "{one:?}");
    assert_eq!(one.len(), two.len());
    for ((cell, one), (other, two)) in one.iter().zip(&two) {
        assert_eq!(cell, other);
        assert!((one - two).abs() < 1e-4, "{cell}: {one} and {two}");
    }
}

#[test]
fn a_dry_run_tells_and_stores_nothing() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path()); // for its model
    write(folder.path(), "suite.toml", SUITE);
    write(folder.path(), "three.fa", ">a\nACGTACGTAC\n>b\nTTTTACGG\n>c\nACGTACGTAC\n");
    let embed = ["embed", "--model", "random:model", "--input", "three.fa", "--output", "x.npy"];
    let dry: Vec<&str> = embed.into_iter().chain(["--dry-run"]).collect();
    let said = run_well(folder.path(), &dry).stdout;
    assert!(said.starts_with("3 sequences, 2 distinct: 2 to compute (18 tokens), 0 in the cache"), "{said}");
    assert!(!folder.path().join("x.npy").exists());
    run_well(folder.path(), &embed);
    let said = run_well(folder.path(), &dry).stdout;
    assert_eq!(said, "3 sequences, 2 distinct: all in the cache, nothing to compute\n");
    let said = run_well(folder.path(), &["run", "suite.toml", "--out", "out", "--dry-run"]).stdout;
    assert!(said.contains("sim:motif-fixed, random:model: 400 sequences"), "{said}");
    assert!(said.lines().last().unwrap().contains("fitting probes is not in this time"), "{said}");
    assert!(!folder.path().join("out").exists());
    let cut = run(
        folder.path(),
        &[
            "embed",
            "--model",
            "random:model",
            "--input",
            "three.fa",
            "--output",
            "x.npy",
            "--precision",
            "bf16",
        ],
    );
    assert_eq!(cut.code, Some(4), "{}", cut.stderr);
    assert!(cut.stderr.contains("models of family gpn compute in 32 bits only"), "{}", cut.stderr);
}
