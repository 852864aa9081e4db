//! Files that were made to harm end in a clear error, in bounded memory, and nothing is written where it should not be.
//!
//! Damaged checkpoints are in the tests of `seqprobe-models`, damaged caches in `faults.rs`.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use flate2::{Compression, write::GzEncoder};
use seqprobe_tests::{command, run, small_suite, write};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

/// Peak memory in MiB that a run with an empty input stays far below: libtorch alone takes some 200.
const MOST_MIB: u64 = 700;

/// Exit code, standard error and peak memory in MiB (0 if the system does not report it).
fn watched(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, u64) {
    let mut child = command(folder, arguments)
        .stdout(Stdio::null())
        .stderr(File::create(folder.join("err")).unwrap())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let code = loop {
        if let Some(ended) = child.try_wait().unwrap() {
            break ended.code();
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
        peak = peak.max(kib >> 10);
        std::thread::sleep(std::time::Duration::from_millis(2));
    };
    (code, std::fs::read_to_string(folder.join("err")).unwrap(), peak)
}

/// Demands an exit code, words on standard error, no control character in it, and bounded memory.
fn refused(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let (found, stderr, peak) = watched(folder, arguments);
    assert_eq!(found, Some(code), "{arguments:?}\n{stderr}");
    for word in words {
        assert!(stderr.contains(word), "{word:?} is missing in:\n{stderr}");
    }
    let harmful = |letter: char| letter.is_control() && letter != '\n';
    assert!(!stderr.contains(harmful), "{stderr:?}");
    assert!(peak < MOST_MIB, "{arguments:?} took {peak} MiB");
    assert!(stderr.len() < 10_000, "an error of {} bytes", stderr.len());
}

/// A gzip file of a start and as many repetitions of a part as reach 1 GiB; a file of several members is one text.
fn bomb(folder: &Path, name: &str, start: &[u8], part: &[u8]) {
    let packed = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let block = packed(&part.repeat((16 << 20) / part.len()));
    let mut file = File::create(folder.join(name)).unwrap();
    file.write_all(&packed(start)).unwrap();
    (0..64).for_each(|_| file.write_all(&block).unwrap());
}

#[test]
fn a_line_of_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let probe = |name| ["probe", name, "--target", "label", "--sequence", "sequence", "--out", "out"];
    bomb(at, "a.csv.gz", b"sequence,label\n", b"ACGT");
    refused(at, &probe("a.csv.gz"), 3, &["a.csv.gz:2", "longer than 64 MiB", "hint:"]);
    let embed = |name| ["embed", "--model", "m", "--input", name, "--output", "x.npy"];
    bomb(at, "b.fa.gz", b">one\n", b"ACGT");
    refused(at, &embed("b.fa.gz"), 3, &["b.fa.gz:1", "over 200 times its own size"]);
    bomb(at, "header.fa.gz", b">one", b"name");
    refused(at, &embed("header.fa.gz"), 3, &["header.fa.gz:1", "longer than 64 MiB"]);
    bomb(at, "columns.csv.gz", b"sequence", b",a");
    refused(at, &probe("columns.csv.gz"), 3, &["columns.csv.gz"]);
    // Not packed: a hole in the file reads as zeros.
    let plain = File::create(at.join("c.csv")).unwrap();
    (&plain).write_all(format!("sequence,label\n{}", "ACGT,1\n".repeat(10_000)).as_bytes()).unwrap();
    plain.set_len(1 << 30).unwrap();
    refused(at, &probe("c.csv"), 3, &["c.csv:10002", "longer than 64 MiB"]);
    assert!(!at.join("out").exists() && !at.join("x.npy").exists());
}

#[test]
fn a_gzip_bomb_of_rows() {
    let folder = tempfile::tempdir().unwrap();
    let row = format!("{},1\n", "A".repeat(16_000));
    bomb(folder.path(), "a.csv.gz", b"sequence,label\n", row.as_bytes());
    let arguments = ["probe", "a.csv.gz", "--target", "label", "--sequence", "sequence", "--out", "out"];
    let words = ["a.csv.gz:", "MiB of text, over 200 times its own size", "decompress it first"];
    refused(folder.path(), &arguments, 3, &words);
}

#[test]
fn a_million_records_without_sequence() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.fa", &">a\n".repeat(1_000_000));
    let arguments = ["embed", "--model", "m", "--input", "a.fa", "--output", "x.npy"];
    refused(folder.path(), &arguments, 3, &["a.fa:1", "\"a\" has no sequence"]);
    write(folder.path(), "b.fa", &format!(">a\nACGT\n{}", ">\n".repeat(1_000_000)));
    let arguments = ["embed", "--model", "m", "--input", "b.fa", "--output", "x.npy"];
    refused(folder.path(), &arguments, 3, &["b.fa:3", "without a name"]);
}

#[test]
fn settings_of_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_suite(at);
    let hole = |name: &str| {
        std::fs::create_dir_all(at.join(name).parent().unwrap()).unwrap();
        File::create(at.join(name)).unwrap().set_len(1 << 30).unwrap();
    };
    hole("huge.toml");
    refused(at, &["run", "huge.toml"], 2, &["huge.toml", "larger than 16 MiB"]);
    refused(at, &["data", "show", "huge.toml"], 2, &["huge.toml", "larger than 16 MiB"]);
    write(at, "x.fa", ">a\nACGT\n");
    let embed = ["embed", "--model", "random:model", "--input", "x.fa", "--output", "x.npy"];
    hole("model/vocab.txt");
    refused(at, &embed, 4, &["vocab.txt", "larger than the 64 MiB"]);
    hole("model/config.json");
    refused(at, &embed, 4, &["config.json", "larger than the 64 MiB"]);
}

