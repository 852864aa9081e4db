//! What the program says of targets, ids and letters: it asks where a task is not certain, names classes, targets and
//! sequences, and finds its own embeddings again.

use seqprobe_tests::{Ended, rows, run, run_well, small_suite, write};
use std::path::Path;

/// 36 letters that depend on the row.
fn letters(row: usize) -> String {
    let mut state = row as u64 + 1;
    (0..36)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b"ACGT"[(state >> 33) as usize % 4])
        })
        .collect()
}

/// A file of 200 rows with these columns; `values` gives their fields.
fn csv(folder: &Path, header: &str, values: impl Fn(usize) -> String) {
    let lines: Vec<String> = (0..200).map(|row| format!("{},{}\n", letters(row), values(row))).collect();
    write(folder, "x.csv", &format!("sequence,{header}\n{}", lines.concat()));
}

/// `seqprobe probe x.csv` with two quick fits and some more arguments.
fn probe(folder: &Path, more: &[&str]) -> Ended {
    let plain = [
        "probe",
        "x.csv",
        "--probes",
        "linear",
        "--controls",
        "none",
        "--no-cache",
        "--out",
        "out",
        "--force",
    ];
    run(folder, &[&plain, more].concat())
}

#[test]
fn counts_are_asked_about_and_a_metric_has_to_fit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    csv(folder, "tpm", |row| [0, 0, 1, 2, 3, 5, 8][row % 7].to_string());
    let asked = probe(folder, &["--target", "tpm"]);
    assert_eq!(asked.code, Some(3), "{}", asked.stderr);
    assert!(asked.stderr.contains("6 distinct whole numbers: 0, 1, 2, 3, 5, 8"), "{}", asked.stderr);
    assert!(asked.stderr.contains("--task multiclass") && asked.stderr.contains("--task regression"));
    for (more, word) in [
        (["--task", "regression"], "Spearman correlation on test"),
        (["--metric", "r2"], "R² on test"),
        (["--task", "multiclass"], "AUROC on test"),
        (["--metric", "mcc"], "MCC on test"),
    ] {
        let ended = probe(folder, &[&["--target", "tpm"], more.as_slice()].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stdout.contains(word), "{}", ended.stdout);
        assert!(!ended.stdout.contains("no score on test"), "{}", ended.stdout);
    }

    csv(folder, "label", |row| (row % 2).to_string());
    let unfit = probe(folder, &["--target", "label", "--metric", "r2"]);
    assert_eq!(unfit.code, Some(2), "{}", unfit.stderr);
    assert!(unfit.stderr.contains("metric \"r2\" does not fit a binary task"), "{}", unfit.stderr);
    assert!(unfit.stderr.contains("these fit: auroc"), "{}", unfit.stderr);
    let unknown = probe(folder, &["--target", "label", "--metric", "auc"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
    assert!(
        unknown.stderr.contains("unknown metric \"auc\"\n  hint: did you mean \"auroc\"?"),
        "{}",
        unknown.stderr
    );
    // The card of a suite is held to the same.
    run_well(
        folder,
        &[
            "probe",
            "x.csv",
            "--target",
            "label",
            "--probes",
            "linear",
            "--controls",
            "none",
            "--out",
            "o",
            "--save",
            "s",
        ],
    );
    let card = std::fs::read_to_string(folder.join("s/x.toml")).unwrap();
    for (metric, message) in [("auc", "unknown metric \"auc\""), ("r2", "does not fit a binary task")] {
        write(folder, "s/x.toml", &card.replace("metric = \"auroc\"", &format!("metric = \"{metric}\"")));
        let checked = run(folder, &["data", "check", "s/x.toml", "--data-dir", "."]);
        assert_eq!(checked.code, Some(3), "{}", checked.stdout);
        assert!(checked.stdout.contains(message), "{}", checked.stdout);
    }
}

#[test]
fn missing_words_are_counted_on_the_terminal_of_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    csv(folder, "label", |row| if row % 20 == 3 { "None".to_owned() } else { (row % 2).to_string() });
    let said = "10 of 200 rows were left out: their target is missing (10 \"None\")";
    let ended = probe(folder, &["--target", "label", "--save", "s"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("note: {said}")), "{}", ended.stderr);
    let ended =
        run_well(folder, &["run", "s/x.suite.toml", "--data-dir", ".", "--out", "again", "--no-cache"]);
    assert!(ended.stderr.contains(&format!("note: x: {said}")), "{}", ended.stderr);
    for command in ["check", "show"] {
        let ended = run_well(folder, &["data", command, "s/x.toml", "--data-dir", "."]);
        assert!(ended.stdout.contains(said), "{}", ended.stdout);
    }
    let report = std::fs::read_to_string(folder.join("out/report.html")).unwrap();
    assert!(report.contains("10 of 200 rows were left out"), "the report has the note");
}

