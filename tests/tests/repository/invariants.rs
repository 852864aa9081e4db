//! Invariants of ARCHITECTURE.md and rules of CONTRIBUTING.md that can be read off the sources. Each rule is one row: what
//! must not be written, and where it may be. Comments are not looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::files::{files, texts};

/// What only some files may contain: the rule, the text in the code, and the beginnings of paths that may have it.
const CONFINED: &[(&str, &[&str], &[&str])] = &[
    (
        "tensors stay in models, embed, neural and pretrain; `doctor` computes one product as a check",
        &["tch::Tensor", "Tensor,", "Tensor}"],
        &[
            "crates/seqprobe-models/",
            "crates/seqprobe-embed/",
            "crates/seqprobe-neural/",
            "crates/seqprobe-pretrain/",
            "crates/seqprobe/src/commands/doctor.rs",
        ],
    ),
    ("only the hub client uses the network", &["ureq", "std::net::Tcp"], &["crates/seqprobe-hub/"]),
    ("random choices come from seeds", &["rand::rng()", "thread_rng", "from_os_rng", "from_entropy"], &[]),
    (
        "the clock is read only for ages of files and the date of a run",
        &["SystemTime::now"],
        &[
            "crates/seqprobe-embed/src/cache/",
            "crates/seqprobe-files/",
            "crates/seqprobe-study/src/store/",
            "crates/seqprobe-study/src/run/provenance.rs",
        ],
    ),
    (
        "files are written through seqprobe-files; locks are empty, and downloads are resumed",
        &["fs::write(", " File::create(", "(File::create(", ":File::create("],
        &[
            "crates/seqprobe-files/",
            "crates/seqprobe-hub/",
            "crates/seqprobe-embed/src/cache/entry_locks.rs",
            "crates/seqprobe-pretrain/src/output.rs",
        ],
    ),
];

/// What core and stats must not use: they do no input or output.
const INPUT_AND_OUTPUT: &[&str] =
    &["std::fs", "std::io", "std::net", "std::env", "std::process", "println!", "eprintln!"];

/// The lines of program code below `crates/*/src` with their numbers: no comments, and nothing from the first
/// `#[cfg(test)]` on. Files that hold only tests are left out by their names.
fn code(path: &Path, text: &str) -> Vec<(usize, String)> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let of_tests = name.contains("test") || name.contains("fixtures") || name.contains("parity");
    if of_tests || path.components().nth(2).is_none_or(|part| part.as_os_str() != "src") {
        return Vec::new();
    }
    let program =
        text.lines().enumerate().take_while(|(_, line)| !line.trim_start().starts_with("#[cfg(test)]"));
    program
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

/// The modules that a file declares as tests only: `#[cfg(test)] mod name;`.
fn test_modules(texts: &[(PathBuf, String)]) -> Vec<String> {
    let declared = texts.iter().flat_map(|(_, text)| {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let pairs = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
        pairs
            .filter_map(|pair| Some(format!("/{}.rs", pair[1].strip_prefix("mod ")?.strip_suffix(';')?)))
            .collect::<Vec<_>>()
    });
    declared.collect()
}

fn sources() -> Vec<(PathBuf, Vec<(usize, String)>)> {
    let texts: Vec<_> = texts(&[".rs"]).into_iter().filter(|(path, _)| path.starts_with("crates")).collect();
    let of_tests = test_modules(&texts);
    texts
        .iter()
        .filter(|(path, _)| !of_tests.iter().any(|module| path.to_string_lossy().ends_with(module.as_str())))
        .map(|(path, text)| (path.clone(), code(path, text)))
        .collect()
}

#[test]
fn what_is_confined_stays_where_it_may_be() {
    let mut found = Vec::new();
    for (path, lines) in sources() {
        let place = path.to_string_lossy().into_owned();
        for (rule, parts, allowed) in CONFINED {
            if allowed.iter().any(|beginning| place.starts_with(beginning)) {
                continue;
            }
            let broken = lines.iter().filter(|(_, line)| parts.iter().any(|part| line.contains(part)));
            found.extend(broken.map(|(number, line)| format!("{place}:{number}: {rule}: {}", line.trim())));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn core_and_stats_do_no_input_or_output() {
    let mut found = Vec::new();
    for (path, lines) in sources() {
        if ["crates/seqprobe-core", "crates/seqprobe-stats"].iter().any(|crate_| path.starts_with(crate_)) {
            let broken =
                lines.iter().filter(|(_, line)| INPUT_AND_OUTPUT.iter().any(|part| line.contains(part)));
            found
                .extend(broken.map(|(number, line)| format!("{}:{number}: {}", path.display(), line.trim())));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// The folder of the package that a file belongs to: `crates/NAME` or `tests`.
fn package(path: &Path) -> PathBuf {
    path.components().take(if path.starts_with("crates") { 2 } else { 1 }).collect()
}

#[test]
fn every_package_has_one_binary_of_integration_tests() {
    let mut binaries: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in files() {
        let package = package(&path);
        let Ok(inner) = path.strip_prefix(package.join("tests")) else { continue };
        let is_binary = match inner.components().count() {
            1 => inner.extension().is_some_and(|ending| ending == "rs"),
            2 => inner.ends_with("main.rs"),
            _ => false,
        };
        if is_binary {
            binaries.entry(package).or_default().push(path);
        }
    }
    // The package of end-to-end tests has a second one for what needs no program.
    let most = |package: &Path| if package == Path::new("tests") { 2 } else { 1 };
    binaries.retain(|package, paths| paths.len() > most(package));
    assert!(binaries.is_empty(), "{binaries:#?}");
}

#[test]
fn every_package_has_one_helper_that_skips() {
    let mark = concat!("\"skipped", ": ");
    let mut places: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for (path, text) in texts(&[".rs"]) {
        let n_helpers =
            text.lines().filter(|line| line.contains(mark) && !line.trim_start().starts_with("//")).count();
        places.entry(package(&path)).or_default().extend(std::iter::repeat_n(path, n_helpers));
    }
    places.retain(|_, paths| paths.len() > 1);
    assert!(places.is_empty(), "more than one place prints that a test is skipped: {places:#?}");
}
