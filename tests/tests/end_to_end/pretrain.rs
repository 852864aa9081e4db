//! Pretraining by the program itself: a run that is killed continues with the same bits, and a config that does not fit is
//! refused before anything is lost. How well a model learns is tested in its own crate.
use seqprobe_tests::{command, run, run_well, write};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const CONFIG: &str = r#"schema = 1
name = "small"
seed = 3
[model]
model_type = "ConvNet"
vocab_size = 7
hidden_size = 16
n_layers = 2
kernel_size = 5
[data]
files = [{ path = "genome.fa" }]
valid = ["held-out"]
window = 64
stride = 32
[training]
steps = 150
batch = 8
learning_rate = 2e-3
warm_up_steps = 5
valid_every = 50
valid_windows = 20
checkpoint_seconds = 0
"#;

/// Letters by a small generator: the test needs some sequence, not a good one.
fn letters(mut state: u64, length: usize) -> String {
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ['A', 'C', 'G', 'T', 'a', 'c', 'g', 't'][(state >> 61) as usize]
        })
        .collect()
}

fn prepare(folder: &Path, config: &str) {
    write(folder, "small.toml", config);
    let fasta =
        format!(">one\n{}\n>two\n{}\n>held-out\n{}\n", letters(1, 8000), letters(2, 4000), letters(3, 2000));
    write(folder, "genome.fa", &fasta);
}

fn arguments(out: &str) -> Vec<&str> {
    vec!["pretrain", "small.toml", "--out", out, "--threads", "1", "--device", "cpu"]
}

#[test]
fn a_killed_run_goes_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path(), CONFIG);
    run_well(folder.path(), &arguments("whole"));
    let checkpoint = folder.path().join("killed/checkpoint.safetensors");
    let mut child = command(folder.path(), &arguments("killed")).stderr(Stdio::null()).spawn().unwrap();
    while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "it was over before it could be killed");
    let ended = run_well(folder.path(), &arguments("killed"));
    assert!(ended.stderr.contains("continuing after step"), "{}", ended.stderr);
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert!(read("whole/model.safetensors") == read("killed/model.safetensors"), "the weights differ");
    let bits = |name: &str| {
        let text = String::from_utf8(read(name)).unwrap();
        text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    // All columns of the loss table but the speed.
    assert_eq!(bits("whole/loss.csv"), bits("killed/loss.csv"));
    assert_eq!(bits("whole/loss.csv").len(), 4);
    let mut files: Vec<String> = std::fs::read_dir(folder.path().join("killed"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".partial"))
        .collect();
    files.sort();
    let expected = [
        "README.md",
        "config.json",
        "loss.csv",
        "model.safetensors",
        "pretraining.json",
        "tokenizer_config.json",
        "vocab.txt",
    ];
    assert_eq!(files, expected);

    // The ordinary loader reads it.
    write(folder.path(), "some.csv", "id,sequence\na,ACGTACGTTT\nb,TTGACA\n");
    let embed = ["embed", "--model", "killed", "--input", "some.csv", "--output", "some.npy"];
    run_well(folder.path(), &embed);
    // A folder that holds a model is left alone.
    let ended = run(folder.path(), &arguments("killed"));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("already holds a model"), "{}", ended.stderr);
}

#[test]
fn what_does_not_fit_is_told() {
    let refuses = |from: &str, to: &str, code: i32, words: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        assert!(CONFIG.contains(from));
        prepare(folder.path(), &CONFIG.replace(from, to));
        let ended = run(folder.path(), &arguments("out"));
        assert_eq!(ended.code, Some(code), "{words:?}\n{}", ended.stderr);
        for word in words {
            assert!(ended.stderr.contains(word), "{word:?} is missing in:\n{}", ended.stderr);
        }
        assert!(!folder.path().join("out/model.safetensors").exists());
    };
    refuses("warm_up_steps", "warmup_steps", 2, &["small.toml", "did you mean \"warm_up_steps\""]);
    refuses("learning_rate = 2e-3", "learning_rate = -1.0", 2, &["training.learning_rate", "positive"]);
    refuses("learning_rate = 2e-3", "learning_rate = nan", 2, &["training.learning_rate", "positive"]);
    refuses("warm_up_steps = 5", "warm_up_steps = 150", 2, &["warm_up_steps", "less than"]);
    refuses("batch = 8", "batch = 0", 2, &["training.batch", "at least 1"]);
    refuses("schema = 1", "schema = 2", 2, &["schema", "expected 1"]);
    refuses(
        "steps = 150",
        "steps = -1",
        2,
        &["small.toml:16: training.steps is -1, expected a whole number from 0"],
    );
    refuses("\"held-out\"", "\"held-oot\"", 2, &["did you mean \"held-out\""]);
    refuses("genome.fa", "../genome.fa", 2, &["leaves"]);
    refuses("genome.fa", "genom.fa", 2, &["genom.fa", "--data-dir"]);
    refuses("path = \"genome.fa\"", "path = \"genome.fa\", sha256 = \"00\"", 3, &["wrong SHA-256"]);
    refuses("batch = 8", "batch = 5000", 3, &["training windows of 64 bases", "training.batch 5000"]);
    refuses("window = 64", "window = 3000", 3, &["no window of 3000 bases"]);
    refuses("\"ConvNet\"", "\"esm\"", 4, &["cannot be trained", "gpn", "hyenadna"]);
    refuses("hidden_size = 16", "hidden_size = 4", 4, &["vocab_size", "hidden_size"]);
    refuses("hidden_size = 16", "hidden_size = 2000000000", 4, &["too large", "encoder.0.conv.1.weight"]);
    refuses("kernel_size = 5", "kernel_size = 0", 4, &["kernel_size"]);
    // Weights of 1e30 after one step: the loss of the second is no number.
    refuses(
        "learning_rate = 2e-3\nwarm_up_steps = 5",
        "learning_rate = 1e38",
        4,
        &["expected a finite number", "learning_rate"],
    );
}

