//! A suite from end to end: every file of a run, every planned cell, reuse, resume after a kill.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{command, rows, run, run_well, small_suite, write};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Everything in a results file but which cells were computed when.
fn results(folder: &Path) -> String {
    fs::read_to_string(folder.join("results.csv")).expect("results.csv")
}

#[test]
fn a_run_holds_every_cell_and_every_file() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    let ended = run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
    assert!(ended.stdout.contains("report: out/report.html"), "{}", ended.stdout);
    let out = folder.path().join("out");

    let header = results(&out).lines().next().unwrap().to_owned();
    assert_eq!(
        header,
        "dataset,target,split,representation,variant,layer,pooling,probe,fraction,metric,point,lower,upper,level,method,n_test,n_seeds,parameters,status,reason"
    );
    let results = rows(&out.join("results.csv"));
    for dataset in ["sim:motif-fixed", "sim:null"] {
        let cells: BTreeSet<(String, String, String, String, String)> = results
            .iter()
            .filter(|row| row["dataset"] == dataset)
            .map(|row| {
                let text = |column: &str| row[column].clone();
                (text("representation"), text("layer"), text("pooling"), text("probe"), text("status"))
            })
            .collect();
        let expect = |representation: &str, layer: &str, pooling: &str, probe: &str, status: &str| {
            let cell = [representation, layer, pooling, probe, status].map(str::to_owned).into();
            assert!(cells.contains(&cell), "{cell:?} is missing in {cells:#?}");
        };
        expect("onehot", "-", "flatten", "linear", "ok");
        expect("onehot", "-", "tokens", "cnn", "ok");
        expect("kmer-2", "-", "mean", "linear", "ok");
        expect("kmer-2", "-", "mean", "cnn", "not-applicable");
        for layer in ["0", "4"] {
            expect("random:model", layer, "mean", "linear", "ok");
            expect("random:model", layer, "cls", "linear", "not-applicable");
            expect("random:model", layer, "-", "cnn", "not-applicable");
        }
        // Controls that the suite does not name.
        expect("composition", "-", "mean", "linear", "ok");
        expect("composition", "-", "mean", "cnn", "not-applicable");
        expect("shuffled-labels", "-", "-", "linear", "ok");
        expect("majority", "-", "-", "-", "ok");
        expect("best-rule", "-", "-", "-", "ok");
        expect("oracle", "-", "-", "-", "ok");
        assert_eq!(cells.len(), 16, "{cells:#?}");
    }
    for row in &results {
        assert!(!row.values().any(|value| value.contains("NaN") || value == "inf"), "{row:?}");
        let has_point = !row["point"].is_empty();
        assert!(has_point || !row["reason"].is_empty(), "neither a number nor a reason: {row:?}");
        assert!(row["lower"].is_empty() == row["upper"].is_empty(), "{row:?}");
    }
    let oracle = results.iter().find(|row| {
        row["dataset"] == "sim:motif-fixed"
            && row["representation"] == "oracle"
            && row["metric"] == "auroc"
            && row["split"] == "test"
    });
    let auroc: f64 = oracle.unwrap()["point"].parse().unwrap();
    assert!((0.95..=1.0).contains(&auroc), "{auroc}");

    let verdicts = rows(&out.join("verdicts.csv"));
    assert!(
        verdicts.iter().any(|row| row["probe"] == "linear")
            && verdicts.iter().any(|row| row["probe"] == "best")
    );
    assert!(
        verdicts.iter().filter(|row| row["dataset"] == "sim:null").all(|row| row["verdict"] != "beats"),
        "{verdicts:#?}"
    );

    let run: serde_json::Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(run["schema_version"], 2);
    assert_eq!(run["cells"].as_array().unwrap().len(), 32);
    let html = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(html.contains("<svg") && !html.contains("src=\"http") && !html.contains("href=\"http"));
    for file in ["report.md", "junit.xml"] {
        assert!(fs::metadata(out.join(file)).unwrap().len() > 100, "{file}");
    }
    assert_eq!(fs::read_dir(out.join("predictions")).unwrap().count(), 20);
}

