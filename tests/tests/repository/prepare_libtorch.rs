//! Runs the script that prepares libtorch against a package index on the loopback address, with tiny wheels made
//! here: the good way, and every failure that a user can meet. Nothing is fetched from outside.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))] // elsewhere the user brings libtorch

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

/// Makes wheels whose content is fixed, and the table that names them.
const MAKE_WHEELS: &str = r#"
import hashlib, json, os, random, sys, zipfile
folder, rng = sys.argv[1], random.Random(0)
table = {"version": "2.11.0", "unpacked_bytes": 500000, "wheels": [], "complete": {}}
for project, members in [
    ("nvidia-cuda-runtime", {"nvidia/cu13/lib/libcudart.so.13": "lib/libcudart.so.13"}),
    ("torch", {"torch/lib/libtorch_cpu.so": "lib/libtorch_cpu.so", "torch/lib/libc10.so": "lib/libc10.so",
               "torch/include/": "include/"}),
]:
    path = os.path.join(folder, project + "-1.whl")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("not/wanted.txt", "x")
        for source, target in members.items():
            if source.endswith("/"):
                source, target = source + "ATen/ATen.h", target + "ATen/ATen.h"
            content = rng.getrandbits(800000).to_bytes(100000, "little")
            archive.writestr(source, content)
            table["complete"][target] = len(content)
    content = open(path, "rb").read()
    table["wheels"].append({"project": project, "file": os.path.basename(path), "bytes": len(content),
                            "sha256": hashlib.sha256(content).hexdigest(), "members": members})
json.dump(table, open(os.path.join(folder, "table.json"), "w"))
"#;

const FILE: &str = "/files/torch-1.whl";

type Pages = BTreeMap<String, (&'static str, Vec<u8>)>;

/// A package index that remembers what it was asked: one line `path range authorization` per request.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves the pages; the first answer for `cut`, if given, ends half-way.
    fn start(pages: Pages, cut: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let address = listener.local_addr().expect("bound").to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut cut = cut;
            for stream in listener.incoming().flatten() {
                // A client that goes away early is part of the tests.
                let _ = answer(stream, &pages, &mut cut, &log);
            }
        });
        Self { address, requests }
    }

    fn requests_for(&self, path: &str) -> Vec<String> {
        let log = self.requests.lock().expect("no panic holds it");
        log.iter().filter(|line| line.starts_with(path)).cloned().collect()
    }

    fn count(&self) -> usize {
        self.requests.lock().expect("no panic holds it").len()
    }
}

fn answer(
    mut stream: TcpStream,
    pages: &Pages,
    cut: &mut Option<&'static str>,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut start, mut seen) = (0, path.clone());
    for line in lines {
        let line = line?;
        if let Some(range) = line.strip_prefix("Range: bytes=") {
            start = range.trim_end_matches('-').parse().expect("an open range");
            seen.push_str(&format!(" from {start}"));
        }
        if let Some(secret) = line.strip_prefix("Authorization: ") {
            seen.push_str(&format!(" as {secret}"));
        }
        if line.is_empty() {
            break;
        }
    }
    log.lock().expect("no panic holds it").push(seen);
    let Some((kind, content)) = pages.get(&path) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
    let body = &content[start..];
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    let sent = if *cut == Some(path.as_str()) { body.len() / 2 } else { body.len() };
    if sent < body.len() {
        *cut = None;
    }
    stream.write_all(&body[..sent])
}

