//! Intervals over a genome through the program: `probe`, `embed` and `predict` read them as they read the sequences themselves.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{root, rows, run, run_well, write};
use std::fmt::Write as _;
use std::path::Path;

const MODEL: &str = "crates/seqprobe-models/tests/fixtures/models/gpn/usual";

/// A genome of two chromosomes, 300 intervals of 40 bases on it, and their sequences. The label says whether TATAAA is in
/// the middle; the intervals on the strand `-` have it on that strand.
fn prepare(folder: &Path) {
    let mut state = 11_u64;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let reverse = |text: &str| -> String {
        let complement = |letter| match letter {
            'A' => 'T',
            'C' => 'G',
            'G' => 'C',
            _ => 'A',
        };
        text.chars().rev().map(complement).collect()
    };
    let (mut bed, mut fasta, mut csv) = (String::new(), String::new(), String::from("id,sequence,label\n"));
    for chromosome in ["1", "2"] {
        let mut letters = String::new();
        for number in 0..150 {
            let label = draw(2);
            let mut sequence: String = (0..40).map(|_| char::from(b"ACGT"[draw(4) as usize])).collect();
            if label == 1 {
                sequence.replace_range(17..23, "TATAAA");
            }
            let is_reverse = draw(2) == 1;
            let start = letters.len();
            let id = format!("{chromosome}-{number}");
            writeln!(csv, "{id},{sequence},{label}").unwrap();
            letters.push_str(&if is_reverse { reverse(&sequence) } else { sequence });
            let strand = if is_reverse { '-' } else { '+' };
            writeln!(bed, "chr{chromosome}\t{start}\t{}\t{id}\t{label}\t{strand}", start + 40).unwrap();
        }
        writeln!(fasta, ">{chromosome}").unwrap();
        for line in letters.as_bytes().chunks(60) {
            writeln!(fasta, "{}", std::str::from_utf8(line).unwrap()).unwrap();
        }
    }
    write(folder, "peaks.bed", &bed);
    write(folder, "genome.fa", &fasta);
    write(folder, "peaks.csv", &csv);
}

#[test]
fn intervals_give_what_their_sequences_give() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let common = ["--probes", "linear", "--controls", "none", "--seeds", "1"];
    let probe = |rest: &[&str]| run_well(folder, &[&["probe"], rest, &common[..]].concat());
    let ended =
        probe(&["peaks.bed", "--target", "4", "--genome", "genome.fa", "--out", "bed", "--save", "saved"]);
    assert!(
        ended.stderr.contains("0-based, half-open") && ended.stderr.contains("strand \"5\""),
        "{}",
        ended.stderr
    );
    probe(&["peaks.csv", "--target", "label", "--out", "csv"]);
    let points = |run: &str| -> Vec<String> {
        rows(&folder.join(run).join("results.csv")).into_iter().map(|row| row["point"].clone()).collect()
    };
    assert!(!points("bed").is_empty());
    assert_eq!(points("bed"), points("csv"), "the same sequences, splits and scores");
    // The saved card, and a split by chromosome.
    let ended = run_well(folder, &["data", "show", "saved/peaks.toml", "--data-dir", "."]);
    assert!(ended.stdout.contains("300") || ended.stdout.contains("210 train"), "{}", ended.stdout);
    assert!(ended.stdout.contains("\"chr1\" is \"1\""), "{}", ended.stdout);

    let model = root().join(MODEL);
    let model = model.to_str().unwrap();
    run_well(
        folder,
        &[
            "embed",
            "--model",
            model,
            "--input",
            "peaks.bed",
            "--genome",
            "genome.fa",
            "--id",
            "3",
            "--output",
            "a.npy",
        ],
    );
    run_well(folder, &["embed", "--model", model, "--input", "peaks.csv", "--output", "b.npy"]);
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(read("a.npy"), read("b.npy"));
    assert_eq!(read("a.ids.txt"), read("b.ids.txt"));

    let ended = run_well(folder, &["predict", "csv"]);
    let cell = ended
        .stdout
        .lines()
        .find(|line| line.contains("onehot"))
        .unwrap()
        .split_whitespace()
        .last()
        .unwrap()
        .to_owned();
    let predict = |input: &[&str]| {
        run_well(folder, &[&["predict", "csv", "--cell", &cell, "--input"], input].concat()).stdout
    };
    let by_genome = predict(&["peaks.bed", "--genome", "genome.fa", "--id", "3"]);
    assert_eq!(by_genome, predict(&["peaks.csv"]));
    assert_eq!(by_genome.lines().count(), 301);

    // Errors name the line of the intervals.
    let bed = std::fs::read_to_string(folder.join("peaks.bed")).unwrap();
    write(folder, "long.bed", &format!("{bed}chr2\t5990\t6040\tx\t1\t+\n"));
    for command in [
        vec!["probe", "long.bed", "--target", "4"],
        vec!["embed", "--model", model, "--input", "long.bed", "--output", "c.npy"],
        vec!["predict", "csv", "--cell", &cell, "--input", "long.bed"],
    ] {
        let ended = run(folder, &[&command[..], &["--genome", "genome.fa"]].concat());
        assert_eq!(ended.code, Some(3), "{command:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("long.bed:301: the interval chr2:5990-6040 ends behind"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_folder_of_classes_is_probed_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let bed = std::fs::read_to_string(folder.join("peaks.bed")).unwrap();
    let header = "id,region,start,end,strand\n";
    let mut files = std::collections::BTreeMap::new();
    for (number, line) in bed.lines().enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        let class = if fields[4] == "1" { "positive" } else { "negative" };
        let split = if number % 4 == 0 { "test" } else { "train" };
        let text = files.entry(format!("bench/{split}/{class}.csv")).or_insert_with(|| header.to_owned());
        writeln!(text, "{number},{},{},{},{}", fields[0], fields[1], fields[2], fields[5]).unwrap();
    }
    for (name, text) in &files {
        write(folder, name, text);
    }
    let ended = run_well(
        folder,
        &[
            "probe",
            "bench",
            "--genome",
            "genome.fa",
            "--probes",
            "linear",
            "--controls",
            "none",
            "--seeds",
            "1",
            "--out",
            "out",
        ],
    );
    assert!(ended.stderr.contains("no valid rows: 0.1 of the train rows"), "{}", ended.stderr);
    let results = rows(&folder.join("out/results.csv"));
    let onehot = results.iter().find(|row| row["representation"] == "onehot").unwrap();
    assert!(onehot["point"].parse::<f64>().unwrap() > 0.8, "{onehot:?}");
    let refused = run(folder, &["probe", "bench"]);
    assert!(refused.code == Some(3) && refused.stderr.contains("--genome FILE"), "{}", refused.stderr);
    let refused = run(folder, &["probe", "peaks.bed", "--genome", "genome.fa"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("--target COLUMN"), "{}", refused.stderr);
}