#[test]
fn another_config_does_not_go_on_from_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    prepare(
        folder.path(),
        &CONFIG.replace("learning_rate = 2e-3\nwarm_up_steps = 5", "learning_rate = 1e38"),
    );
    assert_eq!(run(folder.path(), &arguments("out")).code, Some(4));
    let checkpoint = folder.path().join("out/checkpoint.safetensors");
    let before = std::fs::read(&checkpoint).unwrap();
    prepare(folder.path(), CONFIG);
    let ended = run(folder.path(), &arguments("out"));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("the config has changed"), "{}", ended.stderr);
    assert!(std::fs::read(&checkpoint).unwrap() == before, "the checkpoint was touched");
    std::fs::write(&checkpoint, &before[..before.len() / 2]).unwrap();
    let ended = run(folder.path(), &arguments("out"));
    assert!(ended.stderr.contains("is damaged"), "{}", ended.stderr);
}

#[test]
fn causal_models_learn_too() {
    let folder = tempfile::tempdir().unwrap();
    let model = "model_type = \"hyenadna\"\nd_model = 16\nn_layer = 1\nd_inner = 32\nmax_seq_len = 128\nvocab_size = 12\n";
    let (start, end) = (CONFIG.find("model_type").unwrap(), CONFIG.find("[data]").unwrap());
    let config = format!("{}{model}{}", &CONFIG[..start], &CONFIG[end..]);
    prepare(folder.path(), &config);
    // The letters repeat with period 7: the next one follows from those before.
    let repeated = "ACGGTCA".repeat(1200);
    write(folder.path(), "genome.fa", &format!(">one\n{repeated}\n>held-out\n{}\n", "TGACCGT".repeat(200)));
    let ended = run(folder.path(), &arguments("out"));
    assert_eq!(ended.code, Some(3), "every window shares 31-mers with the other strand: {}", ended.stderr);
    prepare(folder.path(), &config);
    let ended = run_well(folder.path(), &arguments("out"));
    assert!(ended.stdout.contains("bits per base"), "{}", ended.stdout);
    write(folder.path(), "some.csv", "id,sequence\na,ACGTACGTTT\nb,TTGACA\n");
    run_well(folder.path(), &["embed", "--model", "out", "--input", "some.csv", "--output", "some.npy"]);
}

#[test]
fn bfloat16_learns_as_32_bits_do() {
    let folder = tempfile::tempdir().unwrap();
    let bits = |precision: &str| {
        prepare(folder.path(), &format!("{CONFIG}precision = \"{precision}\"\n"));
        // A period of 5 letters, one in four of them drawn: there is something to learn, and a bound to what.
        let drawn = letters(7, 4000).to_uppercase();
        let genome: String = drawn
            .chars()
            .enumerate()
            .map(|(at, letter)| if at % 4 == 0 { letter } else { "ACGTT".as_bytes()[at % 5] as char })
            .collect();
        write(
            folder.path(),
            "genome.fa",
            &format!(">one\n{}\n>held-out\n{}\n", &genome[..3000], &genome[3000..]),
        );
        let said = run_well(folder.path(), &arguments(precision)).stdout;
        let last = said.lines().last().unwrap();
        last.split(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let (full, reduced) = (bits("f32"), bits("bf16"));
    assert!(full < 1.6, "{full} of 2 bits: it learns");
    assert!((full - reduced).abs() < 0.02, "{full} and {reduced}");
    let weights =
        |precision: &str| std::fs::read(folder.path().join(precision).join("model.safetensors")).unwrap();
    assert!(weights("f32") != weights("bf16"), "one is not the other");
}
