//! Ready predictions as references of a suite, and what else stays as it was: folders of other runs, and sequences that
//! have no prediction.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{root, rows, run, run_well, write};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// 120 sequences; the target is the number of A.
fn table(folder: &Path, name: &str, swap: bool) {
    let mut text = "name,sequence,y\n".to_owned();
    for row in 0..120_usize {
        let letters: String =
            (0..20).map(|at| char::from(b"ACGT"[(row * 7 + at * at + row * at) % 4])).collect();
        let letters = if swap { letters.replace('A', "C") } else { letters };
        let y = letters.matches('A').count() as f64 + row as f64 / 100.0;
        writeln!(text, "r{row},{letters},{y}").unwrap();
    }
    write(folder, name, &text);
}

fn suite(folder: &Path, reference: &str) {
    write(
        folder,
        "suite.toml",
        &format!(
            "schema = 1\nname = \"s\"\ndatasets = [\"saved/mine.toml\"]\ncontrols = false\nreplicates = 100\n\
             [[representation]]\nid = \"kmer-1\"\n[[representation]]\n{reference}\n[[probe]]\nid = \"linear\"\n"
        ),
    );
}

#[test]
fn ready_predictions_are_a_reference_that_needs_no_probe() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    table(at, "mine.csv", false);
    let probe =
        ["probe", "mine.csv", "--target", "y", "--id", "name", "--probes", "linear", "--controls", "none"];
    run_well(at, &[&probe[..], &["--metric", "pearson", "--save", "saved"]].concat());
    let lines: Vec<String> =
        fs::read_to_string(at.join("mine.csv")).unwrap().lines().map(str::to_owned).collect();
    let perfect: Vec<String> = lines[1..]
        .iter()
        .rev()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|fields| format!("{}\t{}", fields[0], 3.0 * fields[2].parse::<f64>().unwrap() - 1.0))
        .collect();
    write(at, "paper.tsv", &format!("name\tpred\n{}\n", perfect.join("\n")));
    let run_suite = || run(at, &["run", "suite.toml", "--data-dir", ".", "--out", "out"]);
    suite(at, "predictions = \"paper.tsv\"\nsource = \"a paper\"");
    let ended = run_suite();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let results = rows(&at.join("out/results.csv"));
    let pearson = |name: &str| {
        let row = results.iter().find(|row| {
            row["representation"] == name && row["metric"] == "pearson" && row["split"] == "test"
        });
        row.unwrap()["point"].parse::<f64>().unwrap()
    };
    assert!((pearson("paper") - 1.0).abs() < 1e-12 && pearson("kmer-1") < 1.0);
    let record = fs::read_to_string(at.join("out/run.json")).unwrap();
    assert!(record.contains("\"role\": \"reference\""));
    assert!(record.contains("predictions of pred joined by example id, source: a paper"));
    let table = ended.stdout;
    assert!(
        table.contains("reference") && table.contains("kmer-1 (mean) with linear scored best"),
        "{table}"
    );
    assert!(fs::read_to_string(at.join("out/report.html")).unwrap().contains("class=\"reference\""));
    // Other predictions under the same name are other cells.
    write(at, "paper.tsv", &format!("name\tpred\n{}\n", perfect.join("\n").replace('-', "")));
    assert_eq!(run_suite().code, Some(0));
    write(at, "paper.tsv", &format!("name\tpred\n{}\n", perfect[..60].join("\n")));
    let ended = run_suite();
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("have no prediction, first \"r"), "{}", ended.stderr);
    suite(at, "predictions = \"paper.tsv\"\ndataset = \"another\"");
    let ended = run_suite();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stdout.contains("paper"), "{}", ended.stdout);
    for (entry, part) in [
        (
            "predictions = \"paper.tsv\"\nids = \"name\"\nsequences = \"s\"",
            "ids and sequences are both given",
        ),
        ("predictions = \"paper.tsv\"\nvalues = \"pred\"", "values does not belong to ready predictions"),
        (
            "predictions = \"paper.tsv\"\nid = \"onehot\"",
            "needs exactly one of the keys id, model, embeddings and",
        ),
        ("id = \"onehot\"\ncolumns = [\"x\"]", "columns does not belong to this representation"),
        ("predictions = \"no.tsv\"", "no.tsv: cannot open"),
    ] {
        suite(at, entry);
        let ended = run_suite();
        assert!(matches!(ended.code, Some(2 | 3)) && ended.stderr.contains(part), "{}", ended.stderr);
    }
}

