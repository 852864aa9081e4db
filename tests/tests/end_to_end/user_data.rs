//! The user's own file: from a CSV or FASTA to the verdict, saved card and suite, stored probes, embeddings.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{root, rows, run, run_well, small_suite, write};
use std::fs;
use std::path::Path;

/// 240 sequences whose label says whether TATAAA is in the middle; a tenth of the labels is wrong.
fn labelled() -> Vec<(String, u8, String)> {
    let mut state = 7_u64;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..240)
        .map(|number| {
            let mut letters: Vec<u8> = (0..36).map(|_| b"ACGT"[draw(4) as usize]).collect();
            let has_box = draw(2) == 1;
            if has_box {
                letters[15..21].copy_from_slice(b"TATAAA");
            }
            let label = u8::from(has_box) ^ u8::from(draw(10) == 0);
            (String::from_utf8(letters).unwrap(), label, format!("gene{}", number / 4))
        })
        .collect()
}

fn csv(folder: &Path) {
    let lines: Vec<String> =
        labelled().iter().map(|(sequence, label, gene)| format!("{sequence},{label},{gene}")).collect();
    write(folder, "mine.csv", &format!("sequence,label,gene\n{}\n", lines.join("\n")));
}

#[test]
fn one_command_from_a_csv_to_the_verdict_and_its_saved_form() {
    let folder = tempfile::tempdir().unwrap();
    csv(folder.path());
    small_suite(folder.path());
    let arguments = [
        "probe",
        "mine.csv",
        "--target",
        "label",
        "--group",
        "gene",
        "--model",
        "random:model",
        "--probes",
        "linear",
        "--out",
        "out",
        "--save",
        "saved",
        "--metric",
        "auroc",
    ];
    let ended = run_well(folder.path(), &arguments);
    assert!(ended.stdout.contains("random:model with linear"), "{}", ended.stdout);
    let results = rows(&folder.path().join("out/results.csv"));
    let auroc = |representation: &str| -> f64 {
        let row = results.iter().find(|row| {
            row["representation"] == representation && row["metric"] == "auroc" && row["split"] == "test"
        });
        row.unwrap_or_else(|| panic!("no {representation}"))["point"].parse().unwrap()
    };
    assert!((0.7..=1.0).contains(&auroc("onehot")), "{}", auroc("onehot"));
    let verdicts = rows(&folder.path().join("out/verdicts.csv"));
    assert!(
        verdicts.iter().any(|row| row["model"] == "random:model" && row["baseline"] == "onehot"),
        "{verdicts:?}"
    );

    // The saved card and suite give the same numbers.
    let suite = fs::read_dir(folder.path().join("saved"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().ends_with(".suite.toml"))
        .unwrap();
    run_well(folder.path(), &["run", suite.to_str().unwrap(), "--data-dir", ".", "--out", "again"]);
    let plain = |name: &str| -> Vec<_> {
        rows(&folder.path().join(name).join("results.csv"))
            .into_iter()
            .filter(|row| !row["representation"].starts_with("random:"))
            .collect()
    };
    assert_eq!(plain("out"), plain("again"));
}

#[test]
fn stored_probes_predict_new_sequences_as_in_the_run() {
    let folder = tempfile::tempdir().unwrap();
    csv(folder.path());
    small_suite(folder.path());
    let arguments =
        ["probe", "mine.csv", "--target", "label", "--model", "random:model", "--seeds", "2", "--out", "out"];
    run_well(folder.path(), &arguments);
    let listed = run_well(folder.path(), &["predict", "out"]).stdout;
    assert!(
        listed.contains("/onehot/-/-/flatten/linear/1") && listed.contains("/onehot/-/-/tokens/cnn/1"),
        "{listed}"
    );
    let model_cell =
        listed.lines().find(|line| line.contains("random:model") && line.ends_with("mean/linear/1")).unwrap();
    let token_cell =
        listed.lines().find(|line| line.contains("random:model") && line.ends_with("tokens/cnn/1")).unwrap();
    let onehot_cell =
        listed.lines().find(|line| line.contains("/onehot/") && line.contains("linear")).unwrap();
    for cell in [onehot_cell, model_cell, token_cell] {
        let key = cell.split_whitespace().next().unwrap();
        run_well(
            folder.path(),
            &["predict", "out", "--cell", key, "--input", "mine.csv", "--output", "predicted.csv"],
        );
        let predicted = rows(&folder.path().join("predicted.csv"));
        assert_eq!(predicted.len(), 240);
        let truth = labelled();
        let mut agree = 0;
        for (row, (_, label, _)) in predicted.iter().zip(&truth) {
            let probability: f64 = row["label=1"].parse().unwrap();
            assert!((0.0..=1.0).contains(&probability));
            agree += usize::from((probability >= 0.5) == (*label == 1));
        }
        let least = if cell == onehot_cell { 180 } else { 110 };
        assert!((least..=240).contains(&agree), "{cell}: {agree} of 240");
    }
    let unknown = run(
        folder.path(),
        &["predict", "out", "--cell", "mine/onehot/-/-/flatten/linea/1", "--input", "mine.csv"],
    );
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("did you mean"), "{}", unknown.stderr);
    // A longer sequence than any trained on does not fit a flattened representation.
    write(folder.path(), "long.fa", &format!(">one\n{}\n", "ACGT".repeat(20)));
    let key = onehot_cell.split_whitespace().next().unwrap();
    let long = run(folder.path(), &["predict", "out", "--cell", key, "--input", "long.fa"]);
    assert_eq!(long.code, Some(3), "{}", long.stderr);
    assert!(long.stderr.contains("80 tokens, more than the 36"), "{}", long.stderr);
}

