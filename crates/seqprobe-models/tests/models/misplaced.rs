//! Files and folders of another kind than a model: what they are called, and what the user can do.

use crate::common::{PRETRAINED, edit_tensors, load_error, random, small_bert, small_gpn, states};
use seqprobe_models::{BUNDLED_MODELS, ModelReference, open_model};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const POINTER: &str = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 10\n";
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>\n";

#[test]
fn every_file_of_a_model_is_named_when_it_is_something_else() {
    let gzip = [&[0x1f, 0x8b, 8, 0][..], &[0; 60]].concat();
    let others: [(&[u8], &str, &str); 4] = [
        (POINTER.as_bytes(), "is a Git LFS pointer", "git lfs pull"),
        (PAGE.as_bytes(), "is a web page (HTML)", "link to the raw file"),
        (&gzip, "is gzip", "unpack it first"),
        (b"", "is empty", "download or copy it again"),
    ];
    for name in ["config.json", "vocab.txt", "tokenizer_config.json", "model.safetensors"] {
        for (bytes, kind, hint) in others {
            if name == "model.safetensors" && bytes.is_empty() {
                continue;
            }
            let folder = small_gpn();
            fs::write(folder.path().join(name), bytes).unwrap();
            let error = load_error(folder.path(), PRETRAINED);
            assert!(error.starts_with(&format!("<folder>/{name}: {kind}, expected ")), "{error}");
            assert!(error.contains("\n  hint: ") && error.contains(hint), "{error}");
        }
    }
    for (bytes, kind) in [(POINTER.as_bytes(), "a Git LFS pointer"), (PAGE.as_bytes(), "a web page (HTML)")] {
        let folder = small_bert();
        fs::remove_file(folder.path().join("model.safetensors")).unwrap();
        fs::write(folder.path().join("pytorch_model.bin"), bytes).unwrap();
        let error = load_error(folder.path(), PRETRAINED);
        assert!(error.contains(&format!("pytorch_model.bin: is {kind}, expected safetensors or")), "{error}");
    }
}

#[test]
fn the_content_of_weights_decides_and_not_their_name() {
    let folder = small_gpn();
    let whole = states(&open_model(folder.path(), PRETRAINED).unwrap(), "ACGTAC");
    let weights = folder.path().join("model.safetensors");
    fs::rename(&weights, folder.path().join("pytorch_model.bin")).unwrap();
    assert_eq!(states(&open_model(folder.path(), PRETRAINED).unwrap(), "ACGTAC"), whole);
}

#[test]
fn adapters_and_weights_of_other_programs_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let adapter = r#"{"peft_type": "LORA", "base_model_name_or_path": "owner/base"}"#;
    fs::write(folder.path().join("adapter_config.json"), adapter).unwrap();
    fs::write(folder.path().join("adapter_model.safetensors"), "").unwrap();
    let error = load_error(folder.path(), PRETRAINED);
    assert!(
        error.starts_with(
            "<folder>: is a LoRA adapter of owner/base, not a whole model\n  hint: merge it first"
        ),
        "{error}"
    );
    // With the config of the base beside it, it is an adapter still; merged weights make it a model.
    let whole = small_gpn();
    fs::write(whole.path().join("adapter_config.json"), adapter).unwrap();
    open_model(whole.path(), PRETRAINED).unwrap();
    fs::remove_file(whole.path().join("model.safetensors")).unwrap();
    assert!(load_error(whole.path(), PRETRAINED).contains("is a LoRA adapter of owner/base"));

    let unmerged = small_bert();
    edit_tensors(unmerged.path(), |tensors| {
        let (name, tensor) = tensors.pop_first().unwrap();
        tensors.insert(format!("base_model.model.{name}.lora_A.default.weight"), tensor);
    });
    let error = load_error(unmerged.path(), PRETRAINED);
    assert!(error.contains("is part of a LoRA adapter that is not merged"), "{error}");

    for (name, kind, hint) in [
        ("flax_model.msgpack", "Flax weights", "from_flax=True"),
        ("tf_model.h5", "TensorFlow weights", "from_tf=True"),
        ("model.ckpt.index", "a TensorFlow checkpoint", "from_tf=True"),
        ("model-q4.gguf", "GGUF weights", "original weights"),
        ("model.onnx", "an ONNX graph", "exported from"),
    ] {
        let folder = small_gpn();
        fs::rename(folder.path().join("model.safetensors"), folder.path().join(name)).unwrap();
        let error = load_error(folder.path(), PRETRAINED);
        assert!(error.starts_with(&format!("<folder>: {name}: {kind}")) && error.contains(hint), "{error}");
        // Random weights need none.
        open_model(folder.path(), random(1)).unwrap();
        // A folder without config.json says the same.
        fs::remove_file(folder.path().join("config.json")).unwrap();
        assert!(load_error(folder.path(), PRETRAINED).contains(kind));
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("0_Transformer")).unwrap();
    fs::write(folder.path().join("0_Transformer/config.json"), "{}").unwrap();
    let error = load_error(folder.path(), PRETRAINED);
    assert!(error.starts_with("<folder>: is a sentence-transformers folder\n  hint: give the model in it: <folder>/0_Transformer"), "{error}");
}

