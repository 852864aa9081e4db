//! Random initialisation of the BERT-like families compared with their authors' codes.

use super::{FAMILIES, recognise};
use crate::folder::config_file::ConfigFile;
use crate::parameters::{DrawnTensor, Parameters};
use approx::assert_relative_eq;
use seqprobe_core::Seed;
use serde_json::json;
use tch::{Device, Kind};

pub(super) fn drawn(config: serde_json::Value) -> Vec<DrawnTensor> {
    let file = ConfigFile::from_value("config.json".into(), config).unwrap();
    let mut parameters = Parameters::random(Seed(11), Kind::Float, Device::Cpu);
    parameters.drawn = Some(Vec::new());
    (recognise(&file).unwrap().load)(&file, &mut parameters).unwrap();
    parameters.drawn.unwrap()
}

pub(super) fn named<'a>(tensors: &'a [DrawnTensor], name: &str) -> &'a DrawnTensor {
    tensors.iter().find(|tensor| tensor.name == name).unwrap_or_else(|| panic!("no tensor {name}"))
}

pub(super) fn deviation(values: &[f32]) -> f64 {
    (values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

pub(super) fn largest(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value.abs())).fold(0.0, f64::max)
}

/// Whether every value is the expected one.
pub(super) fn all(values: &[f32], expected: f32) -> bool {
    values.iter().all(|value| value.to_bits() == expected.to_bits())
}

fn bert(more: &serde_json::Value) -> serde_json::Value {
    let mut config = json!({
        "vocab_size": 90, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "intermediate_size": 128, "max_position_embeddings": 100, "model_type": "bert", "initializer_range": 0.05,
    });
    let more = more.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(more);
    config
}

/// Normal with the config's deviation, norms one and zero, biases zero, the padding row zero.
fn starts_as_bert(tensors: &[DrawnTensor], padding: usize) {
    for DrawnTensor { name, shape, values, .. } in tensors {
        let is_norm =
            ["LayerNorm.weight", "layernorm.weight", "_ln.weight"].iter().any(|end| name.ends_with(end));
        if is_norm {
            assert!(all(values, 1.0), "{name}");
        } else if name.ends_with("bias") {
            assert!(all(values, 0.0), "{name}");
        } else if name.ends_with("word_embeddings.weight") {
            assert_eq!(shape, &[90, 64]);
            let (before, rest) = values.split_at(64 * padding);
            let (row, after) = rest.split_at(64);
            assert!(all(row, 0.0), "the padding row is zero");
            assert_relative_eq!(deviation(&[before, after].concat()), 0.05, max_relative = 0.05);
        } else if !name.ends_with("token_type_embeddings.weight") {
            assert_relative_eq!(deviation(values), 0.05, max_relative = 0.05);
        }
    }
}

#[test]
fn gena_starts_as_bert_does() {
    let tensors = drawn(bert(&json!({"pre_layer_norm": true, "pad_token_id": 3})));
    assert_eq!(tensors.len(), 5 + 2 * 16 + 2);
    starts_as_bert(&tensors, 3);
}

#[test]
fn dnabert2_starts_as_bert_does() {
    let tensors = drawn(bert(&json!({"alibi_starting_size": 512})));
    assert_eq!(tensors.len(), 4 + 2 * 11);
    starts_as_bert(&tensors, 0);
}

#[test]
fn rnabert_starts_as_the_layers_of_torch_do() {
    let config = json!({
        "vocab_size": 6, "multiple": 120, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 60, "max_position_embeddings": 100, "model_type": "rnabert", "initializer_range": 0.02,
    });
    let tensors = drawn(config);
    let words = &named(&tensors, "embeddings.word_embeddings.weight").values;
    assert!(all(&words[..240], 0.0), "the padding row is zero");
    assert_relative_eq!(deviation(&words[240..]), 1.0, max_relative = 0.1);
    let positions = &named(&tensors, "embeddings.position_embeddings.weight").values;
    assert_relative_eq!(deviation(positions), 1.0, max_relative = 0.05);
    for (name, inputs) in [("attention.selfattn.query", 240.0_f64), ("output.dense", 60.0)] {
        let bound = inputs.sqrt().recip();
        for part in ["weight", "bias"] {
            let values = &named(&tensors, &format!("encoder.layer.0.{name}.{part}")).values;
            assert_relative_eq!(deviation(values), bound / 3.0_f64.sqrt(), max_relative = 0.15);
            assert!(
                largest(values) <= bound * (1.0 + 1e-6) && largest(values) > 0.95 * bound,
                "{name}.{part}"
            );
        }
    }
    assert!(all(&named(&tensors, "encoder.layer.0.output.LayerNorm.weight").values, 1.0));
}

