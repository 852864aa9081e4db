//! Running the built program from end-to-end tests. It holds no test and knows none of the crates.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The program that `make build` puts into the folder above the running test.
///
/// # Panics
/// When it is not there.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let program =
        test.ancestors().nth(2).map(|folder| folder.join("seqprobe")).expect("target/release/deps/test");
    assert!(program.exists(), "{} is not built: run `make build` first", program.display());
    program
}

/// Reports that a test, or a part of one, did not run, and why. The caller returns afterwards. `.ci/run` counts
/// these lines.
#[expect(clippy::print_stdout, reason = "the harness shows what a test prints")]
pub fn skip(reason: &str) {
    println!("skipped: {reason}");
}

/// A run of the program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; `None` when it was killed.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// The program with arguments, run from `folder`, its cache inside of it.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .current_dir(folder)
        .env("SEQPROBE_CACHE_DIR", folder.join("cache"))
        .env_remove("SEQPROBE_DATA_DIR")
        .env_remove("RUST_BACKTRACE");
    command
}

/// Runs the program to its end.
///
/// # Panics
/// When it cannot be started.
pub fn run(folder: &Path, arguments: &[&str]) -> Ended {
    let Output { status, stdout, stderr } = command(folder, arguments).output().expect("the program starts");
    Ended {
        code: status.code(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// Runs the program and demands exit code 0.
///
/// # Panics
/// When it ends with another code; the message holds what it printed.
pub fn run_well(folder: &Path, arguments: &[&str]) -> Ended {
    let ended = run(folder, arguments);
    assert_eq!(ended.code, Some(0), "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
    ended
}

/// Puts the digest of a changed file into its card, from the error that names the old and the new one.
///
/// # Panics
/// When the card is not refused for one digest.
pub fn accept_new_digest(folder: &Path, card: &str) {
    let refused = run(folder, &["data", "show", card]);
    let digests: Vec<&str> = refused
        .stderr
        .split(|letter: char| !letter.is_ascii_hexdigit())
        .filter(|word| word.len() == 64)
        .collect();
    assert_eq!(digests.len(), 2, "{}", refused.stderr);
    let path = folder.join(card);
    let text = std::fs::read_to_string(&path).expect("the card is there");
    let (old, new) =
        if text.contains(digests[0]) { (digests[0], digests[1]) } else { (digests[1], digests[0]) };
    std::fs::write(&path, text.replace(old, new)).expect("files can be written");
}

/// Writes a file below a folder, making the folders between.
///
/// # Panics
/// When it cannot be written.
pub fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("folders can be made");
    std::fs::write(&path, text).expect("files can be written");
    path
}

/// A suite on two small simulated tasks with one-hot, 2-mers and a random model.
pub fn small_suite(folder: &Path) -> PathBuf {
    let model = root().join("benchmarks/models/gpn-tiny");
    for file in ["config.json", "vocab.txt"] {
        let text = std::fs::read_to_string(model.join(file)).expect("the tiny model is there");
        write(folder, &format!("model/{file}"), &text);
    }
    write(folder, "suite.toml", SMALL_SUITE)
}

/// The text of [`small_suite`].
pub const SMALL_SUITE: &str = r#"schema = 1
name = "small"
seeds = [0, 1]
replicates = 200
datasets = ["sim:motif-fixed", "sim:null"]
[simulate]
train = 200
valid = 80
test = 120
length = 40
[[representation]]
id = "onehot"
[[representation]]
id = "kmer-2"
[[representation]]
model = "random:model"
layers = [0, "final"]
pooling = ["mean", "cls"]
[[probe]]
id = "linear"
[[probe]]
id = "cnn"
epochs = 2
"#;

/// The rows of a CSV file as maps from column to text.
///
/// # Panics
/// When the file is not CSV.
pub fn rows(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    csv::Reader::from_path(path).expect("a CSV file").deserialize().map(|row| row.expect("a row")).collect()
}
