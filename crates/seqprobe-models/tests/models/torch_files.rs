//! Files of `torch.save` and split checkpoints against their twins in one safetensors file, and what a user
//! reads where a file contains more than plain weights.

use crate::common::{PRETRAINED, edit_tensors, small_bert, states};
use safetensors::Dtype;
use seqprobe_models::checkpoint::Checkpoint;
use seqprobe_models::{ModelError, open_model};
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints").join(name)
}

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(&fixture(name)).unwrap()
}

/// The message of a checkpoint that cannot be opened, without the folder.
fn refused(path: &Path) -> String {
    let error: ModelError = Checkpoint::open(path).err().expect("opening should fail");
    error.to_string().replace(&format!("{}/", path.parent().unwrap().display()), "")
}

/// Names, types, shapes and bytes of a safetensors file, read by its own crate.
fn contents(path: &Path) -> Vec<(String, Dtype, Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(path).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut all: Vec<_> = tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| (name, view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    all.sort();
    all
}

fn kind(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F16 => Some(Kind::Half),
        Dtype::BF16 => Some(Kind::BFloat16),
        Dtype::F32 => Some(Kind::Float),
        Dtype::F64 => Some(Kind::Double),
        _ => None,
    }
}

/// Exactly the values of the safetensors file, in every type in which a model may compute.
fn check_same(checkpoint: &Checkpoint, twin: &Path) -> usize {
    let contents = contents(twin);
    let names: Vec<&String> = contents.iter().map(|tensor| &tensor.0).collect();
    assert_eq!(checkpoint.names().iter().collect::<Vec<_>>(), names);
    let mut n_floats = 0;
    for (name, dtype, shape, bytes) in &contents {
        let Some(file_kind) = kind(*dtype) else {
            let message = checkpoint.tensor(name, shape, Kind::Float, Device::Cpu).unwrap_err().to_string();
            assert!(
                message.ends_with(&format!("has element type {dtype}, expected F16, BF16, F32 or F64")),
                "{message}"
            );
            continue;
        };
        let sizes: Vec<i64> = shape.iter().map(|size| *size as i64).collect();
        let stored = Tensor::from_data_size(bytes, &sizes, file_kind);
        for wanted in [Kind::Float, Kind::Double, file_kind] {
            let tensor = checkpoint.tensor(name, shape, wanted, Device::Cpu).unwrap();
            assert_eq!((tensor.kind(), tensor.size()), (wanted, sizes.clone()));
            assert!(tensor.is_contiguous());
            assert_eq!(tensor, stored.to_kind(wanted), "{name} as {wanted:?}");
        }
        n_floats += 1;
    }
    n_floats
}

#[test]
fn files_of_torch_save_hold_what_their_twins_hold() {
    let mut n_cases = 0;
    let mut n_floats = 0;
    for entry in std::fs::read_dir(fixture("twins")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "pt") {
            let twin = path.with_extension("safetensors");
            let checkpoint = Checkpoint::open(&path).unwrap();
            // Once before the tensors are loaded, once after: the way must not matter.
            let digest = checkpoint.digest();
            n_floats += check_same(&checkpoint, &twin);
            assert_eq!(digest, Checkpoint::open(&twin).unwrap().digest(), "{}", path.display());
            let loaded = Checkpoint::open(&path).unwrap();
            for (name, dtype, shape, _) in contents(&twin) {
                if kind(dtype).is_some() {
                    assert!(loaded.tensor(&name, &shape, Kind::Double, Device::Cpu).is_ok());
                }
            }
            assert_eq!(digest, loaded.digest(), "{}", path.display());
            n_cases += 1;
        }
    }
    assert_eq!((n_cases, n_floats), (18, 128));
}

