//! Every family of the registry against its reference on random weights: exact token ids, hidden
//! states of every layer within 1e-5 (f32) and 1e-9 (f64) of the largest reference value. Layers are numbers
//! and, where a norm follows the last block, `final`. The reference ran
//! each sequence alone; here they run as one padded batch. See `fixtures/models/generate.py`.

use safetensors::{SafeTensors, tensor::TensorView};
use seqprobe_core::{DnaSequence, LayerIndex, Seed};
use seqprobe_models::{
    FAMILIES, FrozenModel, LoadOptions, Precision, TokenBatch, Tokens, Weights, open_model,
};
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

#[derive(serde::Deserialize)]
struct Case {
    sequences: Vec<String>,
    tokens: Vec<Vec<i64>>,
    /// Added tokens of each sequence.
    n_special: Vec<usize>,
}

fn cases_of(family: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(family);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| {
        panic!("family {family} has no parity fixtures at {}: {error}", folder.display())
    });
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty(), "family {family} has no parity case");
    cases
}

fn load(folder: &Path, precision: Precision) -> FrozenModel {
    let options =
        LoadOptions { weights: Weights::Pretrained, precision, device: Device::Cpu, allow_code: false };
    open_model(folder, options).unwrap()
}

fn read_case(folder: &Path) -> Case {
    serde_json::from_str(&std::fs::read_to_string(folder.join("case.json")).unwrap()).unwrap()
}

fn tokenize(model: &FrozenModel, case: &Case) -> Vec<Tokens> {
    case.sequences.iter().map(|text| model.tokenize(&DnaSequence::parse(text).unwrap().0).unwrap()).collect()
}

fn tensor_of(view: &TensorView<'_>) -> Tensor {
    let kind = if view.dtype() == safetensors::Dtype::F64 { Kind::Double } else { Kind::Float };
    let sizes: Vec<i64> = view.shape().iter().map(|&size| size as i64).collect();
    Tensor::f_from_data_size(view.data(), &sizes, kind).unwrap().to_kind(Kind::Double)
}

/// max |got − expected| / max |expected|
fn relative_error(got: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(got.size(), expected.size());
    let difference = (got.to_kind(Kind::Double) - expected).abs().max();
    f64::try_from(difference / expected.abs().max()).unwrap()
}

/// Every layer of a model by its one name: numbers, and `final` where a norm follows the last block.
fn layers_of(model: &FrozenModel) -> Vec<LayerIndex> {
    let spec = model.encoder.spec();
    let last = spec.has_final_norm.then_some(LayerIndex::Final);
    (0..=spec.n_blocks).map(LayerIndex::Block).chain(last).collect()
}

/// Hidden states of every layer of each sequence, computed in one mixed batch and cut to its length.
fn states_of(model: &FrozenModel, tokens: &[Tokens]) -> Vec<Vec<Tensor>> {
    let layers = layers_of(model);
    let batch = TokenBatch::from_tokens(tokens, model.pad_id);
    let states = model.encoder.hidden_states(&batch, &layers).unwrap();
    let asked: Vec<LayerIndex> = states.layers.iter().map(|(layer, _)| *layer).collect();
    assert_eq!(asked, layers);
    let stride = model.encoder.spec().state_stride;
    let n_states = |row: usize| tokens[row].ids.len().div_ceil(stride) as i64;
    let cut = |row: usize, state: &Tensor| state.get(row as i64).narrow(0, 0, n_states(row));
    (0..tokens.len()).map(|row| states.layers.iter().map(|(_, state)| cut(row, state)).collect()).collect()
}

#[test]
fn every_family_gives_the_tokens_of_its_reference() {
    for family in FAMILIES {
        for folder in cases_of(family.id) {
            let model = load(&folder, Precision::F32);
            let case = read_case(&folder);
            assert_eq!(model.encoder.spec().family, family.id);
            let got = tokenize(&model, &case);
            assert_eq!((got.len(), got.len()), (case.tokens.len(), case.n_special.len()));
            for ((tokens, expected), n_special) in got.iter().zip(&case.tokens).zip(&case.n_special) {
                assert_eq!(&tokens.ids, expected, "{}", folder.display());
                let special = tokens.special.iter().filter(|special| **special).count();
                assert_eq!(special, *n_special, "{}", folder.display());
                assert!(!model.encoder.spec().has_cls || tokens.special[0]);
            }
        }
    }
}

