//! What a user reads when the weights are absent, damaged or of another model.

use crate::common::{PRETRAINED, edit_config, edit_tensors, load_error, small_bert, small_gpn, states};
use proptest::prelude::*;
use safetensors::Dtype;
use seqprobe_models::open_model;
use serde_json::json;

#[test]
fn absent_weights_say_what_to_do() {
    let folder = small_bert();
    std::fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r"
    <folder>: no weights in this folder: no model.safetensors, no pytorch_model.bin, no index of one of them and no .pt, .pth or .ckpt file
      hint: give a folder in Hugging Face layout (config.json, model.safetensors, vocab.txt), or use random: for an untrained model
    ");
    for name in ["a.pt", "b.ckpt", "c.pth"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r"
    <folder>: 3 files of weights, expected one: a.pt, b.ckpt, …
      hint: move the others out of the folder, or call the right one pytorch_model.bin
    ");
}

#[test]
fn a_missing_tensor_is_named() {
    let folder = small_bert();
    edit_tensors(folder.path(), |tensors| {
        let moved = tensors.remove("bert.encoder.layer.1.output.dense.weight").unwrap();
        tensors.insert("bert.encoder.layer.1.output.densé.weight".to_owned(), moved);
    });
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"
    <folder>/model.safetensors: tensor "bert.encoder.layer.1.output.dense.weight" of shape [8, 32] is missing; the file has 37 tensors
      hint: the nearest name in the file is "bert.encoder.layer.1.output.densé.weight"
    "#);
}

#[test]
fn weights_of_another_family_are_an_error() {
    let (bert, gpn) = (small_bert(), small_gpn());
    std::fs::copy(gpn.path().join("model.safetensors"), bert.path().join("model.safetensors")).unwrap();
    insta::assert_snapshot!(load_error(bert.path(), PRETRAINED), @r#"
    <folder>/model.safetensors: tensor "bert.embeddings.word_embeddings.weight" of shape [69, 8] is missing; the file has 16 tensors
      hint: the checkpoint has another architecture
    "#);
}

#[test]
fn a_tensor_of_another_shape_is_named() {
    let folder = small_gpn();
    edit_config(folder.path(), |config| {
        config.insert("kernel_size".to_owned(), json!(5));
    });
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"
    <folder>/model.safetensors: tensor "model.encoder.0.conv.1.weight" has shape [8, 8, 9], expected [8, 8, 5]
      hint: config.json and the weights belong to different models
    "#);
}

#[test]
fn left_over_tensors_are_an_error_but_heads_are_not() {
    let folder = small_bert();
    edit_tensors(folder.path(), |tensors| {
        for name in ["cls.predictions.bias", "bert.pooler.dense.bias", "bert.embeddings.position_ids"] {
            tensors.insert(name.to_owned(), (Dtype::I64, vec![1], vec![0; 8]));
        }
    });
    assert_eq!(open_model(folder.path(), PRETRAINED).unwrap().encoder.spec().n_blocks, 2);
    edit_config(folder.path(), |config| {
        config.insert("num_hidden_layers".to_owned(), json!(1));
    });
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"
    <folder>/model.safetensors: 16 tensors are not part of a bert model, expected none: "bert.encoder.layer.1.attention.output.LayerNorm.bias", "bert.encoder.layer.1.attention.output.LayerNorm.weight", "bert.encoder.layer.1.attention.output.dense.bias", …
      hint: only the heads cls.*, classifier.*, pooler.*, embeddings.position_ids, embeddings.token_type_ids may be unused; the checkpoint has another architecture, or config.json has too few layers
    "#);
}

#[test]
fn values_that_are_no_numbers_are_an_error() {
    let folder = small_gpn();
    edit_tensors(folder.path(), |tensors| {
        let bias = tensors.get_mut("model.encoder.1.ffn.0.bias").unwrap();
        bias.2[4..8].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"<folder>/model.safetensors: tensor "model.encoder.1.ffn.0.bias" contains NaN or infinite values (read as Float)"#);
    edit_tensors(folder.path(), |tensors| {
        tensors.insert("model.encoder.1.ffn.0.bias".to_owned(), (Dtype::I32, vec![8], vec![0; 32]));
    });
    insta::assert_snapshot!(load_error(folder.path(), PRETRAINED), @r#"<folder>/model.safetensors: tensor "model.encoder.1.ffn.0.bias" has element type I32, expected F16, BF16, F32 or F64"#);
}

#[test]
fn a_truncated_file_is_an_error() {
    let folder = small_gpn();
    let path = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 5, 8, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let error = load_error(folder.path(), PRETRAINED);
        let start = format!("<folder>/model.safetensors: not a complete safetensors file ({length} bytes): ");
        assert!(error.starts_with(&start), "{error}");
        assert!(error.ends_with("\n  hint: download or copy it again"), "{error}");
    }
}

#[test]
fn every_floating_point_type_is_read() {
    let folder = small_gpn();
    // Values that every type represents exactly.
    edit_tensors(folder.path(), |tensors| {
        for (_, _, bytes) in tensors.values_mut() {
            for (index, value) in bytes.chunks_exact_mut(4).enumerate() {
                value.copy_from_slice(&((index % 7) as f32 * 0.125 - 0.25).to_le_bytes());
            }
        }
    });
    let expected = states(&open_model(folder.path(), PRETRAINED).unwrap(), "ACGTN");
    for dtype in [Dtype::F16, Dtype::BF16, Dtype::F64] {
        let other = small_gpn();
        std::fs::copy(folder.path().join("model.safetensors"), other.path().join("model.safetensors"))
            .unwrap();
        edit_tensors(other.path(), |tensors| {
            for tensor in tensors.values_mut() {
                let values = crate::common::values(tensor);
                tensor.0 = dtype;
                tensor.2 = match dtype {
                    Dtype::F16 => {
                        values.iter().flat_map(|&value| half::f16::from_f64(value).to_le_bytes()).collect()
                    }
                    Dtype::BF16 => {
                        values.iter().flat_map(|&value| half::bf16::from_f64(value).to_le_bytes()).collect()
                    }
                    _ => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                };
            }
        });
        let model = open_model(other.path(), PRETRAINED).unwrap();
        assert_eq!(states(&model, "ACGTN"), expected, "{dtype}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// A damaged header is an error or, where a value of no meaning was hit, the same model; never a panic.
    #[test]
    fn a_damaged_header_never_panics(place in 0_usize..1500, byte in any::<u8>()) {
        let folder = small_gpn();
        let path = folder.path().join("model.safetensors");
        let mut bytes = std::fs::read(&path).unwrap();
        let was = std::mem::replace(&mut bytes[place], byte);
        std::fs::write(&path, &bytes).unwrap();
        match open_model(folder.path(), PRETRAINED) {
            Ok(model) => prop_assert_eq!(model.encoder.spec().hidden, 8),
            Err(error) => {
                prop_assert_ne!(was, byte);
                prop_assert!(error.to_string().contains("model.safetensors"), "{}", error);
            }
        }
    }
}
