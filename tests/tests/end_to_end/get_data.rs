//! `data fetch` and `data check --all` with a server on this machine: what is downloaded, where it goes, and the digests that
//! files are held to.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use crate::hub::loopback::{Answer, Loopback};
use seqprobe_tests::{Ended, command, root, skip, write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Records as in the downstream tasks of the Nucleotide Transformer: `>name|label`.
fn records(n: usize) -> String {
    let bases = |number: usize| -> String {
        (0..40).map(|place| char::from(b"ACGT"[(number * 7 + place * (number % 5 + 1)) % 4])).collect()
    };
    (0..n).map(|number| format!(">chr{}:{number}|{}\n{}\n", number % 3, number % 2, bases(number))).collect()
}

const CARD: &str = r#"schema = 1
id = "nt-like"
title = "A task in the layout of the downstream tasks"
task = "binary"
target = "header|last"
positive = "1"
metric = "mcc"
format = "fasta"
source = "https://example.org/data"
[files]
train = { path = "nt/H3/train.fna", url = "hf:datasets/owner/tasks@v1/H3/train.fna" }
test = { path = "nt/H3/test.fna", url = "SERVER/test.fna" }
[[split]]
of = "train"
method = "random"
into = { train = 0.75, valid = 0.25 }
"#;

/// A hub and a web server in one; the training file can be changed.
fn server(train: &Arc<Mutex<String>>) -> Loopback {
    let train = Arc::clone(train);
    Loopback::start(move |asked, before| {
        let content = match asked.path.as_str() {
            "/datasets/owner/tasks/resolve/v1/H3/train.fna" => train.lock().unwrap().clone(),
            "/test.fna" => records(20),
            _ => return Answer::new(404, Vec::new(), Vec::new()),
        };
        let tag = ("etag", "\"0123456789abcdef\"".to_owned());
        let from = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        let mut answer = match from.map(|from| from.parse::<usize>().unwrap()) {
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
                Answer::new(206, vec![tag, ("content-range", range)], content.as_bytes()[from..].to_vec())
            }
            None => Answer::new(200, vec![tag], content.into_bytes()),
        };
        // The first download of each file is cut.
        if asked.method == "GET" && before == 0 {
            answer.cut_after = 500;
        }
        answer
    })
}

