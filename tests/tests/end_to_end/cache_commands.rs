//! The cache from the command line: what is listed, verified, removed and exported; damaged cells.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{run, run_well, small_suite, write};
use std::path::{Path, PathBuf};

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// A run without its times.
fn results(folder: &Path, out: &str) -> String {
    std::fs::read_to_string(folder.join(out).join("results.csv")).unwrap()
}

#[test]
fn cells_and_scores_are_checked_before_they_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_suite(at);
    let suite = seqprobe_tests::SMALL_SUITE
        .replace(", \"sim:null\"", "")
        .replace("pooling = [\"mean\", \"cls\"]", "");
    write(at, "suite.toml", &suite);
    run_well(at, &["run", "suite.toml", "--out", "first"]);
    let cells: Vec<PathBuf> = files(&at.join("cache/cells-v2"));
    let scores: Vec<PathBuf> = files(&at.join("cache/values-v1"));
    let of = |name: &str| cells.iter().find(|path| path.ends_with(name)).unwrap();
    let score = scores.iter().find(|path| path.to_string_lossy().contains("scores-v1")).unwrap();
    for path in [of("cell.json"), of("predictions.safetensors"), of("probe-0000.safetensors"), score] {
        let before = std::fs::read(path).unwrap();
        let mut bytes = before.clone();
        let place = bytes.len() - 3;
        bytes[place] ^= 1;
        std::fs::write(path, &bytes).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let refused = run(at, &["run", "suite.toml", "--out", "refused", "--no-repair"]);
        assert_eq!(refused.code, Some(1), "{name}: {}", refused.stderr);
        assert!(
            refused.stderr.contains(&name) && refused.stderr.contains("was not used"),
            "{}",
            refused.stderr
        );
        assert!(!at.join("refused").exists());
        let again = run_well(at, &["run", "suite.toml", "--out", "again"]);
        assert!(again.stderr.contains("damaged, not used and computed again"), "{name}: {}", again.stderr);
        assert!(again.stderr.contains(&name), "{}", again.stderr);
        assert_eq!(results(at, "again"), results(at, "first"), "{name}");
        assert!(std::fs::read(path).unwrap() != bytes, "{name} was replaced");
    }
    let last = run_well(at, &["run", "suite.toml", "--out", "again"]);
    assert!(!last.stderr.contains("damaged"), "{}", last.stderr);
}

#[test]
fn entries_are_listed_exported_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_suite(at);
    write(at, "x.fa", ">one\nACGTACGT\n>two\nGGGTTTCA\n>again\nACGTACGT\n");
    let embed = ["embed", "--model", "random:model", "--input", "x.fa", "--output"];
    run_well(at, &[&embed[..], &["x.npy"]].concat());
    run_well(at, &[&embed[..], &["y.npy", "--pooling", "max"]].concat());
    let listed = run_well(at, &["cache", "ls"]).stdout;
    for word in [
        "gpn layer 4 mean",
        "gpn layer 4 max",
        "2 rows",
        "complete",
        "used just now",
        "for x.fa with random:model",
        "2 entries",
    ] {
        assert!(listed.contains(word), "{word:?} is missing in:\n{listed}");
    }
    assert!(run_well(at, &["cache", "verify"]).stdout.contains("2 entries"));
    let mean = listed.lines().find(|line| line.contains(" mean ")).unwrap().split(' ').next().unwrap();
    for format in ["npy", "safetensors", "parquet", "zarr"] {
        let output = format!("e.{format}");
        let export = ["cache", "export", &mean[..12], "--to", format];
        run_well(at, &[&export[..], &["--input", "x.fa", "--output", &output]].concat());
        let printed = run_well(at, &export).stdout;
        assert!(printed.contains(&format!("wrote 2 × 32 to {mean}.{format}")), "{printed}");
    }
    assert_eq!(std::fs::read(at.join("e.npy")).unwrap(), std::fs::read(at.join("x.npy")).unwrap());
    assert_eq!(std::fs::read_to_string(at.join("e.ids.txt")).unwrap(), "one\ntwo\nagain\n");
    let ids = std::fs::read_to_string(at.join(format!("{mean}.ids.txt"))).unwrap();
    assert!(ids.lines().count() == 2 && ids.lines().all(|id| id.len() == 64), "{ids}");
    for (arguments, code, word) in [
        (["cache", "export", "zz", "--to", "npy"], 2, "begins with \"zz\", expected 1"),
        (["cache", "export", "", "--to", "npy"], 2, "2 entries in"),
        (["cache", "export", mean, "--to", "hdf5"], 2, "use npy, safetensors, parquet, zarr"),
    ] {
        let refused = run(at, &arguments);
        assert_eq!(refused.code, Some(code), "{}", refused.stderr);
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
    write(at, "other.fa", ">three\nTTTT\n");
    let refused = run(at, &["cache", "export", mean, "--to", "npy", "--input", "other.fa"]);
    assert!(
        refused.code == Some(3) && refused.stderr.contains("1 of 1 distinct sequences are not stored"),
        "{}",
        refused.stderr
    );

    // The one that was used last stays.
    run_well(at, &[&embed[..], &["x.npy"]].concat());
    let size = files(&at.join("cache/embeddings-v1").join(mean));
    let size: u64 = size.iter().map(|path| path.metadata().unwrap().len()).sum();
    let limit = (size + size / 2).to_string();
    let would = run_well(at, &["cache", "gc", "--max-size", &limit, "--dry-run"]).stdout;
    assert!(would.contains("would remove") && would.contains("1 of 2 would be removed"), "{would}");
    assert!(run_well(at, &["cache", "ls"]).stdout.contains("2 entries"));
    let printed = run_well(at, &["cache", "gc", "--max-size", &limit]).stdout;
    assert!(printed.contains("1 of 2 removed"), "{printed}");
    let listed = run_well(at, &["cache", "ls"]).stdout;
    assert!(listed.contains(" mean ") && !listed.contains(" max "), "{listed}");
    let wrong = run(at, &["cache", "gc", "--max-size", "many"]);
    assert!(wrong.code == Some(2) && wrong.stderr.contains("20GiB"), "{}", wrong.stderr);
    write(at, "cache/mine.txt", "of somebody else");
    run_well(at, &["cache", "gc", "--max-size", "0"]);
    assert!(run_well(at, &["cache", "ls"]).stdout.contains("0 entries"));
    assert_eq!(files(&at.join("cache")), [at.join("cache/mine.txt")]);
}
