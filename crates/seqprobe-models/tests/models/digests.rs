//! The digests that identify models in cache keys. Stored embeddings are found by them, so they must never change.

use crate::common::PRETRAINED;
use seqprobe_models::{FrozenModel, LoadOptions, Precision, open_model};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The model of a line, by its name.
fn open(name: &str, folder: &Path) -> FrozenModel {
    match name {
        "torchscript" => {
            let path = folder.join("model.toml");
            let (file, tokenizer) =
                (fixtures().join("torchscript/layers.pt"), fixtures().join("torchscript"));
            let manifest = format!(
                "schema = 1\nkind = \"torchscript\"\nfile = {file:?}\ntokenizer = \"kmers-cls-sep\"\n\
                 tokenizer_folder = {tokenizer:?}\nhidden = 8\nlayers = [\"0\", \"1\", \"final\"]\ncls = true\n"
            );
            std::fs::write(&path, manifest).unwrap();
            open_model(&path, LoadOptions { allow_code: true, ..PRETRAINED }).unwrap()
        }
        "bf16" => {
            let options = LoadOptions { precision: Precision::Bf16, ..PRETRAINED };
            open_model(&fixtures().join("models/bert/k3"), options).unwrap()
        }
        case => open_model(&fixtures().join("models").join(case), PRETRAINED).unwrap(),
    }
}

#[test]
fn digests_are_those_of_stored_embeddings() {
    let folder = TempDir::new().unwrap();
    let text = std::fs::read_to_string(fixtures().join("digests.txt")).unwrap();
    let mut n_models = 0;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split(' ');
        let name = parts.next().unwrap();
        let model = open(name, folder.path());
        let got = [model.weights_digest.to_string(), model.tokenizer_digest.to_string()];
        assert_eq!(got.to_vec(), parts.collect::<Vec<_>>(), "{name}");
        n_models += 1;
    }
    assert_eq!(n_models, 42);
}
