//! TorchScript files described by a manifest: the states of torch itself, in any batch, and files that
//! do something else. The fixtures come from `fixtures/torchscript/generate.py`.

use seqprobe_core::{DnaSequence, LayerIndex, Seed};
use seqprobe_models::{
    FrozenModel, LoadOptions, ModelError, Precision, TokenBatch, Tokens, Weights, open_model,
};
use std::path::{Path, PathBuf};
use tch::Device;

const ALLOWED: LoadOptions = LoadOptions {
    weights: Weights::Pretrained,
    precision: Precision::F32,
    device: Device::Cpu,
    allow_code: true,
};

const NAMES: &str = r#"["0", "1", "final"]"#;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/torchscript")
}

/// A description of a fixture in a folder of its own.
fn description(file: &str, layers: &str, more: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.toml");
    let fixtures = fixtures();
    let text = format!(
        "schema = 1\nkind = \"torchscript\"\nfile = {:?}\ntokenizer = \"kmers-cls-sep\"\ntokenizer_folder = {fixtures:?}\nhidden = 8\nlayers = {layers}\ncls = true\n{more}\n",
        fixtures.join(file)
    );
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn load(file: &str, layers: &str, more: &str) -> Result<FrozenModel, ModelError> {
    let (_folder, path) = description(file, layers, more);
    open_model(&path, ALLOWED)
}

struct Case {
    tokens: Tokens,
    ids: Vec<i64>,
    layers: serde_json::Value,
}

fn cases(model: &FrozenModel) -> Vec<Case> {
    let text = std::fs::read_to_string(fixtures().join("expected.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let case = |case: &serde_json::Value| Case {
        tokens: model.tokenize(&DnaSequence::parse(case["sequence"].as_str().unwrap()).unwrap().0).unwrap(),
        ids: serde_json::from_value(case["ids"].clone()).unwrap(),
        layers: case["layers"].clone(),
    };
    all["cases"].as_array().unwrap().iter().map(case).collect()
}

/// Checks each layer of each row of a batch against torch.
fn check(model: &FrozenModel, cases: &[Case], layers: &[&str]) {
    let tokens: Vec<Tokens> = cases.iter().map(|case| case.tokens.clone()).collect();
    let batch = TokenBatch::from_tokens(&tokens, model.pad_id);
    let asked: Vec<LayerIndex> = layers.iter().map(|layer| layer.parse().unwrap()).collect();
    let states = model.encoder.hidden_states(&batch, &asked).unwrap();
    assert_eq!(states.layers.len(), layers.len());
    for ((found, tensor), name) in states.layers.iter().zip(layers) {
        assert_eq!(found.to_string(), *name);
        for (row, case) in cases.iter().enumerate() {
            assert_eq!(case.tokens.ids, case.ids);
            let expected: Vec<f64> = serde_json::from_value(case.layers[*name].clone()).unwrap();
            let own = tensor.get(row as i64).narrow(0, 0, case.ids.len() as i64).reshape([-1]);
            let own = Vec::<f32>::try_from(own).unwrap();
            assert_eq!(own.len(), expected.len());
            let largest = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            for (value, expected) in own.iter().zip(&expected) {
                assert!((f64::from(*value) - expected).abs() <= 1e-5 * largest, "{name} row {row}");
            }
        }
    }
}

#[test]
fn every_layer_is_that_of_torch_alone_and_in_a_batch() {
    for (file, layers, asked) in [
        ("layers.pt", NAMES, &["0", "1", "final"][..]),
        ("list.pt", NAMES, &["final", "0"]),
        ("one.pt", r#"["final"]"#, &["final"]),
    ] {
        let model = load(file, layers, "").unwrap();
        let cases = cases(&model);
        check(&model, &cases, asked);
        for case in &cases {
            check(&model, std::slice::from_ref(case), asked);
        }
    }
}

#[test]
fn outputs_may_be_counted() {
    let model = load("layers.pt", "3", "max_tokens = 22").unwrap();
    let spec = model.encoder.spec();
    assert_eq!((spec.n_blocks, spec.has_final_norm, spec.hidden, spec.has_cls), (2, false, 8, true));
    assert_eq!((spec.max_tokens, spec.n_parameters), (Some(22), 9 * 8 + 2 * (64 + 8) + 16));
    let cases = cases(&model);
    let batch = TokenBatch::from_tokens(&[cases[0].tokens.clone()], model.pad_id);
    let states = |layer| model.encoder.hidden_states(&batch, &[layer]).unwrap().layers.remove(0).1;
    // Without a norm of its own, the last layer is final.
    assert_eq!(states(LayerIndex::Final), states(LayerIndex::Block(2)));
    let error = model.encoder.hidden_states(&batch, &[LayerIndex::Block(3)]).unwrap_err().to_string();
    assert!(
        error.contains("layer 3 is not among its outputs\n  hint: its manifest names 0, 1, 2"),
        "{error}"
    );
}

#[test]
fn the_digest_covers_file_and_description() {
    let digest = |file, layers| load(file, layers, "").unwrap().weights_digest;
    assert_eq!(digest("layers.pt", NAMES), digest("layers.pt", NAMES));
    assert_ne!(digest("layers.pt", NAMES), digest("layers.pt", "3"));
    assert_ne!(digest("layers.pt", NAMES), digest("list.pt", NAMES));
}

#[test]
fn files_that_do_something_else_say_what() {
    for (file, layers, wanted) in [
        ("pooled.pt", r#"["final"]"#, "the output of layer final has shape [1, 8], expected [1, 12, 8]"),
        ("notfinite.pt", r#"["final"]"#, "layer final contains a number that is not finite"),
        ("raises.pt", r#"["final"]"#, "this model wants pictures"),
        ("words.pt", r#"["final"]"#, "it returned no tensor, and no tuple or list of tensors"),
        ("layers.pt", r#"["0", "1"]"#, "it returned 3 outputs, its manifest names 2"),
    ] {
        let model = load(file, layers, "").unwrap();
        let batch = TokenBatch::from_tokens(&[cases(&model)[0].tokens.clone()], model.pad_id);
        let layer = model.encoder.spec().n_blocks;
        let layer =
            if model.encoder.spec().has_final_norm { LayerIndex::Final } else { LayerIndex::Block(layer) };
        let error = model.encoder.hidden_states(&batch, &[layer]).unwrap_err().to_string();
        assert!(error.contains(wanted) && error.contains(file), "{error}");
    }
    for (file, layers, more, wanted) in [
        ("vocab.txt", "3", "", "not a TorchScript file"),
        ("absent.pt", "3", "", "absent.pt: "),
        ("one.pt", "0", "", "key \"layers\" names no output"),
        ("one.pt", "[\"final\", \"final\"]", "", "names an output twice"),
        ("one.pt", "[\"last\"]", "", "layer \"last\" is not a layer"),
        ("one.pt", "1", "max_tokens = 0", "key \"max_tokens\" is 0"),
        ("one.pt", "1", "command = [\"x\"]", "key \"command\" does not belong to kind \"torchscript\""),
    ] {
        let error = load(file, layers, more).err().expect("loading should fail").to_string();
        assert!(error.contains(wanted), "{error}");
    }
    let (_folder, path) = description("one.pt", "1", "");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("kmers-cls-sep", "kmers-cls")).unwrap();
    let error = open_model(&path, ALLOWED).err().unwrap().to_string();
    assert!(error.contains("tokenizer \"kmers-cls\" is not known\n  hint: did you mean"), "{error}");
}

#[test]
fn nothing_is_loaded_unless_code_is_allowed() {
    let (_folder, path) = description("one.pt", "1", "");
    let refused = open_model(&path, LoadOptions { allow_code: false, ..ALLOWED }).err().unwrap().to_string();
    assert!(refused.contains("one.pt") && refused.contains("--allow-code"), "{refused}");
    let random = LoadOptions { weights: Weights::Random(Seed(1)), ..ALLOWED };
    let refused = open_model(&path, random).err().unwrap().to_string();
    assert!(refused.contains("random: is not possible here"), "{refused}");
}