#[test]
fn a_second_run_computes_nothing_and_a_new_representation_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let suite = small_suite(folder.path());
    run_well(folder.path(), &["run", "suite.toml", "--out", "first"]);
    let again = run_well(folder.path(), &["run", "suite.toml", "--out", "second"]);
    assert!(again.stdout.contains("32 cells, 16 read from the cache"), "{}", again.stdout);
    assert_eq!(results(&folder.path().join("first")), results(&folder.path().join("second")));
    let text = fs::read_to_string(&suite)
        .unwrap()
        .replace("id = \"kmer-2\"", "id = \"kmer-2\"\n[[representation]]\nid = \"kmer-3\"");
    write(folder.path(), "suite.toml", &text);
    let wider = run_well(folder.path(), &["run", "suite.toml", "--out", "third"]);
    assert!(wider.stdout.contains("36 cells, 16 read from the cache"), "{}", wider.stdout);
    // Without the cache, on one thread, the numbers are the same.
    let single =
        run_well(folder.path(), &["run", "suite.toml", "--out", "fourth", "--no-cache", "--threads", "1"]);
    assert!(single.stdout.contains(" 0 read from the cache"), "{}", single.stdout);
    let neural = |name: &str| -> Vec<_> {
        rows(&folder.path().join(name).join("results.csv"))
            .into_iter()
            .filter(|row| row["probe"] == "cnn")
            .collect()
    };
    assert_eq!(neural("third"), neural("fourth"));
}

#[test]
fn a_killed_run_goes_on_and_ends_with_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    run_well(folder.path(), &["run", "suite.toml", "--out", "undisturbed", "--cache-dir", "other-cache"]);
    for milliseconds in [150, 400, 900, 1600] {
        let mut child = command(folder.path(), &["run", "suite.toml", "--out", "out"]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(milliseconds));
        // It may have ended already on a fast machine.
        let _ = child.kill();
        child.wait().unwrap();
    }
    run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
    assert_eq!(results(&folder.path().join("undisturbed")), results(&folder.path().join("out")));
}

#[test]
fn a_plan_is_written_without_computing() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    let ended = run_well(folder.path(), &["run", "suite.toml", "--plan"]);
    let plan: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(plan["cells"].as_array().unwrap().len(), 32);
    assert!(!folder.path().join("reports").exists() && !folder.path().join("cache").exists());
}

#[test]
fn a_stored_run_renders_again_and_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
    let table = run_well(folder.path(), &["report", "out"]);
    assert!(table.stdout.contains("sim:null"), "{}", table.stdout);
    let markdown = run_well(folder.path(), &["report", "out", "--format", "md"]);
    assert_eq!(
        markdown.stdout.trim_end(),
        fs::read_to_string(folder.path().join("out/report.md")).unwrap().trim_end()
    );
    let wrong = run(folder.path(), &["report", "out", "--format", "pdf"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.stderr);
    let json = fs::read(folder.path().join("out/run.json")).unwrap();
    fs::write(folder.path().join("out/run.json"), &json[..json.len() / 2]).unwrap();
    let cut = run(folder.path(), &["report", "out"]);
    assert_eq!(cut.code, Some(3), "{}", cut.stderr);
    assert!(cut.stderr.contains("run.json"), "{}", cut.stderr);
}

#[test]
fn damaged_stored_embeddings_are_seen_and_computed_again() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    run_well(folder.path(), &["run", "suite.toml", "--out", "first"]);
    assert!(run_well(folder.path(), &["cache", "ls"]).stdout.contains("gpn layer 4 mean"));
    run_well(folder.path(), &["cache", "verify"]);
    let mut shards = Vec::new();
    collect(&folder.path().join("cache"), "shard-00000.safetensors", &mut shards);
    assert!(!shards.is_empty());
    for shard in &shards {
        let mut bytes = fs::read(shard).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(shard, bytes).unwrap();
    }
    let verified = run(folder.path(), &["cache", "verify"]);
    assert_eq!(verified.code, Some(3), "{}", verified.stdout);
    // Cells would be reused without their features: forget them.
    fs::remove_dir_all(folder.path().join("cache/cells-v2")).unwrap();
    run_well(folder.path(), &["run", "suite.toml", "--out", "second"]);
    assert_eq!(results(&folder.path().join("first")), results(&folder.path().join("second")));
    run_well(folder.path(), &["cache", "verify"]);
}

fn collect(folder: &Path, name: &str, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, name, found);
        } else if path.ends_with(name) {
            found.push(path);
        }
    }
}