fn run(folder: &Path, server: &Loopback, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = command(folder, arguments);
    for name in [
        "HF_HUB_CACHE",
        "HUGGINGFACE_HUB_CACHE",
        "HF_TOKEN_PATH",
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
        "ALL_PROXY",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "all_proxy",
        "https_proxy",
        "http_proxy",
    ] {
        command.env_remove(name);
    }
    command
        .env("HF_HOME", folder.join("hf"))
        .env("HF_ENDPOINT", &server.address)
        .env("HF_TOKEN", "hf_secret");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn files_are_fetched_once_and_held_to_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = Arc::new(Mutex::new(records(60)));
    // A server of its own for the file that is not on the hub: it gets no token.
    let web = server(&train);
    let hub = server(&train);
    write(folder, "nt.toml", &CARD.replace("SERVER", &web.address));

    // Nothing is here, and nothing is downloaded by other commands.
    let ended = run(folder, &hub, &["data", "show", "nt.toml"], &[]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    assert!(ended.stderr.contains("`seqprobe data fetch nt.toml` downloads it"), "{}", ended.stderr);
    let offline = [("HF_HUB_OFFLINE", "1")];
    let ended = run(folder, &hub, &["data", "fetch", "nt.toml"], &offline);
    assert!(ended.code == Some(3) && ended.stderr.contains("HF_HUB_OFFLINE"), "{}", ended.stderr);
    assert!(hub.asked().is_empty() && web.asked().is_empty());

    let ended = run(folder, &hub, &["data", "fetch", "nt.toml"], &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let here = folder.join("cache/datasets");
    assert_eq!(std::fs::read_to_string(here.join("nt/H3/train.fna")).unwrap(), records(60));
    assert_eq!(std::fs::read_to_string(here.join("nt/H3/test.fna")).unwrap(), records(20));
    let lock = std::fs::read_to_string(here.join("datasets.lock")).unwrap();
    assert!(lock.contains("path = \"nt/H3/train.fna\"") && lock.matches("sha256 = ").count() == 2, "{lock}");
    assert!(ended.stdout.contains("datasets.lock") && !lock.contains("hf_secret"), "{}", ended.stdout);
    assert!(ended.stderr.contains("downloading train.fna"), "{}", ended.stderr);
    let ranges = |server: &Loopback| {
        let asked = server.asked().into_iter().filter(|asked| asked.method == "GET");
        asked.map(|asked| asked.header("range").map(str::to_owned)).collect::<Vec<_>>()
    };
    for server in [&hub, &web] {
        assert_eq!(ranges(server), [None, Some("bytes=500-".to_owned())], "resumed after the cut");
    }
    assert!(hub.asked().iter().all(|asked| asked.header("authorization") == Some("Bearer hf_secret")));
    assert!(web.asked().iter().all(|asked| asked.header("authorization").is_none()));

    // The dataset is read, offline; 45 + 15 rows of train, 20 of test.
    let ended = run(folder, &hub, &["data", "show", "nt.toml"], &offline);
    assert!(ended.stdout.contains("45 train, 15 valid, 20 test"), "{}{}", ended.stdout, ended.stderr);
    // Again: nothing is asked.
    let n_asked = hub.asked().len();
    let ended = run(folder, &hub, &["data", "fetch", "nt.toml"], &offline);
    assert!(ended.code == Some(0) && ended.stdout.matches("here  ").count() == 2, "{}", ended.stdout);
    assert_eq!(hub.asked().len(), n_asked);

    // Another version at the address is not taken, and a changed file is not read.
    std::fs::remove_file(here.join("nt/H3/train.fna")).unwrap();
    *train.lock().unwrap() = records(64);
    let ended = run(folder, &hub, &["data", "fetch", "nt.toml"], &[]);
    assert_eq!(ended.code, Some(3), "{}", ended.stdout);
    assert!(
        ended.stderr.contains("wrong SHA-256 digest") && ended.stderr.contains("datasets.lock"),
        "{}",
        ended.stderr
    );
    assert!(!here.join("nt/H3/train.fna").exists());
    *train.lock().unwrap() = records(60);
    assert_eq!(run(folder, &hub, &["data", "fetch", "nt.toml"], &[]).code, Some(0));
    write(&here, "nt/H3/test.fna", &records(22));
    for command in ["show", "check", "fetch"] {
        let ended = run(folder, &hub, &["data", command, "nt.toml"], &[]);
        let text = format!("{}{}", ended.stdout, ended.stderr);
        assert!(ended.code == Some(3) && text.contains("wrong SHA-256 digest"), "{command}: {text}");
    }
    assert_eq!(std::fs::read_to_string(here.join("nt/H3/test.fna")).unwrap(), records(22), "never replaced");
}

#[test]
fn a_data_folder_is_filled_and_what_has_no_address_is_put_there_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let train = Arc::new(Mutex::new(records(60)));
    let hub = server(&train);
    let web = server(&train);
    let card = CARD
        .replace("SERVER", &web.address)
        .replace(", url = \"hf:datasets/owner/tasks@v1/H3/train.fna\"", "");
    write(folder, "cards/nt.toml", &card);
    let fetch = ["data", "fetch", "cards/nt.toml", "--data-dir", "data"];
    let ended = run(folder, &hub, &fetch, &[]);
    assert_eq!(ended.code, Some(3), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("not here    nt/H3/train.fna: get it from https://example.org/data, put it at data/nt/H3/train.fna"),
        "{}",
        ended.stdout
    );
    assert!(folder.join("data/nt/H3/test.fna").exists() && !folder.join("cache/datasets").exists());
    write(folder, "data/nt/H3/train.fna", &records(60));
    // Without a digest it is not read yet.
    let show = ["data", "show", "cards/nt.toml", "--data-dir", "data"];
    let ended = run(folder, &hub, &show, &[]);
    assert!(ended.code == Some(3) && ended.stderr.contains("has no sha256"), "{}", ended.stderr);
    let ended = run(folder, &hub, &fetch, &[]);
    assert!(ended.code == Some(0) && ended.stdout.contains("locked  "), "{}{}", ended.stdout, ended.stderr);
    assert_eq!(run(folder, &hub, &show, &[]).code, Some(0));
    write(folder, "data/nt/H3/train.fna", &records(62));
    let ended = run(folder, &hub, &show, &[]);
    assert!(ended.code == Some(3) && ended.stderr.contains("wrong SHA-256"), "{}", ended.stderr);

    // An address that cannot be used, and one without a file.
    for (url, reason) in [
        ("http://example.org/x", "plain http"),
        ("ftp://example.org/x", "not an address"),
        (&format!("{}/other.fna", web.address), "check the url in the card"),
    ] {
        let text =
            card.replace(&format!("{}/test.fna", web.address), url).replace("nt/H3/test.fna", "nt/new.fna");
        write(folder, "cards/wrong.toml", &text);
        let ended = run(folder, &hub, &["data", "fetch", "cards/wrong.toml", "--data-dir", "other"], &[]);
        assert!(ended.code == Some(3) && ended.stderr.contains(reason), "{url}: {}", ended.stderr);
        assert!(ended.stderr.contains("\"nt/new.fna\""), "{}", ended.stderr);
    }
}

/// The folder of public datasets.
fn data_folder() -> PathBuf {
    std::env::var_os("SEQPROBE_DATA_DIR").map_or_else(|| root().join("../shared/data"), PathBuf::from)
}

#[test]
fn all_cards_are_checked_as_far_as_their_data_are_here() {
    let folder = tempfile::tempdir().unwrap();
    let check = |folder: &Path, data: &Path| {
        let data = data.to_str().unwrap();
        let ended = command(folder, &["data", "check", "--all", "--data-dir", data]).output().unwrap();
        (ended.status.code(), String::from_utf8(ended.stdout).unwrap())
    };
    let (code, text) = check(folder.path(), &folder.path().join("empty"));
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("absent  nt-enhancers: 0 of 2 files are here; `seqprobe data fetch nt-enhancers`"),
        "{text}"
    );
    assert!(
        text.contains("\n0 ok, ") && text.contains("seqprobe data fetch ") && text.contains(" gue-emp-h4 "),
        "{text}"
    );

    // A file with other content is not passed over, also where the others are not here.
    let wrong = folder.path().join("data");
    write(&wrong, "gue/tf/0/dev.csv", "sequence,label\nACGT,1\n");
    let (code, text) = check(folder.path(), &wrong);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("failed  gue-tf-0: ") && text.contains("wrong SHA-256"), "{text}");

    let data = data_folder();
    if !data.join("gue/tf/0").exists() {
        let line = format!("{} has no datasets", data.display());
        assert!(std::env::var_os("SEQPROBE_REQUIRE_DATA").is_none_or(|value| value != "1"), "{line}");
        skip(&line);
        return;
    }
    let (code, text) = check(folder.path(), &data);
    assert_eq!(code, Some(0), "{text}");
    for id in
        ["azimuth", "ctcf-pu1", "gue-mouse-0", "gue-prom-core-all", "gue-splice", "gue-tf-0", "ienhancer"]
    {
        assert!(text.contains(&format!("ok      {id}: ")), "{id}: {text}");
    }
    assert!(
        text.contains("absent  genomic-benchmarks-human-enhancers-cohn: 4 of 5 files are here"),
        "{text}"
    );
}