#[test]
fn every_family_gives_the_hidden_states_of_its_reference() {
    for family in FAMILIES {
        for folder in cases_of(family.id) {
            let case = read_case(&folder);
            let bytes = std::fs::read(folder.join("expected.safetensors")).unwrap();
            let expected = SafeTensors::deserialize(&bytes).unwrap();
            for (precision, name, tolerance) in
                [(Precision::F32, "float32", 1e-5), (Precision::F64, "float64", 1e-9)]
            {
                let model = load(&folder, precision);
                let states = states_of(&model, &tokenize(&model, &case));
                let n_expected = expected.names().iter().filter(|known| known.starts_with(name)).count();
                // A reference that computes in 32 bits only has no 64-bit states; every family has the others.
                assert!(n_expected > 0 || precision == Precision::F64, "{}", folder.display());
                if n_expected == 0 {
                    continue;
                }
                let mut compared = 0;
                let mut worst = 0.0_f64;
                for (row, layers) in states.iter().enumerate() {
                    for (layer, state) in layers_of(&model).iter().zip(layers) {
                        assert_eq!(state.kind(), precision.kind());
                        let reference =
                            tensor_of(&expected.tensor(&format!("{name}/{row}/{layer}")).unwrap());
                        let error = relative_error(state, &reference);
                        assert!(
                            error <= tolerance,
                            "{} {name} row {row} layer {layer}: {error:e}",
                            folder.display()
                        );
                        worst = worst.max(error);
                        compared += 1;
                    }
                }
                println!(
                    "{} {name}: {compared} states, largest relative error {worst:.1e}",
                    folder.display()
                );
                assert_eq!(compared, n_expected, "every expected state is compared");
            }
        }
    }
}

#[test]
fn a_sequence_does_not_depend_on_its_batch() {
    for family in FAMILIES {
        for folder in cases_of(family.id) {
            for weights in [Weights::Pretrained, Weights::Random(Seed(5))] {
                let options = LoadOptions {
                    weights,
                    precision: Precision::F32,
                    device: Device::Cpu,
                    allow_code: false,
                };
                let model = open_model(&folder, options).unwrap();
                let tokens = tokenize(&model, &read_case(&folder));
                let together = states_of(&model, &tokens);
                for (row, tokens) in tokens.into_iter().enumerate() {
                    let alone = states_of(&model, &[tokens]);
                    for (one, other) in alone[0].iter().zip(&together[row]) {
                        let error = relative_error(other, &one.to_kind(Kind::Double));
                        assert!(error <= 1e-5, "{} row {row}: {error:e}", folder.display());
                    }
                }
            }
        }
    }
}

#[test]
fn layers_come_in_the_order_asked() {
    for family in FAMILIES {
        let folder = &cases_of(family.id)[0];
        let model = load(folder, Precision::F64);
        let tokens = tokenize(&model, &read_case(folder));
        let batch = TokenBatch::from_tokens(&tokens, model.pad_id);
        let all = layers_of(&model);
        let (first, last) = (all[0], all[all.len() - 1]);
        let second = *all.get(1).unwrap_or(&first);
        let asked = [LayerIndex::Final, first, last, second, second];
        let states = model.encoder.hidden_states(&batch, &asked).unwrap().layers;
        assert_eq!(states.iter().map(|(layer, _)| *layer).collect::<Vec<_>>(), asked);
        assert_eq!(states[0].1, states[2].1, "final is the last block where no norm follows it");
        assert_eq!(states[3].1, states[4].1);
        let only = model.encoder.hidden_states(&batch, &[second]).unwrap().layers;
        assert_eq!(only[0].1, states[3].1, "stopping after a layer changes nothing");
        assert!(second == first || states[1].1 != states[3].1);
        assert!(model.encoder.hidden_states(&batch, &[]).unwrap().layers.is_empty());
        assert!(!states[0].1.requires_grad());
    }
}
