//! Defects that were found in comparable programs, one test each: each shows by what the program does that it has
//! none of them. The name of a test says what the other did.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{accept_new_digest, command, rows, run, run_well, small_suite, write};
use std::collections::BTreeMap;
use std::path::Path;

/// Random letters that are the same in every run.
struct Letters(u64);

impl Letters {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn sequence(&mut self, length: usize) -> String {
        (0..length).map(|_| b"ACGT"[self.below(4) as usize] as char).collect()
    }
}

/// Rows of a task: a box in the middle or not, and `noise` in a hundred labels wrong.
fn task(seed: u64, count: usize, noise: u64) -> Vec<(String, u8)> {
    let mut letters = Letters(seed);
    (0..count)
        .map(|_| {
            let mut sequence = letters.sequence(24);
            let label = letters.below(2) as u8;
            if label == 1 {
                sequence.replace_range(10..16, "TATAAA");
            }
            (sequence, label ^ u8::from(letters.below(100) < noise))
        })
        .collect()
}

fn csv(rows: &[(String, u8)]) -> String {
    let lines: Vec<String> = rows.iter().map(|(sequence, label)| format!("{sequence},{label}\n")).collect();
    format!("sequence,label\n{}", lines.concat())
}

/// A card over three files, and a suite with it.
fn card(folder: &Path, id: &str, parts: [&[(String, u8)]; 3], suite: &str) {
    let mut files = String::new();
    for ((split, rows), digit) in ["train", "valid", "test"].iter().zip(parts).zip(["1", "2", "3"]) {
        write(folder, &format!("{id}-{split}.csv"), &csv(rows));
        files += &format!("{split} = {{ path = \"{id}-{split}.csv\", sha256 = \"{}\" }}\n", digit.repeat(64));
    }
    let text = format!(
        "schema = 1\nid = \"{id}\"\ntitle = \"t\"\ntask = \"binary\"\ntarget = \"label\"\npositive = \"1\"\nmetric = \"average-precision\"\n[files]\n{files}"
    );
    write(folder, &format!("{id}.toml"), &text);
    for _ in 0..3 {
        accept_new_digest(folder, &format!("{id}.toml"));
    }
    let head =
        format!("schema = 1\nname = \"{id}\"\nseeds = [0]\nreplicates = 100\ndatasets = [\"{id}.toml\"]\n");
    write(folder, &format!("{id}.suite.toml"), &(head + suite));
}

fn run_suite(folder: &Path, id: &str) {
    run_well(folder, &["run", &format!("{id}.suite.toml"), "--out", &format!("out-{id}")]);
}

/// The key of the one cell whose name has all words.
fn cell(folder: &Path, out: &str, words: &[&str]) -> String {
    let listed = run_well(folder, &["predict", out]).stdout;
    let mut found = listed.lines().filter(|line| words.iter().all(|word| line.contains(word)));
    let line = found.next().unwrap_or_else(|| panic!("no {words:?} in {listed}"));
    line.split_whitespace().next().unwrap().to_owned()
}

/// Predicted probabilities of new sequences, as printed.
fn predict(folder: &Path, out: &str, key: &str, sequences: &[&str]) -> Vec<String> {
    let records: Vec<String> =
        sequences.iter().enumerate().map(|(number, sequence)| format!(">{number}\n{sequence}\n")).collect();
    write(folder, "new.fa", &records.concat());
    run_well(folder, &["predict", out, "--cell", key, "--input", "new.fa", "--output", "new.csv"]);
    rows(&folder.join("new.csv")).into_iter().map(|row| row["label=1"].clone()).collect()
}

/// `[n, dim]` of an npy file.
fn npy(path: &Path, n_rows: usize) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(path).unwrap();
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let values: Vec<f32> =
        bytes[start..].as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect();
    values.chunks(values.len() / n_rows).map(<[f32]>::to_vec).collect()
}