#[test]
fn modernbert_starts_from_a_cut_normal_smaller_where_it_adds_to_the_stream() {
    let config = json!({
        "vocab_size": 90, "hidden_size": 64, "num_hidden_layers": 8, "num_attention_heads": 4,
        "intermediate_size": 96, "model_type": "modernbert", "initializer_range": 0.05,
        "initializer_cutoff_factor": 1.0, "attention_bias": true, "pad_token_id": 3,
    });
    let tensors = drawn(config);
    // A standard normal cut at ±1 has the variance 1 − 2 φ(1) / (2 Φ(1) − 1) = 0.291125.
    let share = 0.291_125_f64.sqrt();
    let of_name = [
        ("embeddings.tok_embeddings.weight", 1.0),
        ("layers.7.attn.Wqkv.weight", 1.0),
        ("layers.7.mlp.Wi.weight", 1.0),
        ("layers.7.attn.Wo.weight", 0.25),
        ("layers.7.mlp.Wo.weight", 0.25),
    ];
    for (name, factor) in of_name {
        let values = &named(&tensors, name).values;
        assert_relative_eq!(deviation(values), 0.05 * factor * share, max_relative = 0.05);
        assert!(largest(values) <= 0.05 * factor * (1.0 + 1e-6), "{name}");
    }
    assert!(
        !all(&named(&tensors, "embeddings.tok_embeddings.weight").values[192..256], 0.0),
        "no row is left out"
    );
    assert!(all(&named(&tensors, "layers.7.attn.Wqkv.bias").values, 0.0));
    assert!(all(&named(&tensors, "final_norm.weight").values, 1.0));
    assert!(
        !tensors.iter().any(|tensor| tensor.name == "layers.0.attn_norm.weight"),
        "block 0 has no first norm"
    );
}

#[test]
fn the_published_sizes_are_those_of_the_published_configs() {
    let published = |id: &str| {
        let mut models = FAMILIES.iter().flat_map(|family| family.published);
        models.find(|model| model.id == id).and_then(|model| model.n_parameters)
    };
    // Counts a model with few tokens and one block, and what tokens and further blocks add. Whole models take long
    // to draw.
    let counted = |config: &serde_json::Value, vocab_size: u64, layers: u64, width: u64| {
        let with = |layers: u64| {
            let mut config = config.clone();
            config["num_hidden_layers"] = json!(layers);
            drawn(config).iter().map(|tensor| tensor.values.len() as u64).sum::<u64>()
        };
        let (one, two) = (with(1), with(2));
        Some(one + (layers - 1) * (two - one) + (vocab_size - 90) * width)
    };
    let base = json!({
        "vocab_size": 90, "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072,
        "max_position_embeddings": 512, "model_type": "bert",
    });
    let with = |more: serde_json::Value| {
        let mut config = base.clone();
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    assert_eq!(counted(&base, 4101, 12, 768), published("dnabert-6"));
    assert_eq!(counted(&with(json!({"alibi_starting_size": 512})), 4096, 12, 768), published("dnabert-2"));
    let lastln = json!({"pre_layer_norm": true});
    assert_eq!(counted(&with(lastln), 32_000, 12, 768), published("gena-lm-bert-base-lastln-t2t"));
    // Without the last norm there are its weight and bias less.
    assert_eq!(
        published("gena-lm-bert-base-t2t"),
        published("gena-lm-bert-base-lastln-t2t").map(|n| n - 2 * 768)
    );
    let large = json!({"pre_layer_norm": true, "hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096});
    assert_eq!(counted(&with(large), 32_000, 24, 1024), published("gena-lm-bert-large-t2t"));
    let modern = json!({
        "vocab_size": 90, "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 1152,
        "model_type": "modernbert",
    });
    assert_eq!(counted(&modern, 32_768, 22, 768), published("moderngena-base"));
}
