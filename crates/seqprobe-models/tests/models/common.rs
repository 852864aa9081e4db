//! Small models in temporary folders, and ways to damage them.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use seqprobe_core::{DnaSequence, LayerIndex, Seed};
use seqprobe_models::{
    FrozenModel, LoadOptions, ModelError, Precision, TokenBatch, Weights, create, open_model,
};
use std::collections::BTreeMap;
use std::path::Path;
use tch::Device;
use tempfile::TempDir;

pub(crate) const PRETRAINED: LoadOptions = LoadOptions {
    weights: Weights::Pretrained,
    precision: Precision::F32,
    device: Device::Cpu,
    allow_code: false,
};

pub(crate) fn random(seed: u64) -> LoadOptions {
    LoadOptions { weights: Weights::Random(Seed(seed)), ..PRETRAINED }
}

/// Two blocks of width 8 over 3-mers.
pub(crate) fn small_bert() -> TempDir {
    let folder = TempDir::new().unwrap();
    create::bert(folder.path(), 3, 2, 8, 2, Seed(1)).unwrap();
    folder
}

/// Two blocks of width 8.
pub(crate) fn small_gpn() -> TempDir {
    let folder = TempDir::new().unwrap();
    create::gpn(folder.path(), 2, 8, Seed(1)).unwrap();
    folder
}

/// A parity case in a folder of its own, to be changed.
pub(crate) fn copy_of_fixture(family: &str, case: &str) -> TempDir {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models").join(family).join(case);
    let folder = TempDir::new().unwrap();
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

pub(crate) fn dna(text: &str) -> DnaSequence {
    DnaSequence::parse(text).unwrap().0
}

/// All layers of one sequence, as numbers.
pub(crate) fn states(model: &FrozenModel, text: &str) -> Vec<f32> {
    let batch = TokenBatch::from_tokens(&[model.tokenize(&dna(text)).unwrap()], model.pad_id);
    let layers: Vec<LayerIndex> = (0..=model.encoder.spec().n_blocks).map(LayerIndex::Block).collect();
    let states = model.encoder.hidden_states(&batch, &layers).unwrap();
    states.layers.iter().flat_map(|(_, state)| Vec::<f32>::try_from(state.reshape([-1])).unwrap()).collect()
}

/// The message of a model that cannot be loaded, the folder replaced.
pub(crate) fn load_error(folder: &Path, options: LoadOptions) -> String {
    let error: ModelError = open_model(folder, options).err().expect("loading should fail");
    error.to_string().replace(&folder.display().to_string(), "<folder>")
}

pub(crate) fn edit_config(folder: &Path, edit: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) {
    let path = folder.join("config.json");
    let mut config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    edit(config.as_object_mut().unwrap());
    std::fs::write(&path, config.to_string()).unwrap();
}

/// Element type, shape, bytes.
pub(crate) type StoredTensor = (Dtype, Vec<usize>, Vec<u8>);

pub(crate) fn read_tensors(folder: &Path) -> BTreeMap<String, StoredTensor> {
    let bytes = std::fs::read(folder.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let stored = |view: TensorView<'_>| (view.dtype(), view.shape().to_vec(), view.data().to_vec());
    tensors.tensors().into_iter().map(|(name, view)| (name, stored(view))).collect()
}

pub(crate) fn values(tensor: &StoredTensor) -> Vec<f64> {
    assert_eq!(tensor.0, Dtype::F32);
    tensor.2.chunks_exact(4).map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap()))).collect()
}

pub(crate) fn edit_tensors(folder: &Path, edit: impl FnOnce(&mut BTreeMap<String, StoredTensor>)) {
    let mut tensors = read_tensors(folder);
    edit(&mut tensors);
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    std::fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Reports a test that is skipped because data is absent. With `SEQPROBE_REQUIRE_DATA=1` that is a failure.
#[expect(clippy::print_stdout, reason = "skipped tests are reported")]
pub(crate) fn skip_without_data(reason: &str) {
    let is_required = std::env::var("SEQPROBE_REQUIRE_DATA").is_ok_and(|value| value == "1");
    assert!(!is_required, "{reason}, and SEQPROBE_REQUIRE_DATA is 1");
    println!("skipped: {reason}");
}