fn embed(folder: &Path, sequences: &[&str], more: &[&str]) -> (Vec<Vec<f32>>, String) {
    let records: Vec<String> =
        sequences.iter().enumerate().map(|(number, sequence)| format!(">{number}\n{sequence}\n")).collect();
    write(folder, "e.fa", &records.concat());
    let all = ["embed", "--model", "random:model", "--input", "e.fa", "--output", "e.npy"];
    let ended = run_well(folder, &[&all, more].concat());
    (npy(&folder.join("e.npy"), sequences.len()), ended.stdout)
}

fn near(one: &[f32], other: &[f32]) -> bool {
    one.iter().zip(other).all(|(one, other)| (one - other).abs() <= 1e-5 * other.abs().max(1e-1))
}

/// A model over overlapping 2-mers with the special tokens of BERT.
fn two_mer_model(folder: &Path) {
    write(
        folder,
        "bert/config.json",
        r#"{"model_type": "bert", "vocab_size": 21, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 32, "max_position_embeddings": 16, "type_vocab_size": 2, "layer_norm_eps": 1e-12}"#,
    );
    let letters = ["A", "T", "C", "G"];
    let words: Vec<String> =
        letters.iter().flat_map(|one| letters.iter().map(move |two| format!("{one}{two}\n"))).collect();
    write(folder, "bert/vocab.txt", &format!("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n{}", words.concat()));
}

/// BEND filled up the tokens of k-mer models with copies of the first and last token, some at the wrong end.
#[test]
fn kmer_tokens_padded_with_copies() {
    let folder = tempfile::tempdir().unwrap();
    two_mer_model(folder.path());
    write(folder.path(), "e.fa", ">one\nACGTTGCA\n>two\nAC\n");
    let arguments = ["embed", "--model", "random:bert", "--pooling", "tokens", "--input", "e.fa", "--output"];
    run_well(folder.path(), &[&arguments[..], &["t.safetensors"]].concat());
    let bytes = std::fs::read(folder.path().join("t.safetensors")).unwrap();
    let head = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..head]).unwrap();
    // 8 letters are 7 tokens, 2 letters are 1: no more, no less.
    assert_eq!(header["tokens"]["shape"], serde_json::json!([8, 16]));
    let start = head + header["tokens"]["data_offsets"][0].as_u64().unwrap() as usize;
    let vectors: Vec<&[u8]> = bytes[start..start + 7 * 64].chunks(64).collect();
    for (index, vector) in vectors.iter().enumerate() {
        assert!(!vectors[..index].contains(vector), "token {index} is a copy");
    }
}

/// BEND's loss counted padding as examples: `~target != padding` is never false.
/// DART-Eval called its model without the mask of the padding.
#[test]
fn padding_that_counts() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    two_mer_model(folder.path());
    let long = "ACGTTGCAACGT";
    for model in ["random:model", "random:bert"] {
        for pooling in ["mean", "max", "mean-all"] {
            let more = ["--model", model, "--pooling", pooling, "--no-cache"];
            let mut alone = command(folder.path(), &["embed", "--input", "e.fa", "--output", "e.npy"]);
            write(folder.path(), "e.fa", ">0\nACGTA\n");
            assert!(alone.args(more).output().unwrap().status.success());
            let alone = npy(&folder.path().join("e.npy"), 1);
            write(folder.path(), "e.fa", &format!(">0\nACGTA\n>1\n{long}\n"));
            let mut both = command(folder.path(), &["embed", "--input", "e.fa", "--output", "e.npy"]);
            assert!(both.args(more).output().unwrap().status.success());
            let both = npy(&folder.path().join("e.npy"), 2);
            assert!(near(&alone[0], &both[0]), "{model} {pooling}: {alone:?} {both:?}");
            assert!(!near(&both[0], &both[1]), "{model} {pooling}");
        }
    }
}