#[test]
fn a_fasta_with_labels_in_its_headers_is_probed() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<String> = labelled()
        .iter()
        .enumerate()
        .map(|(number, (sequence, label, _))| {
            format!(
                ">seq{number} activity={}\n{}\n{}",
                f64::from(*label) + number as f64 / 1e4,
                &sequence[..20],
                &sequence[20..]
            )
        })
        .collect();
    write(folder.path(), "mine.fa", &format!("{}\n", records.join("\n")));
    let ended = run_well(
        folder.path(),
        &["probe", "mine.fa", "--target", "activity", "--probes", "linear", "--out", "out"],
    );
    assert!(ended.stdout.contains("onehot"), "{}", ended.stdout);
    let results = rows(&folder.path().join("out/results.csv"));
    let metrics: Vec<&str> = results
        .iter()
        .filter(|row| row["representation"] == "onehot")
        .map(|row| row["metric"].as_str())
        .collect();
    for metric in ["pearson", "spearman", "r2", "rmse"] {
        assert!(metrics.contains(&metric), "{metrics:?}");
    }
}

#[test]
fn embeddings_are_written_as_npy_and_safetensors() {
    let folder = tempfile::tempdir().unwrap();
    csv(folder.path());
    small_suite(folder.path());
    let embed = |output: &str, pooling: &str| {
        run_well(
            folder.path(),
            &[
                "embed",
                "--model",
                "random:model",
                "--input",
                "mine.csv",
                "--pooling",
                pooling,
                "--output",
                output,
            ],
        )
    };
    assert!(embed("x.npy", "mean").stdout.contains("wrote 240 × 32"));
    let npy = fs::read(folder.path().join("x.npy")).unwrap();
    assert_eq!(&npy[..6], b"\x93NUMPY");
    assert!(String::from_utf8_lossy(&npy[..128]).contains("(240, 32"));
    assert!(npy.len() >= 240 * 32 * 4);
    assert_eq!(
        fs::read_to_string(folder.path().join("x.npy.ids.txt"))
            .or_else(|_| fs::read_to_string(folder.path().join("x.ids.txt")))
            .unwrap()
            .lines()
            .count(),
        240
    );
    embed("t.safetensors", "tokens");
    assert!(fs::metadata(folder.path().join("t.safetensors")).unwrap().len() >= 240 * 36 * 32 * 4);
    let refused = run(
        folder.path(),
        &["embed", "--model", "random:model", "--input", "mine.csv", "--pooling", "cls", "--output", "c.npy"],
    );
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(!folder.path().join("c.npy").exists());
}

