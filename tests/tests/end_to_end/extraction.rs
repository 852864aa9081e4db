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
    assert!(said.lines().last().unwrap().contains("the time of fitting probes is not included"), "{said}");
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

/// The rows of a file of npy, version 1: the length of the header is at byte 8.
fn npy_rows(path: &Path, dim: usize) -> Vec<Vec<f32>> {
    let bytes = fs::read(path).unwrap();
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let values = bytes[start..].as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value));
    values.collect::<Vec<_>>().chunks(dim).map(<[f32]>::to_vec).collect()
}

/// A number of ten letters.
fn letters(number: usize) -> String {
    (0..10).map(|place| char::from(b"ACGT"[(number >> (2 * place)) & 3])).collect()
}

#[test]
fn a_large_file_is_embedded_in_parts() {
    const ROWS: usize = 40_000;
    const PART: usize = 32_768;
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path()); // for its model
    let record = |row: usize, number: usize| format!(">s{row}\n{}\n", letters(number));
    // The last sequence is the first one again, in another part.
    let all: String = (0..ROWS).map(|row| record(row, (row * 7) % (7 * (ROWS - 1)))).collect();
    write(folder.path(), "all.fa", &all);
    let few = [0, 1, PART - 1, PART, ROWS - 2, ROWS - 1];
    let text: String = few.iter().map(|&row| record(row, (row * 7) % (7 * (ROWS - 1)))).collect();
    write(folder.path(), "few.fa", &text);
    let embed = |input: &str, output: &str, cache: &str| {
        let (input, output) = (format!("{input}.fa"), format!("{output}.npy"));
        let mut arguments = vec!["embed", "--model", "random:model", "--input", &input, "--output", &output];
        arguments.extend(["--cache-dir", cache]);
        run_well(folder.path(), &arguments)
    };
    let said = embed("all", "all", "one");
    assert!(said.stderr.contains("32768 of 40000 sequences\n40000 of 40000 sequences\n"), "{}", said.stderr);
    let computed = format!("{} distinct sequences computed, 1 read from the cache", ROWS - 1);
    assert!(said.stdout.contains(&computed), "{}", said.stdout);
    embed("few", "few", "two");
    let dim = 32; // of the tiny model
    let (from_all, from_few) =
        (npy_rows(&folder.path().join("all.npy"), dim), npy_rows(&folder.path().join("few.npy"), dim));
    assert_eq!((from_all.len(), from_few.len()), (ROWS, few.len()));
    for (&row, expected) in few.iter().zip(&from_few) {
        let scale = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        for (value, expected) in from_all[row].iter().zip(expected) {
            assert!((value - expected).abs() <= 1e-5 * scale, "row {row}: {value} and {expected}");
        }
    }
    assert_ne!(from_all[0], from_all[1]);
    let ids = fs::read_to_string(folder.path().join("all.ids.txt")).unwrap();
    assert!(ids.lines().enumerate().all(|(row, id)| id == format!("s{row}")));
    let again = embed("all", "again", "one");
    assert!(again.stdout.contains("0 distinct sequences computed, 40000 read"), "{}", again.stdout);
    assert_eq!(
        fs::read(folder.path().join("all.npy")).unwrap(),
        fs::read(folder.path().join("again.npy")).unwrap()
    );
}