#[test]
fn classes_and_targets_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Class 8 is the last of four, and has eight test rows.
    let class = |row: usize| if row % 5 == 4 { 8 } else { [0, 2, 5][row % 3] };
    let split = |row: usize| {
        if row < 120 {
            "train"
        } else if row < 160 {
            "valid"
        } else {
            "test"
        }
    };
    csv(folder, "label,split", |row| format!("{},{}", class(row), split(row)));
    let ended = probe(folder, &["--target", "label", "--task", "multiclass"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("the split is column \"split\": 120 train, 40 valid, 40 test"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("class \"8\" has only 8 examples"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("class 3"), "{}", ended.stdout);

    csv(folder, "HepG2,K562,split", |row| format!("{},{},{}", row % 2, u8::from(row % 10 == 0), split(row)));
    let ended = probe(folder, &["--target", "HepG2,K562"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.contains("the rarer label of target \"K562\" has only 4 examples"),
        "{}",
        ended.stdout
    );
    let results = rows(&folder.join("out/results.csv"));
    let reasons: Vec<&String> = results.iter().map(|row| &row["reason"]).collect();
    assert!(
        !reasons.iter().any(|reason| reason.contains("target 1") || reason.contains("target 0")),
        "{reasons:?}"
    );
}

#[test]
fn a_mean_over_some_targets_is_flagged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_suite(folder);
    let split = |row: usize| {
        if row < 90 {
            "train"
        } else if row < 120 {
            "valid"
        } else {
            "test"
        }
    };
    // No test row has label b.
    let b = |row: usize| u8::from(row < 120 && row.is_multiple_of(3));
    csv(folder, "a,b,split", |row| format!("{},{},{}", row % 2, b(row), split(row)));
    let flagged = probe(folder, &["--target", "a,b", "--model", "random:model"]);
    assert_eq!(flagged.code, Some(0), "{}", flagged.stderr);
    let warning = "warning: x: AUROC on test is the mean over 1 of 2 targets; without a score, because their true values \
                   on test are all the same or missing: \"b\"";
    assert!(flagged.stdout.contains(warning), "{}", flagged.stdout);
    let table: Vec<&str> = flagged.stdout.lines().filter(|line| line.contains(" kmer-4 ")).collect();
    assert!(
        table[0].contains("1 of 2 targets, few-examples") || table[0].contains("1 of 2 targets"),
        "{table:?}"
    );
    assert!(flagged.stdout.contains("on target macro (1 of 2 targets)"), "{}", flagged.stdout);
    csv(folder, "a,b,split", |row| format!("{},{},{}", row % 2, u8::from(row.is_multiple_of(3)), split(row)));
    let whole = probe(folder, &["--target", "a,b", "--model", "random:model"]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    assert!(!whole.stdout.contains("of 2 targets"), "{}", whole.stdout);
}

#[test]
fn what_embed_wrote_from_a_file_is_found_by_probe() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_suite(folder);
    for header in ["id,label", "name,label", "gene,label"] {
        // Genes repeat; the others are unique.
        csv(folder, header, |row| {
            let id = if header.starts_with("gene") { format!("g{}", row / 2) } else { format!("r{row}") };
            format!("{id},{}", row % 2)
        });
        for output in ["own.npy", "own.safetensors", "own.parquet"] {
            run_well(
                folder,
                &["embed", "--model", "random:model", "--input", "x.csv", "--output", output, "--no-cache"],
            );
            let ended = probe(folder, &["--target", "label", "--embeddings", output]);
            assert_eq!(ended.code, Some(0), "{header} {output}: {}", ended.stderr);
            assert!(ended.stdout.contains(" own "), "{}", ended.stdout);
        }
        // Rows in another order are still joined by their ids, where there are ids.
        if header.starts_with("id") {
            let text = std::fs::read_to_string(folder.join("x.csv")).unwrap();
            let (head, body) = text.split_once('\n').unwrap();
            let reversed: Vec<&str> = body.lines().rev().collect();
            write(folder, "x.csv", &format!("{head}\n{}\n", reversed.join("\n")));
            assert_eq!(probe(folder, &["--target", "label", "--embeddings", "own.npy"]).code, Some(0));
        }
    }
    // Embeddings of another file are not taken for this one.
    write(folder, "other.csv", &format!("id,sequence\nz1,{}\nz2,{}\n", letters(1), letters(2)));
    run_well(
        folder,
        &["embed", "--model", "random:model", "--input", "other.csv", "--output", "z.npy", "--no-cache"],
    );
    let ended = probe(folder, &["--target", "label", "--embeddings", "z.npy"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("200 of 200 examples have no embedding"), "{}", ended.stderr);
}

#[test]
fn lost_letters_and_long_sequences_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_suite(folder);
    let embed = |text: &str| {
        write(folder, "e.fa", text);
        run(
            folder,
            &["embed", "--model", "random:model", "--input", "e.fa", "--output", "e.npy", "--no-cache"],
        )
    };
    let protein = embed(">p1\nMKHVRDGASTNYWCMKHV\n");
    assert_eq!(protein.code, Some(0), "{}", protein.stderr);
    let said = "13 of 18 letters (72.22%) are ambiguity codes and became N: are these proteins?";
    assert!(protein.stderr.contains(said), "{}", protein.stderr);
    let unknown = embed(">a\nNNNN\n>b\nACGT\n");
    assert!(unknown.stderr.contains("1 of 2 sequences have no known base"), "{}", unknown.stderr);
    let plain = embed(">a\nACGT\n>b\nacgu\n");
    assert!(!plain.stderr.contains("note:"), "{}", plain.stderr);

    csv(folder, "label", |row| (row % 2).to_string());
    assert_eq!(probe(folder, &["--target", "label"]).code, Some(0));
    let cell = "x/onehot/-/-/flatten/linear/1";
    let mixed = format!(">r1\n{}\n>gaps\n{}\n>long\n{}\n", letters(1), "N".repeat(36), "ACGT".repeat(20));
    write(folder, "mix.fa", &mixed);
    let long = run_well(folder, &["predict", "out", "--cell", cell, "--input", "mix.fa"]);
    assert_eq!(long.stdout.lines().count(), 4, "{}", long.stdout);
    assert!(
        long.stderr.contains("no prediction: \"long\" is too long (80 bases)\n  hint: "),
        "{}",
        long.stderr
    );
    write(folder, "mix.fa", mixed.split(">long").next().unwrap());
    let rest = run_well(folder, &["predict", "out", "--cell", cell, "--input", "mix.fa"]);
    assert_eq!(rest.stdout.lines().count(), 3, "{}", rest.stdout);
    assert!(rest.stderr.contains("1 of 2 sequences have no known base"), "{}", rest.stderr);
}
