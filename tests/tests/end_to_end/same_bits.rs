//! The same stored features, seeds and threads give the same bits, in any order of the cells in a suite; neural fits
//! with any number of threads.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{run_well, small_suite, write};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const HEAD: &str = r#"schema = 1
name = "order"
seeds = [0, 1]
replicates = 100
controls = false
[simulate]
train = 120
valid = 60
test = 60
length = 30
"#;

/// A suite whose datasets, representations and probes are in this order, or in the opposite one.
fn suite(reversed: bool) -> String {
    let mut datasets = ["\"sim:motif-fixed\"", "\"sim:null\""];
    let mut parts = [
        "[[representation]]\nid = \"onehot\"\n",
        "[[representation]]\nid = \"kmer-2\"\n",
        "[[representation]]\nmodel = \"random:model\"\nlayers = [\"final\"]\npooling = [\"mean\", \"tokens\"]\n",
        "[[probe]]\nid = \"linear\"\n",
        "[[probe]]\nid = \"mlp\"\nepochs = 2\nsearch = \"small\"\n",
        "[[probe]]\nid = \"cnn\"\nepochs = 2\n",
        "[[probe]]\nid = \"cnn-fixed-projection\"\nepochs = 2\n",
        "[[probe]]\nid = \"attention\"\nepochs = 2\nheads = 2\n",
    ];
    if reversed {
        datasets.reverse();
        parts.reverse();
    }
    let (schema, rest) = HEAD.split_once("[simulate]").unwrap();
    format!("{schema}datasets = [{}]\n[simulate]{rest}{}", datasets.join(", "), parts.concat())
}

/// Predictions and fitted numbers of each stored cell, by its key; of neural cells alone if asked.
fn cells(cache: &Path, neural: bool) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut cells = BTreeMap::new();
    for version in fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path()) {
        if !version.file_name().unwrap().to_str().unwrap().starts_with("cells-v") {
            continue;
        }
        for cell in fs::read_dir(&version).unwrap().map(|entry| entry.unwrap().path()) {
            let header = fs::read_to_string(cell.join("cell.json")).unwrap();
            let is_linear = header.contains("\"kind\": \"linear\"");
            if neural && is_linear {
                continue;
            }
            let mut files: Vec<_> = fs::read_dir(&cell).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.retain(|file| file.extension().is_some_and(|extension| extension == "safetensors"));
            files.sort();
            assert!(files.len() >= 2, "predictions and at least one fitted probe: {files:?}");
            let key = cell.file_name().unwrap().to_str().unwrap().to_owned();
            cells.insert(key, files.iter().map(|file| fs::read(file).unwrap()).collect());
        }
        fs::remove_dir_all(&version).unwrap();
    }
    cells
}

#[test]
fn the_order_of_cells_and_for_neural_probes_the_threads_change_no_bit() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path()); // for its model
    let run = |reversed: bool, threads: &str, neural: bool| {
        write(folder.path(), "suite.toml", &suite(reversed));
        let arguments = ["run", "suite.toml", "--out", "out", "--threads", threads];
        let ended = run_well(folder.path(), &arguments);
        assert!(ended.stdout.contains(" 0 read from the cache"), "{}", ended.stdout);
        cells(&folder.path().join("cache"), neural)
    };
    let forward = run(false, "2", false);
    // Two datasets: linear and mlp on three representations, three probes of tokens on two.
    assert!(forward.len() >= 2 * (3 * 2 + 2 * 3), "{} cells", forward.len());
    let backward = run(true, "2", false);
    assert!(forward.keys().eq(backward.keys()), "other cells");
    for (key, files) in &forward {
        assert!(backward[key] == *files, "cell {key} differs");
    }
    let single = run(true, "1", true);
    assert!(single.len() >= 2 * (3 + 2 * 3), "{} cells", single.len());
    for (key, files) in &single {
        assert!(forward[key] == *files, "cell {key} differs on one thread");
    }
}
