//! Compares the table of which crate may depend on which with the manifests, and keeps versions in one place. It reads
//! only manifests and the lock file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::root;
use toml::Table;

/// Crate → the crates of ours that its normal dependencies may name. A new crate needs a line here.
const ALLOWED: &[(&str, &[&str])] = &[
    ("seqprobe-core", &[]),
    ("seqprobe-stats", &[]),
    ("seqprobe-files", &[]),
    ("seqprobe-hub", &["seqprobe-files"]),
    ("seqprobe-data", &["seqprobe-core", "seqprobe-files"]),
    ("seqprobe-models", &["seqprobe-core", "seqprobe-files", "seqprobe-hub"]),
    ("seqprobe-embed", &["seqprobe-core", "seqprobe-files", "seqprobe-models"]),
    ("seqprobe-linear", &["seqprobe-core"]),
    ("seqprobe-neural", &["seqprobe-core"]),
    ("seqprobe-pretrain", &["seqprobe-core", "seqprobe-data", "seqprobe-files", "seqprobe-models"]),
    ("seqprobe-report", &["seqprobe-core", "seqprobe-files", "seqprobe-stats"]),
    (
        "seqprobe",
        &[
            "seqprobe-core",
            "seqprobe-stats",
            "seqprobe-data",
            "seqprobe-models",
            "seqprobe-embed",
            "seqprobe-linear",
            "seqprobe-neural",
            "seqprobe-pretrain",
            "seqprobe-report",
        ],
    ),
    ("seqprobe-tests", &[]),
];

/// The crates that may hold tensors.
const WITH_LIBTORCH: &[&str] =
    &["seqprobe-models", "seqprobe-embed", "seqprobe-neural", "seqprobe-pretrain", "seqprobe"];

/// Packages that would bring a second array type, a BLAS that needs a system library, or a C regular-expression
/// engine: name parts, looked for in the lock file.
const UNWANTED: &[&str] = &["openblas", "blas-src", "intel-mkl", "onig"];

fn read(path: &PathBuf) -> Table {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every member's manifest by package name: the folders in `crates`, and `tests`.
fn members() -> BTreeMap<String, Table> {
    let crates = std::fs::read_dir(root().join("crates")).expect("the crates folder");
    let folders = crates.map(|entry| entry.expect("readable").path());
    folders
        .chain([root().join("tests")])
        .map(|folder| folder.join("Cargo.toml"))
        .filter(|manifest| manifest.exists())
        .map(|manifest| {
            let table = read(&manifest);
            (table["package"]["name"].as_str().expect("a name").to_owned(), table)
        })
        .collect()
}

/// The dependency tables of a manifest, those under `[target.…]` included, without the development ones.
fn dependencies(manifest: &Table, kinds: &[&str]) -> Table {
    let platforms = manifest.get("target").and_then(|target| target.as_table()).into_iter().flatten();
    let tables = platforms.filter_map(|(_, table)| table.as_table()).chain([manifest]);
    tables
        .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
        .flat_map(|table| table.iter().map(|(name, value)| (name.clone(), value.clone())))
        .collect()
}

const NORMAL: &[&str] = &["dependencies", "build-dependencies"];
const ALL: &[&str] = &["dependencies", "build-dependencies", "dev-dependencies"];

#[test]
fn crates_depend_only_in_the_allowed_direction() {
    for (name, manifest) in members() {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            panic!("{name} has no line in the table ALLOWED of this test");
        };
        for dependency in dependencies(&manifest, NORMAL).keys() {
            assert!(
                !dependency.starts_with("seqprobe") || allowed.contains(&dependency.as_str()),
                "{name} depends on {dependency}, allowed are {allowed:?}"
            );
        }
    }
}

#[test]
fn tensors_stay_in_the_crates_that_may_hold_them() {
    for (name, manifest) in members() {
        for dependency in ["tch", "torch-sys"] {
            assert!(
                WITH_LIBTORCH.contains(&name.as_str())
                    || !dependencies(&manifest, ALL).contains_key(dependency),
                "{name} depends on {dependency}, allowed are {WITH_LIBTORCH:?}"
            );
        }
    }
}

#[test]
fn versions_are_only_in_the_root_manifest() {
    let listed = read(&root().join("Cargo.toml"))["workspace"]["dependencies"].clone();
    for (name, manifest) in members() {
        for (dependency, value) in dependencies(&manifest, ALL) {
            let inherits = value.get("workspace").and_then(|value| value.as_bool()) == Some(true);
            assert!(inherits, "{name}: {dependency} must be written `{dependency}.workspace = true`");
            assert!(listed.get(&dependency).is_some(), "{name}: {dependency} is not in the root manifest");
        }
    }
}

#[test]
fn every_listed_version_is_used() {
    let listed = read(&root().join("Cargo.toml"))["workspace"]["dependencies"].clone();
    let used: Vec<String> =
        members().values().flat_map(|manifest| dependencies(manifest, ALL)).map(|(name, _)| name).collect();
    for name in listed.as_table().expect("a table").keys() {
        assert!(used.contains(name), "{name} is in the root manifest and no crate uses it");
    }
}

#[test]
fn every_member_uses_the_lints_and_facts_of_the_workspace() {
    for (name, manifest) in members() {
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{name}: [lints] workspace = true");
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            let value = &manifest["package"][key];
            assert_eq!(
                value.get("workspace").and_then(|value| value.as_bool()),
                Some(true),
                "{name}: {key} must be inherited"
            );
        }
    }
}

#[test]
fn the_lock_file_has_one_ndarray_and_no_unwanted_package() {
    let lock = read(&root().join("Cargo.lock"));
    let packages = lock["package"].as_array().expect("packages");
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    assert_eq!(names.iter().filter(|name| **name == "ndarray").count(), 1, "one array type between crates");
    for name in names {
        assert!(!UNWANTED.iter().any(|part| name.contains(part)), "{name} is not wanted in this project");
    }
}