/// A folder with wheels, their table, an empty cache and an empty repository root.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = Command::new("python3").args(["-c", MAKE_WHEELS]).arg(folder.path()).status();
        assert!(made.expect("python3 is needed to build seqprobe").success());
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn prepared(&self) -> PathBuf {
        self.path("cache/libtorch-2.11.0-cpu")
    }

    fn wheel(&self) -> Vec<u8> {
        std::fs::read(self.path("torch-1.whl")).expect("made by new")
    }

    /// The index in its two forms: JSON for one project, HTML for the other.
    fn pages(&self) -> Pages {
        let runtime = std::fs::read(self.path("nvidia-cuda-runtime-1.whl")).expect("made by new");
        let json = r#"{"files": [{"filename": "nvidia-cuda-runtime-1.whl", "url": "/files/runtime.whl"}]}"#;
        let html =
            r##"<a href="../../files/torch-1.whl#sha256=0" data-requires-python="&gt;=3">torch-1.whl</a>"##;
        Pages::from([
            ("/simple/nvidia-cuda-runtime/".into(), ("application/vnd.pypi.simple.v1+json", json.into())),
            ("/simple/torch/".into(), ("text/html", html.into())),
            ("/files/runtime.whl".into(), ("application/octet-stream", runtime)),
            (FILE.into(), ("application/octet-stream", self.wheel())),
        ])
    }

    fn command(&self, address: &str) -> Command {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/seqprobe-models/libtorch/prepare.py");
        let mut command = Command::new("python3");
        command.arg(script).arg("--table").arg(self.path("table.json")).arg("--root").arg(self.path("root"));
        for name in ["LIBTORCH", "LIBTORCH_USE_PYTORCH", "PIP_CERT", "CXX"] {
            command.env_remove(name);
        }
        command.env("NO_PROXY", "*").env("no_proxy", "*").env("SEQPROBE_CACHE_DIR", self.path("cache"));
        command.env("PIP_INDEX_URL", format!("http://{address}/simple"));
        command
    }

    fn run(&self, address: &str) -> Output {
        self.command(address).output().expect("python3 starts")
    }
}

/// The words of a failure: exit code 1, one line that says what happened, one with a hint.
fn failure(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(!text.contains("Traceback"), "{text}");
    let last: Vec<&str> = text.lines().rev().take(2).collect();
    assert!(last[0].starts_with("  hint: "), "{text}");
    assert!(last[1].starts_with("libtorch: "), "{text}");
    text
}

fn success(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn downloads_checks_unpacks_and_is_done_the_second_time() {
    let place = Place::new();
    let server = Server::start(place.pages(), None);
    success(&place.run(&server.address));
    let folder = place.prepared();
    assert_eq!(names(&folder), [".seqprobe-complete", "build-version", "include", "lib"]);
    assert_eq!(
        names(&folder.join("lib")),
        ["libc10.so", "libcudart.so.13", "libtorch.so", "libtorch_cpu.so"]
    );
    assert_eq!(
        std::fs::read_link(folder.join("lib/libtorch.so")).expect("a link"),
        Path::new("libtorch_cpu.so")
    );
    assert_eq!(std::fs::read_to_string(folder.join("build-version")).expect("text"), "2.11.0\n");
    // Neither the wheels nor half-unpacked folders stay behind.
    assert_eq!(names(&place.path("cache")), ["libtorch-2.11.0-cpu", "libtorch-2.11.0-cpu.lock"]);
    let config = std::fs::read_to_string(place.path("root/.cargo/config.toml")).expect("written");
    assert_eq!(
        config,
        format!("[env]\nLIBTORCH = {{ value = {:?}, relative = false }}\n", folder.display().to_string())
    );

    let asked = server.count();
    success(&place.run(&server.address));
    assert_eq!(server.count(), asked, "a complete copy is used without asking the network");
}

#[test]
fn a_wrong_digest_is_refused_and_the_file_removed() {
    let place = Place::new();
    let mut pages = place.pages();
    let mut tampered = place.wheel();
    tampered[50_000] ^= 1;
    pages.insert(FILE.into(), ("application/octet-stream", tampered));
    let server = Server::start(pages, None);
    let text = failure(&place.run(&server.address));
    let table: Value =
        serde_json::from_slice(&std::fs::read(place.path("table.json")).expect("made")).expect("JSON");
    assert!(text.contains("torch-1.whl has SHA-256 "), "{text}");
    assert!(text.contains(table["wheels"][1]["sha256"].as_str().expect("text")), "{text}");
    assert_eq!(names(&place.path("cache")), ["libtorch-2.11.0-cpu.lock"]);
    assert!(!place.path("root/.cargo").exists());
}

#[test]
fn a_connection_cut_half_way_is_resumed() {
    let place = Place::new();
    let half = place.wheel().len() / 2;
    let server = Server::start(place.pages(), Some(FILE));
    let text = success(&place.run(&server.address));
    assert_eq!(server.requests_for(FILE), [FILE.to_owned(), format!("{FILE} from {half}")], "{text}");
    assert!(place.prepared().exists());
}

#[test]
fn a_killed_download_is_resumed_by_the_next_run() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("cache/downloads")).expect("a folder");
    std::fs::write(place.path("cache/downloads/torch-1.whl.part"), &place.wheel()[..1000]).expect("written");
    std::fs::create_dir_all(place.path("cache/.unpacking-old/lib")).expect("a folder");
    let server = Server::start(place.pages(), None);
    success(&place.run(&server.address));
    assert_eq!(server.requests_for(FILE), [format!("{FILE} from 1000")]);
    assert_eq!(names(&place.path("cache")), ["libtorch-2.11.0-cpu", "libtorch-2.11.0-cpu.lock"]);
}