#[test]
fn split_checkpoints_are_one() {
    let twin = fixture("twins/split.safetensors");
    let digest = open("twins/split.safetensors").digest();
    for index in ["split/model.safetensors.index.json", "split/pytorch_model.bin.index.json"] {
        let checkpoint = open(index);
        assert_eq!(checkpoint.path(), fixture(index));
        assert_eq!(check_same(&checkpoint, &twin), 5);
        assert_eq!(checkpoint.digest(), digest);
    }
}

#[test]
fn the_digest_covers_name_type_shape_and_values() {
    let digest = |edit: fn(&mut crate::common::StoredTensor), name: &str| {
        let folder = small_bert();
        edit_tensors(folder.path(), |tensors| {
            let mut tensor = tensors.remove("bert.encoder.layer.0.output.dense.weight").unwrap();
            edit(&mut tensor);
            tensors.insert(name.to_owned(), tensor);
        });
        Checkpoint::open(folder.path()).unwrap().digest()
    };
    let name = "bert.encoder.layer.0.output.dense.weight";
    let digests = [
        digest(|_| (), name),
        digest(|_| (), "bert.encoder.layer.0.output.dense.weighT"),
        digest(|tensor| tensor.1 = vec![32, 8], name),
        digest(|tensor| tensor.0 = Dtype::I32, name),
        digest(|tensor| *tensor.2.last_mut().unwrap() ^= 1, name),
    ];
    assert_eq!(digests[0], digest(|_| (), name));
    for (place, one) in digests.iter().enumerate() {
        assert!(!digests[..place].contains(one), "{place}");
    }
}

#[test]
fn tensors_of_many_pieces_are_read_whole() {
    // 600 × 1001 numbers of 4 bytes: nine pieces and a bit.
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    let values: Vec<f32> = (0..600 * 1001).map(|number| number as f32 * 0.5 - 7.0).collect();
    let write = |values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let view = safetensors::tensor::TensorView::new(Dtype::F32, vec![600, 1001], &bytes).unwrap();
        std::fs::write(&path, safetensors::serialize([("w", view)], None).unwrap()).unwrap();
        Checkpoint::open(folder.path()).unwrap()
    };
    let checkpoint = write(&values);
    let tensor = checkpoint.tensor("w", &[600, 1001], Kind::Float, Device::Cpu).unwrap();
    assert_eq!(Vec::<f32>::try_from(tensor.view(-1)).unwrap(), values);
    // After its pages were given back, the same again.
    assert_eq!(checkpoint.tensor("w", &[600, 1001], Kind::Float, Device::Cpu).unwrap(), tensor);
    let mut damaged = values;
    *damaged.last_mut().unwrap() = f32::NEG_INFINITY;
    let other = write(&damaged);
    assert_ne!(other.digest(), checkpoint.digest());
    let error = other.tensor("w", &[600, 1001], Kind::Double, Device::Cpu).unwrap_err().to_string();
    assert!(error.ends_with("tensor \"w\" contains NaN or infinite values (read as Double)"), "{error}");
}

#[test]
fn values_too_large_for_the_type_asked_for_are_an_error() {
    let folder = tempfile::TempDir::new().unwrap();
    let bytes = 1e39_f64.to_le_bytes();
    let view = safetensors::tensor::TensorView::new(Dtype::F64, vec![1], &bytes).unwrap();
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, safetensors::serialize([("w", view)], None).unwrap()).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    let value = f64::try_from(checkpoint.tensor("w", &[1], Kind::Double, Device::Cpu).unwrap()).unwrap();
    assert_eq!(value.to_bits(), 1e39_f64.to_bits());
    let error = checkpoint.tensor("w", &[1], Kind::Float, Device::Cpu).unwrap_err().to_string();
    assert!(error.ends_with("tensor \"w\" contains NaN or infinite values (read as Float)"), "{error}");
}