/// The same in a probe; BEND cut later splits to the chunks of the first; genomic_benchmarks put a sigmoid on a
/// sigmoid, so that no probability left 0.5 to 0.73; DGEB computed average precision from hard labels.
#[test]
fn later_splits_cut_short_sigmoids_of_sigmoids_and_precision_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The test split is larger than the others, and its sequences are longer.
    let mut test = task(3, 450, 10);
    test.iter_mut().for_each(|(sequence, _)| sequence.push_str("ACGTACGTACGT"));
    let probes = "[[representation]]\nid = \"onehot\"\n[[representation]]\nid = \"kmer-4\"\n[[probe]]\nid = \"linear\"\n[[probe]]\nid = \"cnn\"\nepochs = 20\n";
    // A flattened one-hot is as long as the longest sequence of all splits; the CNN takes any length.
    card(folder, "t", [&task(1, 300, 0), &task(2, 60, 0), &test], probes);
    run_suite(folder, "t");
    let results = rows(&folder.join("out-t/results.csv"));
    let tested: Vec<_> =
        results.iter().filter(|row| row["split"] == "test" && row["status"] == "ok").collect();
    assert!(!tested.is_empty() && tested.iter().all(|row| row["n_test"] == "450"), "{tested:?}");
    let flattened =
        results.iter().find(|row| row["representation"] == "onehot" && row["probe"] == "linear").unwrap();
    assert_eq!((flattened["status"].as_str(), flattened["reason"].as_str()), ("ok", ""), "{flattened:?}");

    let cnn = cell(folder, "out-t", &["onehot", "tokens", "cnn"]);
    let sequences: Vec<&str> = test.iter().map(|(sequence, _)| sequence.as_str()).collect();
    let texts = predict(folder, "out-t", &cnn, &sequences);
    let predicted: Vec<f64> = texts.iter().map(|text| text.parse().unwrap()).collect();
    let (least, most) = predicted.iter().fold((1.0_f64, 0.0_f64), |(a, b), &p| (a.min(p), b.max(p)));
    assert!(least < 0.25 && most > 0.85, "{least} to {most}");

    // One short sequence alone, and together with one four times as long.
    let short = &sequences[0][..24];
    let alone: f64 = predict(folder, "out-t", &cnn, &[short])[0].parse().unwrap();
    let together: f64 = predict(folder, "out-t", &cnn, &[short, &sequences[1].repeat(3)])[0].parse().unwrap();
    assert!((alone - together).abs() < 1e-5, "{alone} {together}");

    // Average precision by its definition, over the thresholds that the scores make.
    let mut order: Vec<usize> = (0..predicted.len()).collect();
    order.sort_by(|&one, &other| predicted[other].total_cmp(&predicted[one]));
    let (mut hits, mut sum) = (0.0, 0.0);
    for (rank, &index) in order.iter().enumerate() {
        if test[index].1 == 1 {
            hits += 1.0;
            sum += hits / (rank + 1) as f64;
        }
    }
    let of_cnn = |row: &&&BTreeMap<String, String>| {
        row["probe"] == "cnn" && row["representation"] == "onehot" && row["metric"] == "average-precision"
    };
    let reported: f64 = tested.iter().find(of_cnn).unwrap()["point"].parse().unwrap();
    assert!((reported - sum / hits).abs() < 1e-4, "{reported} {}", sum / hits);
    let decided = |index: usize| f64::from(predicted[index] >= 0.5);
    let precision = (0..predicted.len()).map(|i| decided(i) * f64::from(test[i].1)).sum::<f64>()
        / (0..predicted.len()).map(decided).sum::<f64>();
    assert!((reported - precision).abs() > 1e-3, "the two would not differ on this task");
}

/// DART-Eval took every N for an A: the largest of four zeros is the first.
#[test]
fn n_read_as_a() {
    let folder = tempfile::tempdir().unwrap();
    let mut letters = Letters(5);
    // The label is whether the middle letter is an A or an N, and nothing else.
    let rows: Vec<(String, u8)> = (0..300)
        .map(|_| {
            let label = letters.below(2) as u8;
            let mut sequence = letters.sequence(9);
            sequence.replace_range(4..5, if label == 1 { "A" } else { "N" });
            (sequence, label)
        })
        .collect();
    card(
        folder.path(),
        "n",
        [&rows[..200], &rows[200..250], &rows[250..]],
        "[[representation]]\nid = \"onehot\"\n[[probe]]\nid = \"linear\"\n",
    );
    run_suite(folder.path(), "n");
    let results = seqprobe_tests::rows(&folder.path().join("out-n/results.csv"));
    let found = results.iter().find(|row| row["metric"] == "auroc" && row["split"] == "test").unwrap();
    assert!(found["point"].parse::<f64>().unwrap() > 0.999_999, "{found:?}");
}

