//! Rules about the files that git holds: what each file starts with, how big it may be, and what it may
//! not contain. Formatting and lints are checked by other tools.

use std::path::{Path, PathBuf};
use std::process::Command;

use seqprobe_tests::skip;

use crate::{documents, root};

const LARGEST_FILE: u64 = 1 << 20;

/// The one file that may be larger, and how large: weights that a user without network starts with.
const LARGER: (&str, u64) = ("benchmarks/models/seqprobe-mini/model.safetensors", 4_000_000);

/// The files in git's index that are there, relative to the root; none without git or outside of a clone.
pub(crate) fn files() -> Vec<PathBuf> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else { return Vec::new() };
    let list = String::from_utf8(output.stdout).expect("paths are UTF-8");
    list.split('\0').filter(|path| root().join(path).is_file()).map(PathBuf::from).collect()
}

/// The text files whose name ends in one of `endings`, with their content; this file is left out.
pub(crate) fn texts(endings: &[&str]) -> Vec<(PathBuf, String)> {
    files()
        .into_iter()
        .filter(|path| !path.ends_with("tests/tests/repository/files.rs"))
        .filter(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)))
        .map(|path| {
            let content = std::fs::read(root().join(&path)).expect("readable");
            (path, String::from_utf8(content).expect("text files are UTF-8"))
        })
        .collect()
}

/// Each `path:line: text` in which `rule` finds something.
fn offences(endings: &[&str], rule: impl Fn(&str) -> bool) -> Vec<String> {
    texts(endings)
        .iter()
        .flat_map(|(path, text)| {
            text.lines()
                .enumerate()
                .filter(|(_, line)| rule(line))
                .map(move |(number, line)| format!("{}:{}: {}", path.display(), number + 1, line.trim()))
        })
        .collect()
}

/// Whether git lists files here; otherwise the test is skipped.
fn in_a_clone() -> bool {
    let listed = !files().is_empty();
    if !listed {
        skip("not a git clone, or git is not installed");
    }
    listed
}

#[test]
fn every_rust_file_says_what_it_is_for() {
    if !in_a_clone() {
        return;
    }
    let silent: Vec<PathBuf> = texts(&[".rs"])
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(silent.is_empty(), "these files do not start with `//!`: {silent:#?}");
}

#[test]
fn no_file_is_larger_than_a_mebibyte() {
    if !in_a_clone() {
        return;
    }
    let size = |path: &Path| std::fs::metadata(root().join(path)).expect("there").len();
    let limit = |path: &Path| if path == Path::new(LARGER.0) { LARGER.1 } else { LARGEST_FILE };
    let large: Vec<PathBuf> = files().into_iter().filter(|path| size(path) > limit(path)).collect();
    assert!(large.is_empty(), "{large:#?}");
}

#[test]
fn no_test_is_ignored_and_no_lint_is_switched_off_without_a_reason() {
    if !in_a_clone() {
        return;
    }
    let found = offences(&[".rs"], |line| {
        ["#[ignore", "#[allow(", "#![allow("].iter().any(|mark| line.trim_start().starts_with(mark))
    });
    assert!(found.is_empty(), "use #[expect(lint, reason = \"…\")], and run every test: {found:#?}");
}

#[test]
fn no_text_names_a_place_on_somebodys_machine() {
    if !in_a_clone() {
        return;
    }
    let endings = [".rs", ".toml", ".md", ".py", ".yml", ".sh", "Makefile", ".ci/run"];
    let found = offences(&endings, |line| {
        ["/root/", "/home/", "/Users/", "/tmp/", "/work/"].iter().any(|place| names(line, place))
    });
    assert!(found.is_empty(), "{found:#?}");
}

/// The words in back-quotes that look like a path: they hold a slash and nothing that a path cannot.
fn quoted_paths(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| word.contains('/') && !word.starts_with(['/', '~']))
        .filter(|word| word.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter)))
        .collect()
}

/// The folders of the repository that documents name files in. Runs are in `reports`, which git does not hold.
const FOLDERS: &[&str] = &["crates/", "benchmarks/", "datasets/", "docs/", "tests/", ".ci/", ".github/"];

#[test]
fn paths_in_documents_exist() {
    let mut n_paths = 0;
    let mut gone = Vec::new();
    // The changelog names files of earlier versions.
    for document in documents().into_iter().filter(|document| document.path != Path::new("CHANGELOG.md")) {
        for (number, line) in &document.lines {
            let ours = |path: &&str| FOLDERS.iter().any(|folder| path.starts_with(folder));
            for path in quoted_paths(line).into_iter().filter(ours).filter(|path| !path.contains("/ID.")) {
                n_paths += 1;
                if !root().join(path).exists() {
                    gone.push(format!("{}:{number}: {path}", document.path.display()));
                }
            }
        }
    }
    assert!(gone.is_empty(), "these files are not there: {gone:#?}");
    assert!(n_paths > 30 || documents().is_empty(), "only {n_paths} paths were found");
}

#[test]
fn the_road_of_the_architecture_page_exists() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there");
    let road = page.split("\n## ").find(|section| section.starts_with("The road")).expect("the road");
    let is_file = |word: &&str| word.ends_with(".rs") && !word.starts_with("crates/");
    let files: Vec<&str> = road.split('`').skip(1).step_by(2).filter(is_file).collect();
    assert!(files.len() > 10, "{files:?}");
    let study = root().join("crates/seqprobe-study/src");
    let gone: Vec<&&str> = files.iter().filter(|file| !study.join(file).exists()).collect();
    assert!(gone.is_empty(), "ARCHITECTURE.md names files of seqprobe-study that are not there: {gone:?}");
}

/// Whether the line contains an absolute path below `place`: `example.org/home/` and `a/tmp/` do not count.
fn names(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-}>)/".contains(before))
    })
}

#[test]
fn absolute_paths_are_told_from_relative_ones() {
    assert!(names("let x = \"/tmp/a\";", "/tmp/"));
    assert!(names("see /home/me/x", "/home/"));
    assert!(!names("https://example.org/home/x", "/home/"));
    assert!(!names("target/tmp/x and $(OUT)/tmp/x", "/tmp/"));
}