#[test]
fn a_model_in_pytorch_model_bin_gives_the_same_states() {
    let folder = tempfile::TempDir::new().unwrap();
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models/bert/k4");
    for name in ["config.json", "vocab.txt"] {
        std::fs::copy(case.join(name), folder.path().join(name)).unwrap();
    }
    std::fs::copy(fixture("bert.bin"), folder.path().join("pytorch_model.bin")).unwrap();
    let safetensors = open_model(&case, PRETRAINED).unwrap();
    let bin = open_model(folder.path(), PRETRAINED).unwrap();
    assert_eq!(states(&bin, "ACGTTGCA"), states(&safetensors, "ACGTTGCA"));
    assert_eq!(bin.weights_digest, safetensors.weights_digest);
}

#[test]
fn the_first_of_the_usual_files_is_taken() {
    let folder = tempfile::TempDir::new().unwrap();
    let take = |fixture_name: &str, name: &str| {
        std::fs::copy(fixture(fixture_name), folder.path().join(name)).unwrap();
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        checkpoint.path().file_name().unwrap().to_str().unwrap().to_owned()
    };
    for number in 1..4 {
        for name in [
            format!("model-0000{number}-of-00003.safetensors"),
            format!("pytorch_model-0000{number}-of-00003.bin"),
        ] {
            std::fs::copy(fixture(&format!("split/{name}")), folder.path().join(name)).unwrap();
        }
    }
    assert_eq!(take("twins/split.pt", "last.ckpt"), "last.ckpt");
    let name = "pytorch_model.bin.index.json";
    assert_eq!(take(&format!("split/{name}"), name), name);
    assert_eq!(take("twins/split.pt", "pytorch_model.bin"), "pytorch_model.bin");
    let name = "model.safetensors.index.json";
    assert_eq!(take(&format!("split/{name}"), name), name);
    assert_eq!(take("twins/split.safetensors", "model.safetensors"), "model.safetensors");
}

