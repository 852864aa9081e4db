//! Hints name options that exist. What the readers of data say is seen by `embed`, `predict` and `probe`, so each of
//! these has every option that they name.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{root, run_well};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// An option of another program, an option with an old name that no help text shows, and a colour of the HTML report.
const OTHERS: &[&str] = &["--test", "--truncate", "--card"];

/// The words `--name` of a text.
fn options(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let starts = text.match_indices("--").filter(|(at, _)| !text[..*at].ends_with(is_part));
    let words = starts.map(|(at, _)| text[at..].split(|letter| !is_part(letter)).next().unwrap_or_default());
    words.filter(|word| word.len() > 3 && !word.starts_with("---")).map(str::to_owned).collect()
}

/// Commands of a help text.
fn commands(help: &str) -> Vec<String> {
    let Some((_, list)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = list.lines().take_while(|line| !line.is_empty());
    let words = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    words
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .map(str::to_owned)
        .collect()
}

/// The options of every command, by its words.
fn parser() -> BTreeMap<String, BTreeSet<String>> {
    let help = |words: &[&str]| run_well(&root(), &[words, &["--help"]].concat()).stdout;
    let mut found = BTreeMap::new();
    for command in commands(&help(&[])) {
        let text = help(&[&command]);
        for one in commands(&text) {
            found.insert(format!("{command} {one}"), options(&help(&[&command, &one])));
        }
        found.insert(command, options(&text));
    }
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

/// The options that the code of a file names outside of comments and tests.
fn named_in(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    options(&lines.join("\n")).into_iter().filter(|option| !OTHERS.contains(&option.as_str())).collect()
}

#[test]
fn every_option_that_a_message_names_exists() {
    let parser = parser();
    assert!(parser["embed"].contains("--input") && parser.contains_key("data check"), "{parser:?}");
    let all: BTreeSet<&String> = parser.values().flatten().collect();
    let (mut n_named, mut unknown) = (0, Vec::new());
    for folder in std::fs::read_dir(root().join("crates")).unwrap() {
        for path in sources(&folder.unwrap().path().join("src")) {
            for option in named_in(&path) {
                n_named += 1;
                if !all.contains(&option) {
                    unknown.push(format!("{}: {option}", path.display()));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "no command has these options: {unknown:#?}");
    assert!(n_named > 30, "{n_named}");
}

#[test]
fn what_readers_of_data_name_is_in_every_command_that_reads_data() {
    let parser = parser();
    let shared = ["--sequence", "--id", "--delimiter", "--no-header"];
    let mut named: BTreeSet<String> = shared.map(str::to_owned).into();
    for path in sources(&root().join("crates/seqprobe-data/src/read")) {
        named.extend(named_in(&path));
    }
    // These are written for another command, which the message names.
    let of_probe = ["--save", "--embeddings"].map(str::to_owned);
    for command in ["embed", "predict", "probe"] {
        for option in named.iter().filter(|option| !of_probe.contains(option)) {
            assert!(parser[command].contains(option), "{command} has no {option}");
        }
    }
}
