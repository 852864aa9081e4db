//! Random initialisation of HyenaDNA and Caduceus compared with their authors' codes, and the sizes of their published
//! checkpoints.

use super::random_starts::{all, deviation, drawn, largest, named};
use super::{FAMILIES, recognise};
use crate::folder::config_file::ConfigFile;
use crate::parameters::Parameters;
use approx::assert_relative_eq;
use seqprobe_core::Seed;
use serde_json::{Value, json};
use tch::{Device, Kind};

#[test]
fn hyenadna_starts_as_its_authors_start_it() {
    let first = json!({
        "d_model": 48, "n_layer": 8, "d_inner": 192, "vocab_size": 12, "pad_vocab_size_multiple": 8,
        "layer": {"l_max": 66, "emb_dim": 5, "filter_order": 64, "w": 10},
    });
    let mut wider = first.clone();
    wider["initializer_cfg"] = json!({"initializer_range": 0.1, "rescale_prenorm_residual": false});
    for (config, range, residual) in [(first, 0.02, 0.02 / 4.0), (wider, 0.1, 0.1)] {
        for tensor in drawn(config) {
            let (name, values) = (tensor.name.as_str(), tensor.values.as_slice());
            if ["norm1.weight", "norm2.weight", "ln_f.weight"].iter().any(|end| name.ends_with(end)) {
                assert!(all(values, 1.0), "{name}");
            } else if name.ends_with(".freq") {
                assert!(all(values, 10.0), "{name}");
            } else if name.contains("short_filter") {
                let bound = 1.0 / 3.0_f64.sqrt();
                assert!(largest(values) <= bound * (1.0 + 1e-6) && largest(values) > 0.9 * bound, "{name}");
            } else if name.ends_with("filter_fn.bias") {
                assert_relative_eq!(deviation(values), 1.0, max_relative = 0.4);
            } else if name.ends_with("bias") {
                assert!(all(values, 0.0), "{name}");
            } else {
                let is_residual = name.ends_with("out_proj.weight") || name.ends_with("fc2.weight");
                let expected = if is_residual { residual } else { range };
                assert_relative_eq!(deviation(values), expected, max_relative = 0.15);
            }
        }
    }
}

#[test]
fn caduceus_starts_as_its_authors_start_it() {
    let config = json!({
        "model_type": "caduceus", "d_model": 64, "n_layer": 4, "vocab_size": 12, "rcps": true,
        "complement_map": {"7": 10, "10": 7, "8": 9, "9": 8},
    });
    let tensors = drawn(config);
    let mixer = "layers.2.mixer.submodule.mamba_rev";
    let values = |name: &str| named(&tensors, &format!("{mixer}.{name}")).values.clone();
    let fills = |values: &[f32], bound: f64| {
        assert!(largest(values) <= bound * (1.0 + 1e-6) && largest(values) > 0.9 * bound, "{bound}");
        assert_relative_eq!(deviation(values), bound / 3.0_f64.sqrt(), max_relative = 0.15);
    };
    fills(&values("conv1d.weight"), 0.5);
    fills(&values("conv1d.bias"), 0.5);
    fills(&values("x_proj.weight"), 1.0 / 128.0_f64.sqrt());
    fills(&values("dt_proj.weight"), 0.5);
    let shared = |name: &str| &named(&tensors, &format!("layers.2.mixer.submodule.mamba_fwd.{name}")).values;
    fills(shared("in_proj.weight"), 1.0 / 8.0);
    fills(shared("out_proj.weight"), 1.0 / 128.0_f64.sqrt() / 2.0);
    assert!(
        !tensors.iter().any(|tensor| tensor.name.contains("mamba_rev.in_proj")),
        "projections are shared"
    );
    assert!(all(&values("D"), 1.0));
    for (place, rate) in values("A_log").iter().enumerate() {
        assert_relative_eq!(rate.exp(), (place % 16 + 1) as f32, max_relative = 1e-5);
    }
    for step in values("dt_proj.bias").iter().map(|bias| f64::from(*bias).exp().ln_1p()) {
        assert!((0.001 * (1.0 - 1e-4)..=0.1 * (1.0 + 1e-4)).contains(&step), "{step}");
    }
    assert!(all(&named(&tensors, "layers.0.norm.weight").values, 1.0));
    assert!(all(&named(&tensors, "norm_f.weight").values, 1.0));
    let embedding = named(&tensors, "embeddings.word_embeddings.embedding.weight");
    assert_eq!(embedding.shape, [16, 64]);
    assert_relative_eq!(deviation(&embedding.values), 0.02, max_relative = 0.1);
}

/// The settings of a published checkpoint, from its identifier.
fn published_config(id: &str, layers: u32, hidden: u32, max_tokens: Option<u32>) -> Value {
    let is_equivariant = id.contains("-ps-");
    match max_tokens {
        Some(limit) => json!({
            "model_type": "hyenadna", "d_model": hidden, "n_layer": layers, "d_inner": 4 * hidden, "vocab_size": 12,
            "max_seq_len": limit, "emb_dim": 5, "filter_order": 64, "num_inner_mlps": 2, "activation_freq": 10,
        }),
        None => json!({
            "model_type": "caduceus", "d_model": hidden / (1 + u32::from(is_equivariant)), "n_layer": layers,
            "vocab_size": 16, "rcps": is_equivariant, "complement_map": {"7": 10, "8": 9, "9": 8, "10": 7},
        }),
    }
}

#[test]
fn published_checkpoints_have_the_size_that_is_listed() {
    let mut n_models = 0;
    for family in FAMILIES.iter().filter(|family| ["hyenadna", "caduceus"].contains(&family.id)) {
        for model in family.published {
            let config = published_config(model.id, model.layers, model.hidden, model.max_tokens);
            let file = ConfigFile::from_value("config.json".into(), config).unwrap();
            let mut parameters = Parameters::random(Seed(1), Kind::Float, Device::Cpu);
            let loaded = (recognise(&file).unwrap().load)(&file, &mut parameters).unwrap();
            let spec = &loaded.spec;
            assert_eq!(Some(spec.n_parameters), model.n_parameters, "{}", model.id);
            assert_eq!((spec.n_blocks, spec.hidden), (model.layers, model.hidden as usize), "{}", model.id);
            assert_eq!(spec.max_tokens, model.max_tokens.map(|limit| limit as usize), "{}", model.id);
            n_models += 1;
        }
    }
    assert_eq!(n_models, 7 + 6);
}