#[test]
fn the_run_of_another_file_is_not_overwritten_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::create_dir(at.join("a")).unwrap();
    fs::create_dir(at.join("b")).unwrap();
    table(at, "a/mine.csv", false);
    table(at, "b/mine.csv", true);
    let probe = |file: &str, more: &[&str]| {
        let arguments = ["probe", file, "--target", "y", "--probes", "linear", "--controls", "none"];
        run(at, &[&arguments[..], more].concat())
    };
    assert_eq!(probe("a/mine.csv", &[]).code, Some(0));
    let first = fs::read(at.join("reports/mine/run.json")).unwrap();
    assert_eq!(probe("a/mine.csv", &["--margin", "0.02"]).code, Some(0), "the same file again");
    assert_ne!(fs::read(at.join("reports/mine/run.json")).unwrap(), first);
    let first = fs::read(at.join("reports/mine/run.json")).unwrap();
    let refused = probe("b/mine.csv", &[]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("reports/mine contains a run of the same name with other data"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--force replaces"), "{}", refused.stderr);
    assert_eq!(fs::read(at.join("reports/mine/run.json")).unwrap(), first);
    fs::copy(at.join("b/mine.csv"), at.join("b/other.csv")).unwrap();
    let refused = probe("b/other.csv", &["--out", "reports/mine"]);
    assert!(refused.stderr.contains("contains the run of \"mine\""), "{}", refused.stderr);
    write(at, "reports/broken/run.json", "{");
    assert_eq!(probe("b/other.csv", &["--out", "reports/broken"]).code, Some(2));
    assert_eq!(probe("b/mine.csv", &["--force"]).code, Some(0));
    assert_ne!(fs::read(at.join("reports/mine/run.json")).unwrap(), first);
}

#[test]
fn a_sequence_without_a_prediction_is_named_and_the_others_are_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    table(at, "mine.csv", false);
    run_well(
        at,
        &["probe", "mine.csv", "--target", "y", "--probes", "linear", "--controls", "none", "--out", "out"],
    );
    write(
        at,
        "new.fa",
        ">good\nACGTACGTACGTACGTACGT\n>lost\nNNNNNNNN\n>long\nACGTACGTACGTACGTACGTA\n>short\nACG\n",
    );
    let predict = ["predict", "out", "--cell", "mine/onehot/-/-/flatten/linear/1", "--input", "new.fa"];
    let ended = run_well(at, &predict);
    let fields: Vec<(&str, bool)> = ended
        .stdout
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap())
        .map(|(id, value)| (id, value.parse::<f64>().is_ok()))
        .collect();
    assert_eq!(
        fields,
        [("good", true), ("lost", false), ("long", false), ("short", true)],
        "{}",
        ended.stdout
    );
    assert!(
        ended.stderr.contains("no prediction: \"lost\" has no known base: it is N only"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("no prediction: \"long\" is too long (21 bases)"), "{}", ended.stderr);
    write(at, "bad.fa", ">lost\nNNNNNNNN\n");
    let only = [&predict[..5], &["bad.fa", "--output", "new/folder/p.csv"]].concat();
    assert!(run_well(at, &only).stdout.starts_with("wrote 0 predictions"));
    assert_eq!(fs::read_to_string(at.join("new/folder/p.csv")).unwrap(), "example_id,y\nlost,\n");
    let piped = run_well(at, &[&predict[..], &["--output", "/dev/stdout"]].concat());
    assert!(piped.stdout.starts_with("example_id,y\ngood,"), "{}", piped.stdout);
}

#[test]
fn folders_are_made_and_absurd_counts_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let model = root().join("benchmarks/models/seqprobe-mini").display().to_string();
    let long: String = "ACGTTGCATT".repeat(60_000);
    write(at, "long.fa", &format!(">a\n{long}\n"));
    let embed =
        ["embed", "--model", &model, "--input", "long.fa", "--window", "500:500", "--output", "new/x.npy"];
    let dry = run_well(at, &[&embed[..], &["--dry-run"]].concat());
    assert!(dry.stdout.contains("1 to compute (600000 tokens)"), "{}", dry.stdout);
    write(at, "long.fa", ">a\nACGT\n");
    run_well(at, &embed);
    assert!(at.join("new/x.npy").is_file() && at.join("new/x.ids.txt").is_file());
    for arguments in [
        ["probe", "long.fa", "--target", "y", "--seeds", "99999999999"],
        ["probe", "long.fa", "--target", "y", "--seeds", "0"],
        ["data", "simulate", "motif-fixed", "--output", "x", "--train=99999999999999"],
        ["data", "simulate", "motif-fixed", "--output", "x", "--length=99999999999"],
    ] {
        let ended = run(at, &arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?} {}", ended.stderr);
        assert!(ended.stderr.contains("is not in 1..="), "{}", ended.stderr);
    }
}
