//! Compares the table of crates in ARCHITECTURE.md with the manifests, and keeps versions in one place. It reads only
//! that page, manifests and the lock file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::root;
use toml::Table;

/// The package of these tests; it may depend on none of the crates.
const TESTS: &str = "seqprobe-tests";

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

/// A row of the table of crates in ARCHITECTURE.md.
struct Row {
    name: String,
    depends_on: BTreeSet<String>,
    may_hold_tensors: bool,
}

/// The table of crates in ARCHITECTURE.md: `| crate | purpose | depends on | libtorch |`.
fn documented_crates() -> Vec<Row> {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let rows = page.lines().filter(|line| line.starts_with("| `seqprobe"));
    rows.map(|row| {
        let [name, _, depends_on, libtorch] =
            row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>()[..]
        else {
            panic!("a row of the table of crates has four columns: {row}")
        };
        let names = depends_on.split(", ").filter(|name| *name != "–");
        Row {
            name: name.trim_matches('`').to_owned(),
            depends_on: names.map(|name| format!("seqprobe-{name}")).collect(),
            may_hold_tensors: libtorch == "yes",
        }
    })
    .collect()
}

/// The crates of ours in a manifest's normal dependencies.
fn own_dependencies(manifest: &Table) -> BTreeSet<String> {
    dependencies(manifest, NORMAL).keys().filter(|name| name.starts_with("seqprobe")).cloned().collect()
}

#[test]
fn crates_depend_on_what_the_architecture_page_says() {
    let mut members = members();
    assert_eq!(own_dependencies(&members.remove(TESTS).expect("the package of tests")), BTreeSet::new());
    let mut above = BTreeSet::new();
    for Row { name, depends_on, .. } in documented_crates() {
        let manifest = members.remove(&name).unwrap_or_else(|| panic!("ARCHITECTURE.md: there is no {name}"));
        assert_eq!(own_dependencies(&manifest), depends_on, "{name}: Cargo.toml and ARCHITECTURE.md");
        assert!(depends_on.is_subset(&above), "{name} depends on a crate below it in the table");
        above.insert(name);
    }
    assert!(members.is_empty(), "not in the table of ARCHITECTURE.md: {:?}", members.keys());
}

#[test]
fn tensors_stay_in_the_crates_that_may_hold_them() {
    let rows = documented_crates();
    let members = members();
    let with_tensors: BTreeSet<&str> =
        rows.iter().filter(|row| row.may_hold_tensors).map(|row| row.name.as_str()).collect();
    assert!(with_tensors.contains("seqprobe-models") && !with_tensors.contains("seqprobe-core"));
    for row in rows.iter().filter(|row| !row.may_hold_tensors) {
        let names = dependencies(&members[&row.name], ALL);
        for name in names.keys().map(String::as_str) {
            assert!(
                !["tch", "torch-sys"].contains(&name) && !with_tensors.contains(name),
                "{} depends on {name}, and ARCHITECTURE.md says that it needs no libtorch",
                row.name
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