#[test]
fn what_is_no_plain_weights_is_refused() {
    let refuse = |name: &str| refused(&fixture(&format!("refused/{name}.pt")));
    insta::assert_snapshot!(refuse("runs-2"), @r#"
    runs-2.pt: it names the Python object posix.system (byte 169 of its pickle), which is not part of plain weights; nothing was run
      hint: save the weights alone: torch.save(model.state_dict(), "pytorch_model.bin"); do not load the file in Python unless you trust its author
    "#);
    insta::assert_snapshot!(refuse("runs-4"), @r#"
    runs-4.pt: it names the Python object posix.system (byte 177 of its pickle), which is not part of plain weights; nothing was run
      hint: save the weights alone: torch.save(model.state_dict(), "pytorch_model.bin"); do not load the file in Python unless you trust its author
    "#);
    insta::assert_snapshot!(refuse("namespace"), @r#"
    namespace.pt: it names the Python object argparse.Namespace (byte 865 of its pickle), which is not part of plain weights; nothing was run
      hint: save the weights alone: torch.save(model.state_dict(), "pytorch_model.bin"); do not load the file in Python unless you trust its author
    "#);
    insta::assert_snapshot!(refuse("whole-model"), @r#"
    whole-model.pt: it names the Python object torch.nn.modules.container.Sequential (byte 2 of its pickle), which is not part of plain weights; nothing was run
      hint: save the weights alone: torch.save(model.state_dict(), "pytorch_model.bin"); do not load the file in Python unless you trust its author
    "#);
    insta::assert_snapshot!(refuse("before-1.6"), @r#"
    before-1.6.pt: a file in the format before PyTorch 1.6, expected a file that torch.save wrote with PyTorch 1.6 or newer
      hint: convert it once in Python: torch.save(torch.load("old.bin", weights_only=True), "new.bin")
    "#);
    insta::assert_snapshot!(refuse("torchscript"), @r#"torchscript.pt: not a complete file of torch.save: it is a TorchScript archive, which is code and not a state dictionary"#);
    insta::assert_snapshot!(refuse("list"), @r#"
    list.pt: it contains something that is not a dictionary, expected named tensors
      hint: save the weights alone: torch.save(model.state_dict(), "pytorch_model.bin")
    "#);
    insta::assert_snapshot!(refuse("tensor"), @r#"
    tensor.pt: it contains one tensor without a name, expected named tensors
      hint: save the weights alone: torch.save(model.state_dict(), "pytorch_model.bin")
    "#);
    insta::assert_snapshot!(refuse("unusual-nesting"), @r#"
    unusual-nesting.pt: it contains the keys "generator", "step", expected named tensors
      hint: save the weights alone: torch.save(model.state_dict(), "pytorch_model.bin")
    "#);
    insta::assert_snapshot!(refuse("conjugate"), @r#"conjugate.pt: its pickle cannot be read at byte 180: a tensor is marked "conj", which is not supported"#);
    insta::assert_snapshot!(refuse("sparse"), @r#"
    sparse.pt: it names the Python object torch._utils._rebuild_sparse_tensor (byte 13 of its pickle), which is not part of plain weights; nothing was run
      hint: save the weights alone: torch.save(model.state_dict(), "pytorch_model.bin"); do not load the file in Python unless you trust its author
    "#);
    insta::assert_snapshot!(refuse("big-endian"), @r#"
    big-endian.pt: its numbers are in byte order "big", expected "little"
      hint: load and save it in Python on a little-endian machine
    "#);
}

#[test]
fn a_wrong_index_is_explained() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors.index.json");
    for number in 1..4 {
        let name = format!("model-0000{number}-of-00003.safetensors");
        std::fs::copy(fixture(&format!("split/{name}")), folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("secret.safetensors"), "").unwrap();
    std::fs::create_dir(folder.path().join("inner")).unwrap();
    let whole = std::fs::read_to_string(fixture("split/model.safetensors.index.json")).unwrap();
    let with = |text: &str| {
        std::fs::write(&path, text).unwrap();
        refused(&path)
    };
    insta::assert_snapshot!(with(""), @r"
    model.safetensors.index.json: is empty, expected settings or a vocabulary
      hint: download or copy it again
    ");
    insta::assert_snapshot!(with("{\"weight_map\": {}}"), @r#"model.safetensors.index.json: its "weight_map" names no tensor"#);
    insta::assert_snapshot!(with(&whole.replace("00003-of", "00007-of")), @r#"
    model.safetensors.index.json: file "model-00007-of-00003.safetensors", which should contain tensor "layer.4.weight", is missing
      hint: download or copy it again
    "#);
    insta::assert_snapshot!(with(&whole.replace("layer.3", "layer.9")), @r#"
    model.safetensors.index.json: tensor "layer.9.weight" is not in file "model-00002-of-00003.safetensors", where the index expects it
      hint: download or copy the files again
    "#);
    insta::assert_snapshot!(with(&whole.replace("00002-of", "00001-of")), @r#"
    model.safetensors.index.json: tensor "layer.2.weight" is not in file "model-00001-of-00003.safetensors", where the index expects it
      hint: download or copy the files again
    "#);
    for name in
        ["../secret.safetensors", "/secret.safetensors", "inner/../../secret.safetensors", "..", "", "."]
    {
        let message = with(&whole.replace("model-00001-of-00003.safetensors", name));
        assert_eq!(
            message,
            format!("model.safetensors.index.json: file {name:?} is not a path within its folder")
        );
    }
    // A tensor that the index forgets still counts, once.
    let mut index: serde_json::Value = serde_json::from_str(&whole).unwrap();
    index["weight_map"].as_object_mut().unwrap().remove("layer.1.weight");
    std::fs::write(&path, index.to_string()).unwrap();
    assert_eq!(Checkpoint::open(&path).unwrap().digest(), open("twins/split.safetensors").digest());
    std::fs::copy(
        folder.path().join("model-00001-of-00003.safetensors"),
        folder.path().join("model-00002-of-00003.safetensors"),
    )
    .unwrap();
    insta::assert_snapshot!(refused(&path), @r#"model.safetensors.index.json: tensor "layer.1.weight" is in several files, and the index does not say which one to use"#);
}
