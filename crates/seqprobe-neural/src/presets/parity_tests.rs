//! The presets compared with references written in PyTorch (`tests/fixtures/presets/generate.py`): the output of every
//! layer when predicting and when training without dropout, running statistics, every gradient, and parameter counts.

use crate::networks::batch::Batch;
use crate::networks::layer::Layer;
use crate::networks::layered_network::{LayeredNetwork, run};
use crate::networks::mode::Mode;
use crate::networks::parameters::{NetworkParameters, ParameterRole, Specification};
use crate::presets::preset::{PRESETS, Preset};
use safetensors::SafeTensors;
use seqprobe_core::Seed;
use std::collections::BTreeMap;
use tch::Tensor;

/// The arrays of a fixture: shape and values.
struct Fixture(BTreeMap<String, (Vec<usize>, Vec<f32>)>);

impl Fixture {
    fn read(id: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/presets");
        let bytes = std::fs::read(format!("{folder}/{id}.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let values = |data: &[u8]| {
            data.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
        };
        let arrays = file.tensors();
        Self(arrays.iter().map(|(n, t)| (n.clone(), (t.shape().to_vec(), values(t.data())))).collect())
    }

    fn tensor(&self, name: &str) -> Tensor {
        let (shape, values) = &self.0[name];
        let shape: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
        Tensor::from_slice(values).view(shape.as_slice())
    }

    fn network(&self, preset: &Preset) -> LayeredNetwork {
        let mut layers = (preset.layers)();
        narrow(&mut layers);
        let shape = &self.0["input"].0;
        LayeredNetwork::new(preset.id, layers, (shape[2], shape[1]), self.0["coefficients"].0[1]).unwrap()
    }

    fn parameters(&self, network: &LayeredNetwork) -> NetworkParameters {
        let take = |one: &Specification| {
            let (shape, values) = &self.0[&format!("start/{}", one.name)];
            assert_eq!(shape.iter().map(|&size| size as i64).collect::<Vec<_>>(), one.shape, "{}", one.name);
            values.clone()
        };
        NetworkParameters::build(network.specifications(), take).unwrap()
    }

    fn batch(&self) -> Batch {
        let shape = &self.0["input"].0;
        Batch { values: self.tensor("input"), lengths: vec![shape[1]; shape[0]], longest: shape[1] }
    }

    /// Compares values with those of the fixture. The error is absolute, relative to the largest value (at least
    /// `floor`).
    fn assert_close(&self, name: &str, values: &Tensor, floor: f64, tolerance: f64) {
        let expected = self.tensor(name);
        assert_eq!(values.size(), expected.size(), "{name}");
        let largest = expected.abs().max().double_value(&[]).max(floor);
        let error = (values - &expected).abs().max().double_value(&[]) / largest;
        assert!(error < tolerance, "{name}: {error}");
    }
}

/// Widths divided by 16, rounded up; dropout 0.
fn narrow(layers: &mut [Layer]) {
    for layer in layers {
        match layer {
            Layer::Convolution(convolution) => convolution.channels = convolution.channels.div_ceil(16),
            Layer::Dense { units, .. } => *units = units.div_ceil(16),
            Layer::Dropout(probability) => *probability = 0.0,
            Layer::Residual(within) => narrow(within),
            _ => {}
        }
    }
}

/// Runs a network, compares the output of each layer and returns that of the last.
fn compare_layers(
    fixture: &Fixture,
    network: &LayeredNetwork,
    parameters: &NetworkParameters,
    mode: &str,
) -> Tensor {
    let mut rng = Seed(0).rng();
    let mut state = if mode == "train" { Mode::Train(&mut rng) } else { Mode::Predict };
    let values = network.token_values(&fixture.batch()).unwrap();
    let mut compared = 0;
    let mut see = |name: &str, values: &Tensor| {
        let name = format!("{mode}/{name}");
        if fixture.0.contains_key(&name) {
            let is_flat = values.dim() == 2;
            let tokens = || values.permute([0, 2, 3, 1]).squeeze_dim(1);
            fixture.assert_close(&name, &if is_flat { values.shallow_clone() } else { tokens() }, 1e-3, 2e-5);
            compared += 1;
        }
        Ok(())
    };
    let output =
        tch::with_grad(|| run(&network.placed().unwrap(), parameters, values, &mut state, &mut see)).unwrap();
    assert_eq!(compared, fixture.0.keys().filter(|name| name.starts_with(&format!("{mode}/"))).count());
    output
}

#[test]
fn every_layer_predicts_and_trains_as_its_reference() {
    for preset in PRESETS {
        let fixture = Fixture::read(preset.id);
        let network = fixture.network(preset);
        let parameters = fixture.parameters(&network);
        let _ = compare_layers(&fixture, &network, &parameters, "predict");
        let output = compare_layers(&fixture, &network, &parameters, "train");
        let loss = (output * fixture.tensor("coefficients")).sum(tch::Kind::Float);
        let gradient = parameters.gradient_of(&loss).unwrap();
        check_gradient(&fixture, &parameters, &gradient, 5e-5);
        check_running(&fixture, &parameters);
    }
}

#[test]
fn the_fused_stem_equals_its_layers() {
    let preset = &crate::presets::preset::TANG_MPRA_CNN;
    let fixture = Fixture::read(preset.id);
    let network = fixture.network(preset);
    let parameters = fixture.parameters(&network);
    let batch = fixture.batch();
    let output = network.forward(&parameters, &batch, Mode::Predict).unwrap();
    fixture.assert_close("predict/21", &output, 1e-3, 1e-5);
    let coefficients = fixture.tensor("coefficients");
    let loss = |output: &Tensor| Ok((output * &coefficients).sum(tch::Kind::Float));
    let (_, gradient) = network.fused_gradient(&parameters, &batch, &mut Seed(0).rng(), loss).unwrap();
    check_gradient(&fixture, &parameters, &gradient, 5e-5);
    check_running(&fixture, &parameters);
}

#[test]
fn wide_and_narrow_fused_stems_have_the_gradients_of_their_layers() {
    for (dim, tokens) in [(4, 43), (3, 40), (90, 21)] {
        let mut layers = (crate::presets::preset::TANG_MPRA_CNN.layers)();
        narrow(&mut layers);
        for layer in &mut layers[1..3] {
            let Layer::Convolution(convolution) = layer else { panic!("not a convolution") };
            convolution.channels = 48;
        }
        let network = LayeredNetwork::new("tang-mpra-cnn", layers, (dim, tokens), 2).unwrap();
        let mut rng = Seed(3).rng();
        let mut draw = |size: usize, low: f32| -> Vec<f32> {
            (0..size).map(|_| rand::Rng::random::<f32>(&mut rng) + low).collect()
        };
        let build = |one: &Specification, draw: &mut dyn FnMut(usize, f32) -> Vec<f32>| {
            let is_scale = one.name.ends_with("gain") || one.name.ends_with("variance");
            draw(one.size() as usize, if is_scale { 0.5 } else { -0.5 })
        };
        let drawn = NetworkParameters::build(network.specifications(), |one| build(one, &mut draw)).unwrap();
        let same = drawn.snapshot().unwrap();
        let mut plain = NetworkParameters::draw(network.specifications(), Seed(1)).unwrap();
        plain.restore(&same).unwrap();
        let rows = 6;
        let values = Tensor::from_slice(&draw(rows * tokens * dim, -0.5));
        let values = values.view([rows as i64, tokens as i64, dim as i64]);
        let batch = Batch { values, lengths: vec![tokens; rows], longest: tokens };
        let coefficients = Tensor::from_slice(&draw(rows * 2, -0.5)).view([rows as i64, 2]);
        let loss = |output: &Tensor| (output * &coefficients).sum(tch::Kind::Float);

        let (value, fused) =
            network.fused_gradient(&drawn, &batch, &mut Seed(0).rng(), |output| Ok(loss(output))).unwrap();
        let layered = tch::with_grad(|| {
            let input = network.token_values(&batch).unwrap();
            let mut rng = Seed(0).rng();
            let mut mode = Mode::Train(&mut rng);
            let placed = network.placed().unwrap();
            loss(&run(&placed, &plain, input, &mut mode, &mut |_, _| Ok(())).unwrap())
        });
        approx::assert_relative_eq!(value, layered.double_value(&[]), max_relative = 1e-4);
        let expected = plain.gradient_of(&layered).unwrap();
        let error = (&fused - &expected).norm().double_value(&[]) / expected.norm().double_value(&[]);
        assert!(error < 1e-5, "dim {dim}: {error}");
        let (moved, expected) = (drawn.snapshot().unwrap(), plain.snapshot().unwrap());
        let error = (&moved - &expected).norm().double_value(&[]) / expected.norm().double_value(&[]);
        assert!(error < 1e-6, "running statistics, dim {dim}: {error}");
    }
}

fn check_gradient(fixture: &Fixture, parameters: &NetworkParameters, gradient: &Tensor, tolerance: f64) {
    // The gradient of a bias before a norm is 0; what is computed is rounding error, which depends on the instructions
    // that the processor has. It must be small among the others: 2e-6 is 17 times the rounding of one product.
    let gradients = fixture.0.iter().filter(|(name, _)| name.starts_with("gradient/"));
    let largest =
        gradients.flat_map(|(_, array)| &array.1).fold(0.0_f32, |most, value| most.max(value.abs()));
    let mut start = 0;
    for one in parameters.specifications().iter().filter(|one| one.role.is_trained()) {
        let own = gradient.narrow(0, start, one.size()).view(one.shape.as_slice());
        start += one.size();
        let name = format!("gradient/{}", one.name);
        let expected = fixture.0[&name].1.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        if expected < 2e-6 * largest {
            let found = own.abs().max().double_value(&[]);
            assert!(found < f64::from(2e-6 * largest), "{name}: {found}, the largest gradient is {largest}");
        } else {
            fixture.assert_close(&name, &own, 0.01 * f64::from(largest), tolerance);
        }
    }
    let expected = fixture.0.keys().filter(|name| name.starts_with("gradient/")).count();
    let trained = parameters.specifications().iter().filter(|one| one.role.is_trained()).count();
    assert_eq!(expected, trained);
}

fn check_running(fixture: &Fixture, parameters: &NetworkParameters) {
    let mut compared = 0;
    for one in parameters.specifications().iter().filter(|one| one.role == ParameterRole::State) {
        fixture.assert_close(&format!("after/{}", one.name), parameters.get(&one.name).unwrap(), 1e-3, 1e-6);
        compared += 1;
    }
    assert_eq!(compared, fixture.0.keys().filter(|name| name.starts_with("after/")).count());
}

#[test]
fn full_networks_have_as_many_numbers_as_their_tables() {
    let golden: BTreeMap<String, BTreeMap<String, i64>> =
        serde_json::from_str(include_str!("../../tests/fixtures/presets/counts.json")).unwrap();
    assert_eq!(golden.len(), PRESETS.len());
    for preset in PRESETS {
        let sizes = if preset.reads == seqprobe_core::FeatureKind::Pooled { (920, 1) } else { (4, 230) };
        let network = LayeredNetwork::new(preset.id, (preset.layers)(), sizes, 1).unwrap();
        assert_eq!(network.reads(), preset.reads, "{}", preset.id);
        let count = |wanted: fn(ParameterRole) -> bool| -> i64 {
            network.specifications().iter().filter(|one| wanted(one.role)).map(Specification::size).sum()
        };
        assert_eq!(count(ParameterRole::is_trained), golden[preset.id]["trained"], "{}", preset.id);
        assert_eq!(count(|role| role == ParameterRole::State), golden[preset.id]["running"], "{}", preset.id);
    }
}

#[test]
fn the_reduction_holds_all_that_depends_on_the_width_of_tokens() {
    for (id, expected) in [("tang-mpra-cnn", Some(196)), ("tang-insert-cnn", Some(48)), ("resnet", None)] {
        let count = |dim: usize| {
            let layers = (crate::presets::preset::find(id).unwrap().layers)();
            let network = LayeredNetwork::new(id, layers, (dim, 101), 1).unwrap();
            let trained = network.specifications();
            let all: i64 = trained.iter().filter(|one| one.role.is_trained()).map(Specification::size).sum();
            (all.unsigned_abs() - network.reduction_parameters(), network.reduction_parameters())
        };
        let (narrow, wide) = (count(4), count(768));
        match expected {
            // weights and bias of the reduction, gain and offset of a norm before it
            Some(width) => {
                let norm = if id == "tang-mpra-cnn" { 2 * 768 } else { 0 };
                assert_eq!(wide.1, 768 * width + width + norm, "{id}");
                assert_eq!(narrow.0, wide.0, "{id}");
            }
            None => assert_eq!((narrow.1, wide.1), (0, 0), "{id}"),
        }
    }
}

#[test]
fn rows_too_short_for_a_preset_are_refused_with_the_least_length() {
    let layers = || (crate::presets::preset::find("tang-mpra-cnn").unwrap().layers)();
    let error = LayeredNetwork::new("tang-mpra-cnn", layers(), (4, 19), 1).unwrap_err();
    assert_eq!(error.to_string(), "tang-mpra-cnn needs rows of at least 20 tokens, these have 19");
    assert!(LayeredNetwork::new("tang-mpra-cnn", layers(), (4, 20), 1).is_ok());
}
