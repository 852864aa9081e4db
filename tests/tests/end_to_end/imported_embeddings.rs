//! Ready embeddings in a suite: ids and sequences exported, embedded elsewhere, imported by id, run.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{rows, run, run_well, small_suite, write};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Frequencies of 2-mers, computed here: what "elsewhere" makes of a sequence.
pub(crate) fn two_mers(sequence: &str) -> Vec<f32> {
    let letters: Vec<usize> =
        sequence.bytes().map(|letter| b"ACGT".iter().position(|&l| l == letter).unwrap()).collect();
    let mut counts = [0.0_f64; 16];
    for pair in letters.windows(2) {
        counts[pair[0] * 4 + pair[1]] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    counts.iter().map(|count| (count / total) as f32).collect()
}

/// An npy file of 32-bit floats (NumPy's format 1.0), written by hand.
fn npy(vectors: &[Vec<f32>]) -> Vec<u8> {
    let shape = format!("({}, {})", vectors.len(), vectors[0].len());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(vectors.iter().flatten().flat_map(|value| value.to_le_bytes()));
    bytes
}

const SUITE: &str = r#"schema = 1
name = "imported"
seeds = [0]
replicates = 200
controls = ["random", "constant"]
datasets = ["data/sim-gc.toml"]
[[representation]]
id = "kmer-2"
[[representation]]
embeddings = "made/elsewhere.npy"
source = "frequencies, counted by hand"
[[probe]]
id = "linear"
[[probe]]
id = "cnn"
epochs = 1
"#;

/// A simulated dataset with its card, and the vectors of its examples in reverse order with one more.
fn prepare(folder: &Path) -> Vec<(String, Vec<f32>)> {
    run_well(
        folder,
        &[
            "data", "simulate", "gc", "--output", "data", "--train", "120", "--valid", "60", "--test", "80",
            "--length", "30",
        ],
    );
    run_well(folder, &["data", "export", "data/sim-gc.toml", "--output", "export.csv"]);
    let mut made: Vec<(String, Vec<f32>)> = rows(&folder.join("export.csv"))
        .iter()
        .map(|row| (row["example_id"].clone(), two_mers(&row["sequence"])))
        .collect();
    assert_eq!(made.len(), 260);
    made.reverse();
    made.push(("somebody else".to_owned(), two_mers("ACGT")));
    write_npy(folder, "made/elsewhere", &made);
    write(folder, "suite.toml", SUITE);
    made
}

/// Writes `NAME.npy` and `NAME.ids.txt`.
pub(crate) fn write_npy(folder: &Path, name: &str, made: &[(String, Vec<f32>)]) {
    let ids: Vec<&str> = made.iter().map(|(id, _)| id.as_str()).collect();
    write(folder, &format!("{name}.ids.txt"), &format!("{}\n", ids.join("\n")));
    let vectors: Vec<Vec<f32>> = made.iter().map(|(_, vector)| vector.clone()).collect();
    fs::write(folder.join(format!("{name}.npy")), npy(&vectors)).unwrap();
}

/// Points of a representation with the linear probe, by split and metric.
fn points(folder: &Path, representation: &str) -> BTreeMap<(String, String), String> {
    rows(&folder.join("results.csv"))
        .into_iter()
        .filter(|row| row["representation"] == representation && row["probe"] == "linear")
        .map(|row| ((row["split"].clone(), row["metric"].clone()), row["point"].clone()))
        .collect()
}

#[test]
fn exported_sequences_embedded_elsewhere_score_as_the_same_features_made_here() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let out = folder.path().join("out");
    run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
    let own = points(&out, "kmer-2");
    assert!(own.len() >= 4 && own == points(&out, "elsewhere"), "{own:?}\n{:?}", points(&out, "elsewhere"));
    let results = rows(&out.join("results.csv"));
    let neural =
        results.iter().find(|row| row["representation"] == "elsewhere" && row["probe"] == "cnn").unwrap();
    assert_eq!(neural["status"], "not-applicable", "{neural:?}");
    let random = results.iter().find(|row| row["representation"] == "random:elsewhere").unwrap();
    assert!(random["reason"].contains("the embeddings were imported"), "{random:?}");
    // It is judged as a model is, against the baseline.
    let verdicts = rows(&out.join("verdicts.csv"));
    let verdict =
        verdicts.iter().find(|row| row["model"] == "elsewhere" && row["probe"] == "linear").unwrap();
    assert_eq!(
        (verdict["baseline"].as_str(), verdict["verdict"].as_str()),
        ("kmer-2", "ties"),
        "{verdict:?}"
    );
    let run: serde_json::Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    let printed = run["provenance"]["models"]["elsewhere"].as_str().unwrap();
    assert!(printed.contains("made/elsewhere.npy, source: frequencies, counted by hand"), "{printed}");
    let record = run.to_string();
    assert!(record.contains("1 of 261 imported embeddings belong to no example"), "{record}");
    // New sequences have no imported embedding.
    let listed = run_well(folder.path(), &["predict", "out"]).stdout;
    let cell = listed.lines().find(|line| line.contains("/elsewhere/")).unwrap();
    let key = cell.split_whitespace().next().unwrap();
    let refused =
        seqprobe_tests::run(folder.path(), &["predict", "out", "--cell", key, "--input", "export.csv"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("new sequences have none"), "{}", refused.stderr);
}

#[test]
fn a_changed_file_is_computed_anew_and_an_equal_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = prepare(folder.path());
    run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
    let again = run_well(folder.path(), &["run", "suite.toml", "--out", "again"]);
    assert!(again.stdout.contains("2 read from the cache"), "{}", again.stdout);
    made[0].1[3] += 0.25;
    write_npy(folder.path(), "made/elsewhere", &made);
    let changed = run_well(folder.path(), &["run", "suite.toml", "--out", "changed"]);
    assert!(changed.stdout.contains("1 read from the cache"), "{}", changed.stdout);
}

