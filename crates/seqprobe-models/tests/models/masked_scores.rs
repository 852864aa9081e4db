//! Probabilities of masked bases compared with PyTorch: `fixtures/masked/generate.py` says how the numbers were made.

use crate::common::{PRETRAINED, copy_of_fixture, dna, edit_tensors, small_bert};
use approx::{assert_abs_diff_eq, assert_relative_eq};
use seqprobe_models::MaskedModel;
use std::path::PathBuf;

#[derive(serde::Deserialize)]
struct Case {
    sequence: String,
    stride: usize,
    probabilities: Vec<f32>,
    pseudo_log_likelihood: f64,
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/masked")).join(name)
}

#[test]
fn hidden_letters_are_told_as_by_torch() {
    for name in ["gpn", "gpn-prenorm", "bert"] {
        let model = MaskedModel::load(&folder(name), PRETRAINED).unwrap();
        let text = std::fs::read_to_string(folder(name).join("expected.json")).unwrap();
        let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
        assert_eq!(cases.len(), 6);
        for case in cases {
            let scores = model.nucleotide_probabilities(&dna(&case.sequence), case.stride).unwrap();
            assert_eq!(scores.probabilities.dim(), (case.sequence.len(), 4));
            for (got, expected) in scores.probabilities.iter().zip(&case.probabilities) {
                assert_abs_diff_eq!(got, expected, epsilon = 2e-6);
            }
            for row in scores.probabilities.rows() {
                assert_abs_diff_eq!(row.sum(), 1.0, epsilon = 1e-6);
            }
            assert_relative_eq!(
                scores.pseudo_log_likelihood,
                case.pseudo_log_likelihood,
                max_relative = 1e-5
            );
            assert_eq!(scores.n_bases, case.sequence.bytes().filter(|&letter| letter != b'N').count());
        }
    }
}

#[test]
fn models_without_a_head_say_so() {
    let refused = |folder: &std::path::Path| MaskedModel::load(folder, PRETRAINED).err().unwrap().to_string();
    let error = refused(small_bert().path());
    assert!(error.contains("its tokens are not single bases"), "{error}");
    let causal = copy_of_fixture("hyenadna", "hf");
    let error = refused(causal.path());
    assert!(
        error.contains("hyenadna have no masked-language-model head") && error.contains("gpn"),
        "{error}"
    );
    let headless = copy_of_fixture("gpn", "other-dilations");
    let error = refused(headless.path());
    assert!(error.contains("\"cls.decoder.0.weight\"") && error.contains("is missing"), "{error}");
    let damaged = tempfile::tempdir().unwrap();
    for file in ["config.json", "vocab.txt", "model.safetensors"] {
        std::fs::copy(folder("gpn").join(file), damaged.path().join(file)).unwrap();
    }
    edit_tensors(damaged.path(), |tensors| {
        tensors.remove("cls.decoder.3.bias");
    });
    let error = refused(damaged.path());
    assert!(error.contains("\"cls.decoder.3.bias\""), "{error}");
}
