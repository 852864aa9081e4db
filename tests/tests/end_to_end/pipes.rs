//! Data from pipes and standard input: every row, in every command that takes a file of sequences.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{Ended, command, rows, run_well, small_suite, write};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// Runs the program with some text on its standard input.
fn with_stdin(folder: &Path, arguments: &[&str], text: &str) -> Ended {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = text.to_owned();
    // A program that refuses its arguments closes the pipe early; its exit code is what counts.
    let writer = std::thread::spawn(move || drop(input.write_all(text.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Sequences of 57 letters, some with TATAAA in the middle; with `>0000` and line ends a record has 64 bytes.
fn bases(row: usize) -> String {
    let mut letters: Vec<char> =
        (0..57).map(|at| ['A', 'C', 'G', 'T'][(row * 7 + at * (1 + row % 5) + row / 64) % 4]).collect();
    if row.is_multiple_of(2) {
        letters.splice(20..26, "TATAAA".chars());
    }
    letters.into_iter().collect()
}

fn fasta(n_rows: usize) -> String {
    (0..n_rows).map(|row| format!(">{row:04}\n{}\n", bases(row))).collect()
}

fn table(n_rows: usize) -> String {
    let rows: String = (0..n_rows).map(|row| format!("{row:04},{},{}\n", bases(row), 1 - row % 2)).collect();
    format!("id,sequence,label\n{rows}")
}

#[test]
fn a_pipe_gives_the_results_of_the_file_and_all_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_suite(at);
    write(at, "x.csv", &table(240));
    let rest = ["--target", "label", "--probes", "linear", "--controls", "none", "--seeds", "1"];
    run_well(at, &[&["probe", "x.csv"], &rest[..], &["--out", "file"]].concat());
    let ended = with_stdin(at, &[&["probe", "-"], &rest[..], &["--out", "pipe"]].concat(), &table(240));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let points = |out: &str| -> Vec<String> {
        rows(&at.join(out).join("results.csv"))
            .into_iter()
            .map(|mut row| row.remove("point").unwrap())
            .collect()
    };
    assert!(!points("file").is_empty());
    assert_eq!(points("pipe"), points("file"));

    // A saved card could not read a pipe again.
    let ended = with_stdin(at, &[&["probe", "-"], &rest[..], &["--save", "saved"]].concat(), &table(240));
    assert_ne!(ended.code, Some(0));
    assert!(ended.stderr.contains("write it to a file first"), "{}", ended.stderr);
    assert!(!at.join("saved").exists());

    let listed = run_well(at, &["predict", "file"]).stdout;
    let cell = listed.lines().next().unwrap().split_whitespace().next().unwrap();
    write(at, "x.fa", &fasta(3000));
    let of = |input: &str| ["predict", "file", "--cell", cell, "--input", input].map(str::to_owned);
    let of_file = run_well(at, &of("x.fa").each_ref().map(String::as_str)).stdout;
    assert_eq!(of_file.lines().count(), 3001);
    for input in ["-", "/dev/stdin"] {
        let ended = with_stdin(at, &of(input).each_ref().map(String::as_str), &fasta(3000));
        assert_eq!((ended.code, ended.stdout == of_file), (Some(0), true), "{input}: {}", ended.stderr);
    }
}

#[test]
fn embeddings_of_a_pipe_are_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_suite(at);
    write(at, "x.fa", &fasta(1500));
    run_well(at, &["embed", "--model", "random:model", "--input", "x.fa", "--output", "file.npy"]);
    let arguments = ["embed", "--model", "random:model", "--input", "-", "--output", "pipe.npy"];
    let ended = with_stdin(at, &arguments, &fasta(1500));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("wrote 1500 × "), "{}", ended.stdout);
    for name in ["npy", "ids.txt"] {
        let [file, pipe] =
            ["file", "pipe"].map(|stem| std::fs::read(at.join(format!("{stem}.{name}"))).unwrap());
        assert!(file == pipe, "{name}");
    }
}