#[test]
fn two_processes_at_once_end_with_one_copy() {
    let place = Place::new();
    let server = Server::start(place.pages(), None);
    let start =
        || place.command(&server.address).stderr(std::process::Stdio::piped()).spawn().expect("starts");
    let (first, second) = (start(), start());
    success(&first.wait_with_output().expect("ends"));
    success(&second.wait_with_output().expect("ends"));
    assert_eq!(server.requests_for(FILE).len(), 1, "the second waits for the first");
}

#[test]
fn an_index_without_the_project_and_a_missing_file_are_named() {
    let place = Place::new();
    let mut pages = place.pages();
    pages.remove(FILE);
    let server = Server::start(pages, None);
    let text = failure(&place.run(&server.address));
    assert!(text.contains("download of torch-1.whl failed: HTTP 404 Not Found"), "{text}");
    assert_eq!(server.requests_for(FILE).len(), 1, "a missing file is not asked for again");

    let empty = Server::start(Pages::new(), None);
    let text = failure(&place.run(&empty.address));
    assert!(
        text.contains("/simple/torch/ failed: HTTP 404") || text.contains("cuda-runtime/ failed: HTTP 404")
    );
    assert!(text.contains("PIP_INDEX_URL"), "{text}");
}

#[test]
fn no_server_is_said_at_once() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound").to_string();
    drop(listener);
    let text = failure(&place.run(&address));
    assert!(text.contains("Connection refused"), "{text}");
    assert!(text.contains("check the network and proxy"), "{text}");
}

#[test]
fn a_password_goes_into_a_header_and_not_into_messages() {
    let place = Place::new();
    let server = Server::start(Pages::new(), None);
    let text = failure(&place.run(&format!("me:s3cret@{}", server.address)));
    assert!(!text.contains("s3cret"), "{text}");
    // base64 of "me:s3cret"
    assert_eq!(server.requests_for("/"), ["/simple/nvidia-cuda-runtime/ as Basic bWU6czNjcmV0"]);
}

#[test]
fn too_little_disk_space_is_said_before_downloading() {
    let place = Place::new();
    let server = Server::start(place.pages(), None);
    let output = place.command(&server.address).args(["--free-bytes", "600000"]).output().expect("starts");
    let text = failure(&output);
    assert!(text.contains("has 0.00 GB free"), "{text}");
    assert!(text.contains("SEQPROBE_CACHE_DIR"), "{text}");
    assert_eq!(server.count(), 0);
}

/// A libtorch as the fake table wants it, made by hand, at `folder`.
fn hand_made(folder: &Path, version: &str) {
    for (name, size) in [
        ("lib/libtorch_cpu.so", 100_000),
        ("lib/libtorch.so", 100_000),
        ("lib/libc10.so", 100_000),
        ("lib/libcudart.so.13", 100_000),
        ("include/ATen/ATen.h", 100_000),
    ] {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, vec![0; size]).expect("written");
    }
    std::fs::write(folder.join("build-version"), version).expect("written");
}

