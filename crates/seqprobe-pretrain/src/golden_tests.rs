//! Two steps of training against PyTorch: `tests/fixtures/generate.py` says how the numbers were made.

use crate::batches::Batch;
use crate::evaluate::weighted_loss;
use crate::optimiser::TensorOptimiser;
use ndarray::Array2;
use safetensors::SafeTensors;
use seqprobe_core::Seed;
use seqprobe_models::TokenBatch;
use seqprobe_models::config_file::ConfigFile;
use seqprobe_models::training::TrainableModel;
use tch::{Device, Kind, Tensor};

#[derive(serde::Deserialize)]
struct Golden {
    ids: Vec<Vec<i64>>,
    places: Vec<i64>,
    targets: Vec<i64>,
    weights: Vec<f32>,
    rates: Vec<f64>,
    clip_norm: f64,
    weight_decay: f64,
    losses_in_nats: Vec<f64>,
    gradient_norms: Vec<f64>,
}

fn small_config() -> ConfigFile {
    let value = serde_json::json!({
        "model_type": "ConvNet", "vocab_size": 7, "hidden_size": 16, "n_layers": 2, "kernel_size": 5,
        "dilation_double_every": 1, "dilation_max": 32, "dilation_cycle": 6, "dilation_base": 2,
    });
    ConfigFile::from_value("config.json".into(), value).unwrap()
}

fn values(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let view = file.tensor(name).unwrap();
    view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn two_steps_are_those_of_torch() {
    let golden: Golden = serde_json::from_str(include_str!("../tests/fixtures/golden.json")).unwrap();
    let bytes = include_bytes!("../tests/fixtures/golden.safetensors");
    let file = SafeTensors::deserialize(bytes).unwrap();
    let model = TrainableModel::new(&small_config(), Seed(1), Device::Cpu).unwrap();
    for one in model.tensors() {
        let start = Tensor::from_slice(&values(&file, &format!("before/{}", one.name)));
        tch::no_grad(|| one.tensor.detach().copy_(&start.view_as(&one.tensor)));
    }
    let (rows, columns) = (golden.ids.len(), golden.ids[0].len());
    let batch = Batch {
        tokens: TokenBatch {
            ids: Array2::from_shape_vec((rows, columns), golden.ids.concat()).unwrap(),
            lengths: vec![columns; rows],
            special: Array2::from_elem((rows, columns), false),
        },
        places: golden.places,
        targets: golden.targets,
        weights: golden.weights,
        origins: Vec::new(),
    };
    let mut optimiser = TensorOptimiser::new(model.tensors(), golden.weight_decay, golden.clip_norm).unwrap();
    assert_eq!(golden.rates.len(), 2);
    for (step, rate) in golden.rates.iter().enumerate() {
        let loss = tch::with_grad(|| {
            weighted_loss(&model.network(Kind::Float).unwrap(), &batch, Device::Cpu).unwrap()
        });
        let nats = &loss * std::f64::consts::LN_2;
        approx::assert_relative_eq!(
            f64::try_from(&nats).unwrap(),
            golden.losses_in_nats[step],
            max_relative = 1e-5
        );
        let norm = optimiser.step(model.tensors(), &nats, *rate).unwrap();
        approx::assert_relative_eq!(norm, golden.gradient_norms[step], max_relative = 1e-4);
        for one in model.tensors() {
            let expected = values(&file, &format!("after {}/{}", step + 1, one.name));
            let got: Vec<f32> = one.tensor.detach().flatten(0, -1).try_into().unwrap();
            assert_eq!(got.len(), expected.len());
            for (got, expected) in got.iter().zip(&expected) {
                // A step moves each value by about its rate: a thousandth of that, and rounding.
                approx::assert_abs_diff_eq!(*got, *expected, epsilon = 3e-6);
            }
        }
    }
}