#[test]
fn all_layers_come_from_one_pass_and_long_sequences_in_windows() {
    let folder = tempfile::tempdir().unwrap();
    csv(folder.path());
    small_suite(folder.path());
    let embed = |output: &str, more: &[&str]| {
        let base = ["embed", "--model", "random:model", "--input", "mine.csv", "--output", output];
        run_well(folder.path(), &[base.as_slice(), more].concat())
    };
    let first = embed("x.npy", &["--layer", "all"]).stdout;
    assert!(first.contains("distinct sequences computed, 0 read from the cache"), "{first}");
    let layers: Vec<String> = first
        .lines()
        .filter_map(|line| Some(line.split_once("x.layer-")?.1.trim_end_matches(".npy").to_owned()))
        .collect();
    assert!(layers.len() > 1 && layers[0] == "0", "{first}");
    for layer in &layers {
        assert!(
            fs::metadata(folder.path().join(format!("x.layer-{layer}.npy"))).unwrap().len() > 240 * 32 * 4
        );
    }
    let again = embed("y.npy", &["--layer", "1"]).stdout;
    assert!(again.contains("0 distinct sequences computed"), "one pass stored every layer: {again}");
    assert_eq!(
        fs::read(folder.path().join("x.layer-1.npy")).unwrap(),
        fs::read(folder.path().join("y.npy")).unwrap()
    );
    let windows = embed("w.npy", &["--window", "20:10", "--rc", "average"]);
    assert!(windows.stderr.contains("were read in several windows"), "{}", windows.stderr);
    for wrong in [["--window", "10:20"], ["--window", "0"], ["--layer", "99"], ["--rc", "both"]] {
        let base = ["embed", "--model", "random:model", "--input", "mine.csv", "--output", "z.npy"];
        let ended = run(folder.path(), &[base.as_slice(), &wrong].concat());
        assert!(matches!(ended.code, Some(2 | 4)), "{wrong:?}: {:?} {}", ended.code, ended.stderr);
        assert!(ended.stderr.contains("hint") || ended.stderr.contains("expected"), "{}", ended.stderr);
    }
}

#[test]
fn simulated_tasks_are_written_with_a_card_that_loads() {
    let folder = tempfile::tempdir().unwrap();
    run_well(
        folder.path(),
        &["data", "simulate", "gc", "--output", "gc", "--train", "60", "--valid", "30", "--test", "40"],
    );
    let shown = run_well(folder.path(), &["data", "show", "gc/sim-gc.toml"]);
    assert!(shown.stdout.contains("60 train, 30 valid, 40 test"), "{}", shown.stdout);
    run_well(folder.path(), &["data", "export", "gc/sim-gc.toml", "--output", "gc.fa"]);
    assert_eq!(fs::read_to_string(folder.path().join("gc.fa")).unwrap().matches('>').count(), 130);
}

#[test]
fn doctor_and_lists_tell_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let doctor = run_well(folder.path(), &["doctor"]).stdout;
    assert!(doctor.contains("libtorch   2.11.0") && doctor.contains("right"), "{doctor}");
    let lists =
        [("models", "gpn"), ("probes", "linear"), ("metrics", "auroc"), ("simulated", "sim:motif-order")];
    for (what, line) in lists {
        assert!(run_well(folder.path(), &["list", what]).stdout.contains(line), "{what}");
    }
    assert!(run_well(&root(), &["list", "datasets"]).stdout.contains("gue-tf-0"));
}