#[test]
fn libtorch_of_the_user_is_checked_and_left_to_the_environment() {
    let place = Place::new();
    let own = place.path("own");
    let run = |folder: &Path| {
        place.command("127.0.0.1:1").env("LIBTORCH", folder).output().expect("python3 starts")
    };
    let text = failure(&run(&own));
    assert!(text.contains("own has no lib/libtorch.so"), "{text}");
    hand_made(&own, "2.4.0+cu121\n");
    let text = failure(&run(&own));
    assert!(text.contains("own is version 2.4.0, expected 2.11.0"), "{text}");
    assert!(text.contains("unset it to have one downloaded"), "{text}");
    assert!(failure(&run(Path::new("own"))).contains("not an absolute path"));
    hand_made(&own, "2.11.0+cu130\n");
    success(&run(&own));
    assert!(!place.path("root/.cargo").exists(), "the environment is enough");
    assert!(!place.path("cache").exists());
}

#[test]
fn a_copy_made_by_hand_is_adopted_and_a_damaged_one_is_not_touched() {
    let place = Place::new();
    hand_made(&place.prepared(), "2.11.0+cpu\n");
    success(&place.run("127.0.0.1:1"));
    assert!(place.prepared().join(".seqprobe-complete").exists());

    std::fs::write(place.prepared().join("lib/libc10.so"), b"short").expect("written");
    let text = failure(&place.run("127.0.0.1:1"));
    assert!(text.contains("damaged: lib/libc10.so is missing or of the wrong size"), "{text}");
    assert!(text.contains("remove that folder"), "{text}");
    assert!(place.prepared().join("lib/libtorch_cpu.so").exists());
}

#[test]
fn other_lines_of_the_cargo_configuration_are_kept() {
    let place = Place::new();
    hand_made(&place.prepared(), "2.11.0\n");
    let config = place.path("root/.cargo/config.toml");
    std::fs::create_dir_all(place.path("root/.cargo")).expect("made");
    let line =
        format!("LIBTORCH = {{ value = {:?}, relative = false }}\n", place.prepared().display().to_string());
    for (before, after) in [
        ("[build]\njobs = 1\n", format!("[build]\njobs = 1\n\n[env]\n{line}")),
        ("[env]\nOTHER = \"1\"\n", format!("[env]\n{line}\nOTHER = \"1\"\n")),
        ("[env]\nLIBTORCH = \"/old\"\n[build]\n", format!("[env]\n{line}[build]\n")),
    ] {
        std::fs::write(&config, before).expect("written");
        success(&place.run("127.0.0.1:1"));
        assert_eq!(std::fs::read_to_string(&config).expect("text"), after);
    }
}

#[test]
fn a_missing_compiler_and_a_foreign_machine_are_said_first() {
    let place = Place::new();
    let text =
        failure(&place.command("127.0.0.1:1").env("CXX", "no-such-compiler -O2").output().expect("starts"));
    assert!(text.contains("no-such-compiler is not on the PATH"), "{text}");
    assert!(text.contains("apt-get install g++"), "{text}");

    let mut command = place.command("127.0.0.1:1");
    let script: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    let pretend = "import platform, runpy, sys; platform.machine = lambda: 'riscv64'; del sys.argv[0]; \
                   runpy.run_path(sys.argv[0], run_name='__main__')";
    let environment: Vec<_> =
        command.get_envs().map(|(k, v)| (k.to_owned(), v.map(ToOwned::to_owned))).collect();
    command = Command::new("python3");
    command.args(["-c", pretend]).args(script);
    for (name, value) in environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let text = failure(&command.output().expect("starts"));
    assert!(text.contains("no prepared libtorch for Linux riscv64"), "{text}");
    assert!(text.contains("set LIBTORCH to a libtorch 2.11.0 folder"), "{text}");
}