/// DGEB dropped `--output_folder` on its way, and went on after a failed task with exit code 0.
#[test]
fn an_output_folder_that_is_ignored_and_failures_that_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    let rows = task(7, 200, 10);
    let model = "[[representation]]\nid = \"onehot\"\n[[representation]]\nmodel = \"random:bert\"\n[[probe]]\nid = \"linear\"\n";
    two_mer_model(folder.path());
    // 24 letters are 25 tokens for a model of 16.
    card(folder.path(), "f", [&rows[..120], &rows[120..160], &rows[160..]], model);
    let ended = run(folder.path(), &["run", "f.suite.toml", "--out", "asked/for"]);
    assert_eq!(ended.code, Some(11), "{}\n{}", ended.stdout, ended.stderr);
    let results = seqprobe_tests::rows(&folder.path().join("asked/for/results.csv"));
    let failed: Vec<_> = results.iter().filter(|row| row["status"] == "failed").collect();
    assert!(!failed.is_empty());
    for row in failed {
        assert!(row["representation"].contains("bert") && row["reason"].contains("more tokens"), "{row:?}");
        assert_eq!(row["point"], "", "a failure is never written as a number");
    }
    assert!(results.iter().any(|row| row["status"] == "ok" && row["representation"] == "onehot"));
    assert!(!folder.path().join("reports").exists());
}

/// mRNABench fitted the scaler of its k-mer baseline on training and test rows together, and dropped the columns that
/// were zero in both.
#[test]
fn a_scaler_fitted_on_test_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (train, valid) = (task(11, 200, 10), task(12, 60, 10));
    let kmers = "[[representation]]\nid = \"kmer-4\"\n[[probe]]\nid = \"linear\"\n";
    let strange: Vec<(String, u8)> =
        (0..60).map(|row| (format!("{}{}", "G".repeat(40), "CCAT".repeat(row)), (row % 2) as u8)).collect();
    let mut predictions = Vec::new();
    for (id, test) in [("a", task(13, 60, 10)), ("b", strange)] {
        card(folder.path(), id, [&train, &valid, &test], kmers);
        run_suite(folder.path(), id);
        let out = format!("out-{id}");
        let key = cell(folder.path(), &out, &["kmer-4", "linear"]);
        let sequences: Vec<&str> = train[..20].iter().map(|(sequence, _)| sequence.as_str()).collect();
        predictions.push(predict(folder.path(), &out, &key, &sequences));
    }
    assert_eq!(predictions[0], predictions[1], "to the last digit, for any test rows");
}