/// An entry of the Hugging Face cache with a snapshot whose files are links to blobs.
fn cache_entry(root: &Path, commit: &str) {
    let (blobs, snapshot) = (root.join("blobs"), root.join("snapshots").join(commit));
    fs::create_dir_all(&blobs).unwrap();
    fs::create_dir_all(&snapshot).unwrap();
    let model = small_gpn();
    for entry in fs::read_dir(model.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        fs::copy(&path, blobs.join(format!("{name}-{commit}"))).unwrap();
        symlink(format!("../../blobs/{name}-{commit}"), snapshot.join(name)).unwrap();
    }
}

#[test]
fn entries_of_the_hub_cache_are_used_or_named() {
    let cache = tempfile::tempdir().unwrap();
    let root = cache.path().join("models--owner--name");
    cache_entry(&root, "aaa");
    let one = open_model(&root, PRETRAINED).unwrap().weights_digest;
    assert_eq!(open_model(&root.join("snapshots"), PRETRAINED).unwrap().weights_digest, one);
    assert_eq!(open_model(&root.join("snapshots/aaa"), PRETRAINED).unwrap().weights_digest, one);
    let error = load_error(cache.path(), PRETRAINED);
    assert!(
        error.contains(
            "is a Hugging Face cache of 1 models\n  hint: name one of them, for example hf:owner/name"
        ),
        "{error}"
    );

    cache_entry(&root, "bbb");
    let error = load_error(&root, PRETRAINED);
    assert!(
        error.contains("holds 2 snapshots, and refs/main names none of them\n  hint: give one of them: "),
        "{error}"
    );
    fs::create_dir(root.join("refs")).unwrap();
    fs::write(root.join("refs/main"), "bbb").unwrap();
    open_model(&root, PRETRAINED).unwrap();

    for name in ["model.safetensors", "config.json"] {
        fs::remove_file(root.join(format!("blobs/{name}-bbb"))).unwrap();
        let error = load_error(&root, PRETRAINED);
        assert!(
            error.contains(&format!("{name} is a link to ../../blobs/{name}-bbb, which is not there")),
            "{error}"
        );
        assert!(error.contains("seqprobe fetch"), "{error}");
    }
}

#[test]
fn the_path_of_a_file_in_the_folder_is_the_folder() {
    let folder = small_gpn();
    let whole = open_model(folder.path(), PRETRAINED).unwrap().weights_digest;
    for name in ["config.json", "model.safetensors", "vocab.txt"] {
        assert_eq!(
            open_model(&folder.path().join(name), PRETRAINED).unwrap().weights_digest,
            whole,
            "{name}"
        );
    }
    let alone = tempfile::tempdir().unwrap();
    fs::write(alone.path().join("model.safetensors"), "").unwrap();
    let error = load_error(&alone.path().join("model.safetensors"), PRETRAINED);
    assert!(error.contains("is a file without config.json beside it\n  hint: give a folder"), "{error}");
}

#[test]
fn a_bundled_model_is_the_one_of_the_repository() {
    for bundled in BUNDLED_MODELS {
        let found = ModelReference::parse(bundled.id, Path::new("no-such-folder")).unwrap();
        assert_eq!(found, ModelReference::Bundled(bundled));
        let unpacked = bundled.unpack().unwrap();
        let path = unpacked.path().to_owned();
        let model = open_model(&path, PRETRAINED).unwrap();
        drop(unpacked);
        assert!(!path.exists());
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(bundled.source);
        let own = open_model(&own, PRETRAINED).unwrap();
        assert_eq!(model.weights_digest, own.weights_digest);
        assert_eq!(model.tokenizer_digest, own.tokenizer_digest);
        assert_eq!(states(&model, "ACGTNACG"), states(&own, "ACGTNACG"));
        let spec = model.encoder.spec();
        assert_eq!(
            (spec.n_blocks, spec.family, spec.n_parameters),
            (bundled.layers, bundled.family, bundled.n_parameters)
        );
        assert_eq!(spec.hidden, bundled.hidden as usize);
    }
}
