//! What a suite that grows computes again: the new cells, and nothing else. Cells are named by the run record.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{run_well, small_suite, write};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Runs the suite of a folder; whether each scored cell with a fit was reused, by its name.
fn cells(folder: &Path) -> BTreeMap<String, bool> {
    run_well(folder, &["run", "suite.toml", "--out", "out"]);
    let run: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("out/run.json")).unwrap()).unwrap();
    let name = |cell: &serde_json::Value| {
        let part = |key: &str| cell["id"][key].as_str().unwrap().to_owned();
        ["dataset", "representation", "layer", "pooling", "probe", "fraction"].map(part).join(" ")
    };
    run["cells"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|cell| cell["status"] == "ok" && cell["id"]["probe"] != "-")
        .map(|cell| (name(cell), cell["reused"].as_bool().unwrap()))
        .collect()
}

/// The cells that were computed, after a check that all others were read, and that there are so many of them.
fn computed(cells: &BTreeMap<String, bool>, n_read: usize) -> Vec<&str> {
    assert_eq!(cells.values().filter(|is_read| **is_read).count(), n_read, "{cells:#?}");
    cells.iter().filter(|(_, is_read)| !**is_read).map(|(name, _)| name.as_str()).collect()
}

/// The suite of a folder with a text replaced.
fn change(folder: &Path, from: &str, to: &str) {
    let path = folder.join("suite.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    write(folder, "suite.toml", &text.replacen(from, to, 1));
}

#[test]
fn a_suite_that_grows_computes_its_new_cells_only() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_suite(folder);
    change(folder, ", \"sim:null\"", "");
    let first = cells(folder);
    assert_eq!(computed(&first, 0).len(), 7);
    assert_eq!(computed(&cells(folder), 7), [""; 0]);

    // A representation.
    change(folder, "id = \"kmer-2\"", "id = \"kmer-2\"\n[[representation]]\nid = \"kmer-3\"");
    assert_eq!(computed(&cells(folder), 7), ["sim:motif-fixed kmer-3 - mean linear 1"]);

    // A layer of a model: the others are read.
    change(folder, "layers = [0, \"final\"]", "layers = [0, 2, \"final\"]");
    assert_eq!(computed(&cells(folder), 8), ["sim:motif-fixed random:model 2 mean linear 1"]);

    // A probe.
    change(folder, "[[probe]]", "[[probe]]\nid = \"mlp\"\nepochs = 2\n[[probe]]");
    let with_probe = cells(folder);
    let new = computed(&with_probe, 9);
    assert_eq!(new.len(), 7, "{new:?}");
    assert!(new.iter().all(|name| name.contains(" mlp ")), "{new:?}");

    // A fraction: what is fitted on all of train is the same cell with and without it.
    change(folder, "replicates = 200", "replicates = 200\nfractions = [0.25, 1.0]\ndraws = 2");
    let with_fraction = cells(folder);
    let new = computed(&with_fraction, 16);
    // All but shuffled labels, which are fitted on all of train only.
    assert_eq!(new.len(), 15, "{new:?}");
    assert!(new.iter().all(|name| name.ends_with(" 0.25")), "{new:?}");
    change(folder, "fractions = [0.25, 1.0]", "fractions = [0.25, 0.5]");
    let new = cells(folder);
    let new = computed(&new, 31);
    assert_eq!(new.len(), 15, "{new:?}");
    assert!(new.iter().all(|name| name.ends_with(" 0.5")), "{new:?}");

    // Margin and replicates concern no fit.
    change(folder, "replicates = 200", "replicates = 300\nmargin = 0.05");
    assert_eq!(computed(&cells(folder), 46), [""; 0]);
}