#[test]
fn examples_without_an_embedding_and_wrong_keys_stop_the_run_before_it_computes() {
    let folder = tempfile::tempdir().unwrap();
    let mut made = prepare(folder.path());
    let refused = |wanted: &str, code: i32| {
        let ended = run(folder.path(), &["run", "suite.toml", "--out", "out"]);
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(wanted), "{}", ended.stderr);
        assert!(!folder.path().join("out").exists());
    };
    let with = |from: &str, to: &str| {
        write(folder.path(), "suite.toml", &SUITE.replace(from, to));
    };
    with("source = ", "layers = [1]\nsource = ");
    refused("layers does not belong to imported embeddings", 2);
    with("source = ", "value = \"x\"\nsource = ");
    refused("did you mean \"values\"?", 2);
    with("id = \"kmer-2\"", "id = \"kmer-2\"\nids = \"x\"");
    refused("ids does not belong to this representation, only to imported embeddings", 2);
    with("embeddings = ", "name = \"kmer-2\"\nembeddings = ");
    refused("\"kmer-2\" is named a second time", 2);
    with("elsewhere.npy", "nowhere.npy");
    refused("nowhere.npy", 3);
    write(folder.path(), "suite.toml", SUITE);
    made.truncate(258);
    write_npy(folder.path(), "made/elsewhere", &made);
    refused("2 of 260 examples have no embedding, first", 3);
}

#[test]
fn what_embed_writes_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    small_suite(folder.path());
    run_well(folder.path(), &["data", "export", "data/sim-gc.toml", "--output", "export.fa"]);
    for file in ["made/x.npy", "made/y.safetensors"] {
        run_well(
            folder.path(),
            &["embed", "--model", "random:model", "--input", "export.fa", "--output", file],
        );
    }
    let suite = SUITE.replace(
        "[[probe]]\nid = \"linear\"",
        "[[representation]]\nembeddings = \"made/x.npy\"\n[[representation]]\nembeddings = \"made/y.safetensors\"\n[[probe]]\nid = \"linear\"",
    );
    write(folder.path(), "suite.toml", &suite);
    run_well(folder.path(), &["run", "suite.toml", "--out", "out"]);
    let out = folder.path().join("out");
    assert!(points(&out, "x").len() >= 4 && points(&out, "x") == points(&out, "y"));
    // The same from the command line.
    let arguments =
        ["probe", "data/train.csv", "--target", "label", "--embeddings", "made/z.npy", "--probes", "linear"];
    let input = fs::read_to_string(folder.path().join("data/train.csv")).unwrap();
    let n_rows = input.lines().count() - 1;
    fs::write(folder.path().join("made/z.npy"), npy(&vec![vec![0.5, 1.0]; n_rows])).unwrap();
    let refused = run(folder.path(), &arguments);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("z.ids.txt"), "{}", refused.stderr);
}