#[test]
fn a_cache_of_huge_or_lying_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    small_suite(at);
    write(at, "x.fa", ">a\nACGTACGT\n>b\nGGGTTT\n");
    let embed = ["embed", "--model", "random:model", "--input", "x.fa", "--output", "x.npy", "--no-repair"];
    assert_eq!(run(at, &embed).code, Some(0));
    let bucket = at.join("cache/embeddings-v1");
    let entry = std::fs::read_dir(bucket).unwrap().next().unwrap().unwrap().path();
    let with = |name: &str, change: &dyn Fn(&Path), words: &[&str]| {
        let path = entry.join(name);
        let before = std::fs::read(&path).unwrap();
        change(&path);
        refused(at, &embed, 4, &[&[name], words].concat());
        std::fs::write(&path, before).unwrap();
    };
    let hole = |path: &Path| File::options().write(true).open(path).unwrap().set_len(1 << 30).unwrap();
    for name in ["key.json", "manifest.json", "shard-00000.json"] {
        with(name, &hole, &["more than 64 MiB"]);
    }
    with("shard-00000.safetensors", &hole, &["it has 1073741824 bytes, its record says"]);
    // A header that announces more than there is, with a record that vouches for it.
    let lie = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        std::fs::write(path, bytes).unwrap();
    };
    with("shard-00000.safetensors", &lie, &["BLAKE3"]);
    let deep = |path: &Path| std::fs::write(path, "[".repeat(1 << 20)).unwrap();
    with("manifest.json", &deep, &["invalid type: sequence"]);
    assert_eq!(run(at, &embed).code, Some(0));
}

/// Names that climb out of a folder, steer a terminal or end a field.
const NAMES: [&str; 4] = ["../../../evil", "a\u{1b}[2Jb", "/evil", "=cmd()|x"];

#[test]
fn names_that_climb_or_steer() {
    let folder = tempfile::tempdir().unwrap();
    let outer = folder.path();
    let at = &outer.join("one/two/three");
    std::fs::create_dir_all(at).unwrap();
    small_suite(at);
    // Record names of a FASTA file are data: kept as they are, never a path.
    let records: String = NAMES
        .iter()
        .enumerate()
        .map(|(n, name)| format!(">{}\nACGT{}\n", name.replace(' ', "_"), "A".repeat(n)))
        .collect();
    write(at, "x.fa", &records);
    let embed = |output| ["embed", "--model", "random:model", "--input", "x.fa", "--output", output];
    assert_eq!(run(at, &embed("x.npy")).code, Some(0));
    assert_eq!(std::fs::read_to_string(at.join("x.ids.txt")).unwrap().lines().collect::<Vec<_>>(), NAMES);
    // Errors that name one print it harmlessly.
    write(at, "y.fa", ">a\u{1b}[2Jb\nACGT\n>a\u{1b}[2Jb\nACGT\n");
    refused(
        at,
        &["embed", "--model", "random:model", "--input", "y.fa", "--output", "y.npy", "--id", "header"],
        3,
        &["y.fa:3", "\\u{1b}"],
    );
    write(at, "z.fa", ">a\u{1b}[2Jb\n");
    refused(
        at,
        &["embed", "--model", "random:model", "--input", "z.fa", "--output", "z.npy"],
        3,
        &["z.fa:1", "\\u{1b}"],
    );
    // Labels and columns with such names.
    let rows: String = (0..60)
        .map(|n| {
            format!("{}{},{}\n", "ACGT".repeat(3), "ACGT".repeat(1 + n % 5), ["../x", "\u{1b}[2J"][n % 2])
        })
        .collect();
    write(at, "l.csv", &format!("sequence,label\n{rows}"));
    let ended = run(
        at,
        &["probe", "l.csv", "--target", "label", "--probes", "linear", "--out", "out", "--seeds", "1"],
    );
    let harmful = |letter: char| letter.is_control() && letter != '\n';
    assert!(!ended.stderr.contains(harmful), "{:?}", ended.stderr);
    write(at, "c.csv", &format!("sequence,\u{1b}[2J\n{}", "ACGT,1\n".repeat(10)));
    refused(at, &["probe", "c.csv", "--target", "label"], 3, &["c.csv"]);
    // Card ids and suite names become names of files.
    for name in NAMES {
        let quoted = serde_json::to_string(name).unwrap();
        let suite = seqprobe_tests::SMALL_SUITE.replace("name = \"small\"", &format!("name = {quoted}"));
        write(at, "s.toml", &suite.replace("[\"sim:motif-fixed\", \"sim:null\"]", "[\"sim:null\"]"));
        let ended = run(at, &["run", "s.toml", "--plan"]);
        assert!(!ended.stderr.contains(harmful), "{:?}", ended.stderr);
        assert!(ended.code == Some(0) || ended.code == Some(2), "{:?}", ended.stderr);
        let card = format!(
            "schema = 1\nid = {quoted}\ntitle = \"t\"\nmetric = \"auroc\"\npositive = \"1\"\ntask = \"binary\"\nsequence = \"sequence\"\ntarget = \"label\"\n[files]\ntest = {{ path = \"l.csv\", sha256 = \"{}\" }}\n",
            "0".repeat(64)
        );
        write(at, "card.toml", &card);
        refused(at, &["data", "show", "card.toml"], 2, &["card.toml"]);
        let card = card.replace(&quoted, "\"fine\"").replace("\"l.csv\"", &quoted);
        write(at, "card.toml", &card);
        refused(at, &["data", "show", "card.toml"], 2, &["card.toml"]);
    }
    let mut left: Vec<_> = ["", "one", "one/two"]
        .iter()
        .flat_map(|part| std::fs::read_dir(outer.join(part)).unwrap())
        .map(|item| item.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["one", "three", "two"], "nothing was written outside of the folder");
}
