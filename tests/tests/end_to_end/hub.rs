//! Models of the hub through the program: what is downloaded, when, and what a later run makes of it. The hub
//! is a server on this machine.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

#[path = "../../../crates/seqprobe-hub/tests/hub/loopback.rs"]
pub(crate) mod loopback;

use loopback::{Answer, COMMIT, Loopback, Repository};
use seqprobe_tests::{command, root, write};
use std::path::Path;
use std::process::Output;

/// A small trained-looking model that the repository has anyway.
const MODEL: &str = "crates/seqprobe-models/tests/fixtures/models/gpn/usual";

fn hub() -> Loopback {
    let mut repository = Repository::default();
    for (number, name) in ["config.json", "tokenizer.json", "model.safetensors", "tokenizer_config.json"]
        .into_iter()
        .enumerate()
    {
        let content = std::fs::read(root().join(MODEL).join(name)).unwrap();
        repository = repository.with(name, &content, &number.to_string().repeat(40));
    }
    Loopback::start(move |asked, before| {
        // The first answer to each request for weights ends early.
        let answer = repository.answer(asked);
        let cut_after = if before == 0 && asked.path.ends_with(".safetensors") { 1000 } else { usize::MAX };
        Answer { cut_after, ..answer }
    })
}

/// The program with a hub and a Hugging Face cache of its own.
fn run(
    folder: &Path,
    hub: &Loopback,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> (Option<i32>, String) {
    let mut command = command(folder, arguments);
    for name in
        ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"]
            .into_iter()
            .chain(["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"])
            .chain(["all_proxy", "https_proxy", "http_proxy"])
    {
        command.env_remove(name);
    }
    command
        .env("HF_HOME", folder.join("hf"))
        .env("HF_ENDPOINT", &hub.address)
        .envs(variables.iter().copied());
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

fn embed<'a>(model: &'a str, output: &'a str) -> Vec<&'a str> {
    vec!["embed", "--model", model, "--input", "two.fa", "--output", output, "--no-cache"]
}

#[test]
fn a_model_is_downloaded_when_allowed_and_read_offline_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "two.fa", ">a\nACGTACGTTTGCA\n>b\nGGGTACNNACGT\n");
    let hub = hub();

    let (code, text) = run(folder, &hub, &embed("hf:owner/name", "a.npy"), &[]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("--allow-download") && text.contains(&hub.address), "{text}");
    assert!(hub.asked().is_empty(), "nothing is asked without leave");

    let arguments = [embed("hf:owner/name", "a.npy"), vec!["--allow-download"]].concat();
    let (code, text) = run(folder, &hub, &arguments, &[("HF_TOKEN", "hf_secret")]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("downloading model.safetensors") && text.contains(COMMIT), "{text}");
    assert!(!text.contains("hf_secret"), "{text}");
    let asked = hub.asked();
    assert!(asked.iter().all(|asked| asked.header("authorization") == Some("Bearer hf_secret")));
    assert!(asked.iter().any(|asked| asked.method == "GET" && asked.header("range") == Some("bytes=1000-")));

    // The same numbers as from the folder, and offline from the cache, by branch and by commit.
    let own = root().join(MODEL);
    let (code, text) = run(folder, &hub, &embed(own.to_str().unwrap(), "b.npy"), &[]);
    assert_eq!(code, Some(0), "{text}");
    let pinned = format!("hf:owner/name@{COMMIT}");
    for (model, output) in [("hf:owner/name", "c.npy"), (pinned.as_str(), "d.npy")] {
        let (code, text) = run(folder, &hub, &embed(model, output), &[("HF_HUB_OFFLINE", "1")]);
        assert_eq!(code, Some(0), "{text}");
    }
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    for name in ["b.npy", "c.npy", "d.npy"] {
        assert!(read("a.npy") == read(name), "{name}");
    }
    assert_eq!(hub.asked().len(), asked.len(), "the cache answers");

    let other = [embed("hf:owner/name@other", "e.npy"), vec!["--allow-download"]].concat();
    let (code, text) = run(folder, &hub, &other, &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("HF_HUB_OFFLINE"), "{text}");
}

#[test]
fn fetch_tells_folder_and_digests_and_a_run_remembers_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let hub = hub();
    let (code, text) = run(folder, &hub, &["fetch", "hf:owner/name@v1"], &[]);
    assert_eq!(code, Some(0), "{text}");
    let place = folder.join("hf/hub/models--owner--name/snapshots").join(COMMIT);
    assert!(text.contains(&place.display().to_string()), "{text}");
    assert_eq!(text.matches("sha256 ").count(), 4, "{text}");

    write(
        folder,
        "suite.toml",
        r#"
            schema = 1
            name = "from-the-hub"
            datasets = ["sim:motif-fixed"]
            simulate = { train = 60, valid = 30, test = 30, length = 20 }
            [[representation]]
            id = "onehot"
            [[representation]]
            model = "hf:owner/name@v1"
            pooling = ["mean"]
            [[probe]]
            id = "linear"
        "#,
    );
    let (code, text) = run(folder, &hub, &["run", "suite.toml", "--out", "out"], &[("HF_HUB_OFFLINE", "1")]);
    assert_eq!(code, Some(0), "{text}");
    let record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("out/run.json")).unwrap()).unwrap();
    let origin = &record["provenance"]["origins"]["hf:owner/name@v1"];
    assert_eq!((&origin["repository"], &origin["revision"]), (&"owner/name".into(), &"v1".into()));
    assert_eq!((&origin["commit"], &origin["endpoint"]), (&COMMIT.into(), &hub.address.as_str().into()));
    assert_eq!(origin["files"]["model.safetensors"], "2".repeat(40));

    // The stored probe goes back to the commit, wherever the revision points by then.
    std::fs::remove_file(folder.join("hf/hub/models--owner--name/refs/v1")).unwrap();
    let (_, cells) = run(folder, &hub, &["predict", "out"], &[]);
    let cell = cells.lines().find(|line| line.contains("hf:owner/name@v1")).unwrap();
    let cell = cell.split_whitespace().next().unwrap();
    write(folder, "new.fa", ">x\nACGTACGTACGTACGTACGT\n");
    let (code, text) = run(folder, &hub, &["predict", "out", "--cell", cell, "--input", "new.fa"], &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("x,"), "{text}");
}

#[test]
fn models_are_listed_for_people_and_programs() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub();
    let (code, text) = run(folder.path(), &hub, &["list", "models", "--format", "json"], &[]);
    assert_eq!(code, Some(0), "{text}");
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(list["families"].as_array().unwrap().iter().any(|family| family["id"] == "gpn"), "{text}");
    let (_, table) = run(folder.path(), &hub, &["list", "models"], &[]);
    for model in list["models"].as_array().unwrap() {
        assert_eq!(model["here"], model["id"] == "seqprobe-mini", "only the bundled model is here: {model}");
        assert!(table.contains(model["repository"].as_str().unwrap()), "{model}\n{table}");
    }
    let (_, doctor) = run(folder.path(), &hub, &["doctor"], &[]);
    assert!(doctor.contains(&hub.address) && doctor.contains("without a token"), "{doctor}");
    assert!(hub.asked().is_empty());
    let (code, text) = run(folder.path(), &hub, &["fetch", "no-such-model"], &[]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("no-such-model") && text.contains("hint:"), "{text}");
}