/// mRNABench merged all files that were there: a changed dataset or a partial file went unnoticed. MTEB's key was the
/// text alone, not model, layer or pooling. biotrainer took any file of that name for the embeddings.
#[test]
fn keys_that_forget_and_files_that_are_taken_on_trust() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    let at = folder.path();
    let first = ["ACGTACGT", "GGGTTTCA", "TTTTACGA"];
    let (before, printed) = embed(at, &first, &[]);
    assert!(printed.contains("3 distinct sequences computed, 0 read"), "{printed}");
    // One letter of the dataset changes.
    let (changed, printed) = embed(at, &["ACGTACGT", "GGGTTTCA", "TTTTACGG"], &[]);
    assert!(printed.contains("1 distinct sequences computed, 2 read"), "{printed}");
    assert!(near(&changed[0], &before[0]) && !near(&changed[2], &before[2]));
    for more in [&["--pooling", "max"][..], &["--layer", "1"], &["--rc", "average"]] {
        let (other, printed) = embed(at, &first, more);
        assert!(printed.contains("3 distinct sequences computed, 0 read"), "{more:?}: {printed}");
        assert!(!near(&other[1], &before[1]), "{more:?}");
    }
    let config = std::fs::read_to_string(at.join("model/config.json")).unwrap();
    write(
        at,
        "model/config.json",
        &config.replace("\"initializer_range\": 0.02", "\"initializer_range\": 0.2"),
    );
    let (other, printed) = embed(at, &first, &[]);
    assert!(printed.contains("3 distinct sequences computed, 0 read"), "another model: {printed}");
    assert!(!near(&other[0], &before[0]));
    write(at, "model/config.json", &config);

    // A partial file of that name is written again; one that is imported is refused.
    let whole = std::fs::read(at.join("e.npy")).unwrap();
    std::fs::write(at.join("e.npy"), &whole[..200]).unwrap();
    let (again, printed) = embed(at, &first, &[]);
    assert!(printed.contains("0 distinct sequences computed, 3 read"), "{printed}");
    assert_eq!(again, before);
    let rows = task(17, 60, 0);
    write(at, "p.csv", &csv(&rows));
    std::fs::write(at.join("partial.npy"), &whole[..200]).unwrap();
    write(at, "partial.ids.txt", "0\n1\n2\n");
    let probe = ["probe", "p.csv", "--target", "label", "--embeddings", "partial.npy", "--probes", "linear"];
    let refused = run(at, &probe);
    assert!(matches!(refused.code, Some(2..=4)), "{:?} {}", refused.code, refused.stderr);
    assert!(refused.stderr.contains("partial.npy"), "{}", refused.stderr);
}

/// GUE cut sequences silently to a length set by hand, and its reverse complement was not reversed.
#[test]
fn silent_truncation_and_complements_that_are_not_reversed() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    two_mer_model(folder.path());
    write(folder.path(), "l.fa", &format!(">a\n{}\n", "ACGT".repeat(10)));
    let arguments = ["embed", "--model", "random:bert", "--input", "l.fa", "--output", "l.npy"];
    let refused = run(folder.path(), &arguments);
    assert_eq!(refused.code, Some(4), "{}", refused.stderr);
    assert!(refused.stderr.contains("more tokens than the 16"), "{}", refused.stderr);
    let cut = run_well(folder.path(), &[&arguments[..], &["--keep", "left"]].concat());
    assert!(cut.stderr.contains("1 of 1 distinct sequences were cut"), "{}", cut.stderr);

    // A sequence, its reverse complement, its complement alone, its reverse alone.
    let strands = ["AACCGATTC", "GAATCGGTT", "TTGGCTAAG", "CTTAGCCAA"];
    let (values, _) = embed(folder.path(), &strands, &["--rc", "average"]);
    assert!(near(&values[0], &values[1]), "{values:?}");
    assert!(near(&values[2], &values[3]), "the other two are one another's reverse complements");
    assert!(!near(&values[0], &values[2]));
}

/// OmniGenBench trained adapters in the model by default, and reported that as the frozen model.
#[test]
fn a_frozen_model_that_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    small_suite(folder.path());
    let at = folder.path();
    let rows = task(19, 150, 10);
    let model = "[[representation]]\nid = \"onehot\"\n[[representation]]\nmodel = \"random:model\"\npooling = [\"tokens\", \"mean\"]\n[[probe]]\nid = \"cnn\"\nepochs = 3\n[[probe]]\nid = \"linear\"\n";
    card(at, "o", [&rows[..90], &rows[90..120], &rows[120..]], model);
    let first: Vec<&str> = rows.iter().map(|(sequence, _)| sequence.as_str()).collect();
    let (before, _) = embed(at, &first, &[]);
    run_suite(at, "o");
    let (after, _) = embed(at, &first, &["--no-cache"]);
    assert_eq!(before, after, "to the last bit, computed again after the probes were fitted");
    // What was fitted is the probe: as many parameters as the model has values and a bias.
    let results = seqprobe_tests::rows(&at.join("out-o/results.csv"));
    let mut linear =
        results.iter().filter(|row| row["probe"] == "linear" && row["representation"] == "random:model");
    assert_eq!(linear.next().unwrap()["parameters"], (before[0].len() + 1).to_string());
}
