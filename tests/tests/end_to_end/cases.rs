//! Inputs of public reports that no other file tries: class names that read as numbers, huge targets, k-mer text, no
//! home folder, and the default metric that the help text names.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{command, run, run_well, write};
use std::fmt::Write as _;
use std::path::Path;

const PROBE: [&str; 7] = ["probe", "x.csv", "--probes", "linear", "--controls", "none", "--force"];

/// A table of 120 sequences with a target that depends on the row.
fn table(folder: &Path, sequence: impl Fn(&str) -> String, target: impl Fn(usize) -> String) {
    let mut text = "sequence,y\n".to_owned();
    let mut state = 7_u64;
    for row in 0..120_usize {
        let mut letter = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b"ACGT"[(state >> 33) as usize % 4])
        };
        let letters: String = (0..24).map(|_| letter()).collect();
        writeln!(text, "{},{}", sequence(&letters), target(row)).unwrap();
    }
    write(folder, "x.csv", &text);
}

#[test]
fn class_names_that_read_as_equal_numbers_stay_different_classes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    table(at, str::to_owned, |row| ["1E3", "1000", "2E1", "20"][row % 4].to_owned());
    let ended = run(at, &[&PROBE[..], &["--target", "y", "--task", "multiclass", "--out", "out"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(at.join("out/run.json")).unwrap()).unwrap();
    let mut classes: Vec<&str> =
        record["datasets"][0]["classes"].as_array().unwrap().iter().filter_map(|one| one.as_str()).collect();
    classes.sort_unstable();
    assert_eq!(classes, ["1000", "1E3", "20", "2E1"]);
}

#[test]
fn huge_targets_and_kmer_text_are_named_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let target = ["--target", "y"];
    table(at, str::to_owned, |row| format!("{}e300", 1 + row));
    let ended = run(at, &[&PROBE[..], &target].concat());
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("x.csv:2: column \"y\": target 1"), "{}", ended.stderr);
    assert!(ended.stderr.contains("is too large"), "{}", ended.stderr);
    let in_kmers = |letters: &str| {
        let words: Vec<&str> =
            (0..=letters.len() - 6).filter_map(|start| letters.get(start..start + 6)).collect();
        words.join(" ")
    };
    table(at, in_kmers, |row| (row % 2).to_string());
    let ended = run(at, &[&PROBE[..], &target].concat());
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("x.csv:2") && ended.stderr.contains("kmers = 6"), "{}", ended.stderr);
}

#[test]
fn without_a_home_folder_a_run_without_a_cache_works() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    table(at, str::to_owned, |row| (row % 2).to_string());
    let arguments = [&PROBE[..], &["--target", "y", "--no-cache"]].concat();
    let mut without = command(at, &arguments);
    without.env_remove("HOME").env_remove("XDG_CACHE_HOME").env_remove("SEQPROBE_CACHE_DIR");
    let output = without.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_help_text_names_the_default_metric_that_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let help = run_well(at, &["probe", "--help"]).stdout;
    let words: Vec<&str> = help.split_whitespace().collect();
    assert!(words.join(" ").contains("[default: auroc for classes, spearman for numbers]"), "{help}");
    table(at, str::to_owned, |row| format!("{row}.5"));
    let ended = run_well(at, &[&PROBE[..], &["--target", "y"]].concat());
    assert!(ended.stdout.contains("Spearman correlation on test"), "{}", ended.stdout);
    table(at, str::to_owned, |row| (row % 2).to_string());
    let ended = run_well(at, &[&PROBE[..], &["--target", "y"]].concat());
    assert!(ended.stdout.contains("AUROC on test"), "{}", ended.stdout);
}
