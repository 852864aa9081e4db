//! The Python side of the worker protocol gives what the test worker gives; needs `python3` with NumPy.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{root, run, run_well, skip, write};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The formula of the test worker, with what real models do: printing, heartbeats, an error for some input.
const WORKER: &str = r#"
import sys
sys.path.insert(0, sys.argv[1])
import seqprobe_worker
import numpy

print("a library prints while it loads")

class Formula:
    name, digest = "formula in Python", seqprobe_worker.digest_of_files([__file__])
    hidden, n_blocks, has_final_norm, has_cls, max_tokens, pad_id, vocab_size = 6, 2, True, True, 64, 0, 7

    def tokenize(self, sequence):
        return [1] + ["ACGTN".index(letter) + 2 for letter in sequence], [True] + [False] * len(sequence)

    def forward(self, ids, layers):
        print("a library prints while it computes")
        seqprobe_worker.heartbeat()
        if (ids[:, 1:] == 6).all():
            raise RuntimeError("nothing but N")
        before = numpy.concatenate([numpy.zeros_like(ids[:, :1]), ids[:, :-1]], axis=1)
        place = numpy.arange(ids.shape[1])[None, :, None] * 0.01
        angle = (ids * 7 + before)[:, :, None] * (numpy.arange(6) + 1.0) * 0.37 + place
        return [numpy.sin(angle + (9.0 if layer == "final" else float(layer))) for layer in layers]

seqprobe_worker.serve(Formula())
"#;

fn has_numpy() -> bool {
    let found = Command::new("python3").args(["-c", "import numpy"]).output();
    found.is_ok_and(|output| output.status.success())
}

fn values(folder: &Path, name: &str) -> Vec<f32> {
    let bytes = fs::read(folder.join(name)).unwrap();
    bytes[128..].chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

#[test]
fn a_python_worker_gives_the_same_embeddings() {
    if !has_numpy() {
        skip("python3 with NumPy is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "worker.py", WORKER);
    let sdk = root().join("crates/seqprobe-models/worker").canonicalize().unwrap();
    let python = format!("schema = 1\nkind = \"worker\"\ncommand = [\"python3\", \"worker.py\", {sdk:?}]\n");
    write(folder.path(), "python.toml", &python);
    let worker = env!("CARGO_BIN_EXE_test-worker");
    write(folder.path(), "rust.toml", &format!("schema = 1\nkind = \"worker\"\ncommand = [{worker:?}]\n"));
    write(folder.path(), "input.fa", ">a\nACGTACGTN\n>b\nTTTTACGGA\n>c\nGGGNACCCATTA\n");
    for layer in ["0", "2", "final"] {
        for model in ["python", "rust"] {
            let (description, output) = (format!("{model}.toml"), format!("{model}.npy"));
            let arguments = ["--input", "input.fa", "--layer", layer, "--output", &output, "--allow-code"];
            run_well(folder.path(), &[&["embed", "--model", &description][..], &arguments].concat());
        }
        let (ours, theirs) = (values(folder.path(), "python.npy"), values(folder.path(), "rust.npy"));
        assert_eq!(ours.len(), 3 * 6);
        for (one, other) in ours.iter().zip(&theirs) {
            assert!((one - other).abs() < 1e-6, "layer {layer}: {one} and {other}");
        }
    }
    write(folder.path(), "input.fa", ">a\nNNNN\n");
    let arguments =
        ["embed", "--model", "python.toml", "--input", "input.fa", "--output", "x.npy", "--allow-code"];
    let ended = run(folder.path(), &arguments);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("RuntimeError: nothing but N"), "{}", ended.stderr);
    assert!(ended.stderr.contains("a library prints while it computes"), "{}", ended.stderr);
}
