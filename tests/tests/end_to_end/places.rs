//! Where models and data are found: the bundled model by its name, `~`, files in place of folders, folders with a colon,
//! an environment without HOME.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{command, root, run, run_well, write};
use std::fs;
use std::path::Path;

fn fasta(folder: &Path) {
    let letters = b"ACGT";
    let record = |row: usize| {
        let bases: String =
            (0..30).map(|at| char::from(letters[(row * 7 + at * (row + 3) + at / 5) % 4])).collect();
        format!(">r{row}\n{bases}\n")
    };
    write(folder, "x.fa", &(0..6).map(record).collect::<String>());
}

fn embed(folder: &Path, model: &str, output: &str) -> Vec<u8> {
    run_well(folder, &["embed", "--model", model, "--input", "x.fa", "--output", output]);
    fs::read(folder.join(output)).unwrap()
}

#[test]
fn the_bundled_model_is_found_by_its_name_from_any_folder() {
    let folder = tempfile::tempdir().unwrap();
    fasta(folder.path());
    let path = root().join("benchmarks/models/seqprobe-mini");
    let named = embed(folder.path(), "seqprobe-mini", "named.npy");
    assert_eq!(named, embed(folder.path(), path.to_str().unwrap(), "folder.npy"));
    // One entry in the cache: the keys are the same.
    let entries = run_well(folder.path(), &["cache", "ls"]).stdout;
    assert_eq!(entries.matches("gpn").count(), 1, "{entries}");
    let random = embed(folder.path(), "random:seqprobe-mini", "random.npy");
    assert!(random != named && random.len() == named.len());

    let listed = run_well(folder.path(), &["list", "models"]).stdout;
    assert!(
        listed.lines().any(|line| line.contains("seqprobe-mini") && line.contains("part of the program")),
        "{listed}"
    );
    let listed = run_well(folder.path(), &["list", "models", "--format", "json"]).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let mini =
        listed["models"].as_array().unwrap().iter().find(|model| model["id"] == "seqprobe-mini").unwrap();
    assert_eq!((&mini["parameters"], &mini["here"]), (&1_316_864.into(), &true.into()));
    let fetched = run(folder.path(), &["fetch", "seqprobe-mini"]);
    assert_eq!(fetched.code, Some(2), "{}", fetched.stderr);
    assert!(fetched.stderr.contains("is part of the program"), "{}", fetched.stderr);
    let near =
        run(folder.path(), &["embed", "--model", "seqprobe-min", "--input", "x.fa", "--output", "o.npy"]);
    assert!(near.stderr.contains("did you mean \"seqprobe-mini\""), "{}", near.stderr);

    let suite = "schema = 1\nname = \"s\"\nseeds = [0]\nreplicates = 100\ncontrols = [\"random\"]\n\
        datasets = [\"sim:gc\"]\n[simulate]\ntrain = 60\nvalid = 30\ntest = 40\nlength = 30\n\
        [[representation]]\nmodel = \"seqprobe-mini\"\npooling = [\"mean\"]\n[[probe]]\nid = \"linear\"\n";
    write(folder.path(), "inner/s.toml", suite);
    run_well(folder.path(), &["run", "inner/s.toml", "--out", "out"]);
    let results = fs::read_to_string(folder.path().join("out/results.csv")).unwrap();
    assert!(results.contains(",seqprobe-mini,") && results.contains("random:seqprobe-mini"), "{results}");
}

#[test]
fn a_file_of_a_model_or_a_path_from_home_names_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    fasta(folder.path());
    let model = folder.path().join("home/models/mini");
    fs::create_dir_all(&model).unwrap();
    for name in ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"] {
        fs::copy(root().join("benchmarks/models/seqprobe-mini").join(name), model.join(name)).unwrap();
    }
    let whole = embed(folder.path(), "home/models/mini", "a.npy");
    assert_eq!(embed(folder.path(), "home/models/mini/config.json", "b.npy"), whole);
    let home = folder.path().join("home");
    let ended = command(
        folder.path(),
        &["embed", "--model", "~/models/mini", "--input", "x.fa", "--output", "c.npy"],
    )
    .env("HOME", &home)
    .output()
    .unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(fs::read(folder.path().join("c.npy")).unwrap(), whole);
    let ended =
        run(folder.path(), &["embed", "--model", "owner/name", "--input", "x.fa", "--output", "d.npy"]);
    assert!(ended.stderr.contains("write hf:owner/name"), "{}", ended.stderr);
}

#[test]
fn a_colon_separates_data_folders_only_in_the_variable() {
    let folder = tempfile::tempdir().unwrap();
    let simulate =
        ["data", "simulate", "gc", "--output", "a:b", "--train", "40", "--valid", "30", "--test", "30"];
    run_well(folder.path(), &simulate);
    let card = fs::read_to_string(folder.path().join("a:b/sim-gc.toml")).unwrap();
    write(folder.path(), "cards/t.toml", &card);
    run_well(folder.path(), &["data", "show", "cards/t.toml", "--data-dir", "a:b"]);
    let in_variable = |value: &str| {
        let mut command = command(folder.path(), &["data", "show", "cards/t.toml"]);
        command.env("SEQPROBE_DATA_DIR", value).output().unwrap().status.success()
    };
    assert!(!in_variable("a:b"));
    fs::rename(folder.path().join("a:b"), folder.path().join("b")).unwrap();
    assert!(in_variable("a:b") && in_variable(":b:"));
    let absent = run(folder.path(), &["data", "show", "cards/t.toml", "--data-dir", "a:b"]);
    assert_eq!(absent.code, Some(3), "{}", absent.stderr);
}

#[test]
fn without_home_only_a_cache_needs_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let rows: String =
        (0..80).map(|row| format!("{},{}\n", ["ACGTAC", "GGGTTT"][row % 2], row % 2)).collect();
    write(folder.path(), "x.csv", &format!("sequence,label\n{rows}"));
    let probe = |more: &[&str]| {
        let arguments = [
            "probe",
            "x.csv",
            "--target",
            "label",
            "--probes",
            "linear",
            "--controls",
            "none",
            "--seeds",
            "1",
        ];
        let mut command = command(folder.path(), &[&arguments[..], more].concat());
        for name in ["HOME", "XDG_CACHE_HOME", "SEQPROBE_CACHE_DIR"] {
            command.env_remove(name);
        }
        let ended = command.output().unwrap();
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    let (code, stderr) = probe(&["--no-cache"]);
    assert_eq!(code, Some(0), "{stderr}");
    let (code, stderr) = probe(&["--cache-dir", "c"]);
    assert_eq!(code, Some(0), "{stderr}");
    let (code, stderr) = probe(&[]);
    assert!(code != Some(0) && stderr.contains("HOME is not set"), "{stderr}");
    assert!(stderr.contains("--cache-dir") && stderr.contains("--no-cache"), "{stderr}");
}
