//! A small HTTP server on this machine in the role of the hub. It gives the answers that a test defines and records the
//! requests.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The commit of every repository here.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Asked {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Bytes of the body after which the connection ends.
    pub(crate) cut_after: usize,
}

impl Answer {
    pub(crate) fn new(status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Self {
        Self { status, headers, body, cut_after: usize::MAX }
    }
}

/// A running server.
pub(crate) struct Loopback {
    /// `http://127.0.0.1:port`
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Loopback {
    /// Starts a server; `answer` is given a request and how often the same was asked before.
    pub(crate) fn start(answer: impl Fn(&Asked, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &kept, answer.as_ref()));
            }
        });
        Self { address, asked }
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, kept: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked, usize) -> Answer) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    let asked = Asked { method, path, headers };
    let before = {
        let mut kept = kept.lock().unwrap();
        let same = |other: &&Asked| other.method == asked.method && other.path == asked.path;
        let before = kept.iter().filter(same).count();
        kept.push(asked.clone());
        before
    };
    let answer = answer(&asked, before);
    let mut head = format!("HTTP/1.1 {} x\r\nconnection: close\r\n", answer.status);
    if !answer.headers.iter().any(|(name, _)| *name == "content-length") {
        head.push_str(&format!("content-length: {}\r\n", answer.body.len()));
    }
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body: &[u8] = if asked.method == "HEAD" { &[] } else { &answer.body };
    let body = &body[..body.len().min(answer.cut_after)];
    // The other side may have hung up.
    let mut stream = stream;
    let _ = stream.write_all(format!("{head}\r\n").as_bytes()).and_then(|()| stream.write_all(body));
}

/// Files of the repository `owner/name`.
#[derive(Clone, Default)]
pub(crate) struct Repository {
    /// Name, content, name of the content: 40 digits, or 64 for a large file.
    pub(crate) files: Vec<(String, Vec<u8>, String)>,
}

impl Repository {
    pub(crate) fn with(mut self, name: &str, content: &[u8], etag: &str) -> Self {
        self.files.push((name.to_owned(), content.to_owned(), etag.to_owned()));
        self
    }

    /// What the hub answers.
    pub(crate) fn answer(&self, asked: &Asked) -> Answer {
        let path = asked.path.split('?').next().unwrap();
        if path.starts_with("/api/models/owner/name/revision/") {
            let siblings: Vec<serde_json::Value> = self.files.iter().map(sibling).collect();
            let list = serde_json::json!({ "id": "owner/name", "sha": COMMIT, "siblings": siblings });
            return Answer::new(200, Vec::new(), list.to_string().into_bytes());
        }
        let name = path.strip_prefix(&format!("/owner/name/resolve/{COMMIT}/"));
        let Some((_, content, etag)) = self.files.iter().find(|(file, _, _)| Some(file.as_str()) == name)
        else {
            return Answer::new(404, vec![("x-error-code", "EntryNotFound".to_owned())], Vec::new());
        };
        let mut headers = vec![if etag.len() == 64 {
            ("x-linked-etag", format!("\"{etag}\""))
        } else {
            ("etag", format!("W/\"{etag}\""))
        }];
        let from = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.split('-').next());
        match from.map(|from| from.parse::<usize>().unwrap()) {
            Some(from) if asked.method == "GET" => {
                let last = content.len() - 1;
                headers.push(("content-range", format!("bytes {from}-{last}/{}", content.len())));
                Answer::new(206, headers, content[from..].to_vec())
            }
            _ => Answer::new(200, headers, content.clone()),
        }
    }
}

fn sibling((name, content, etag): &(String, Vec<u8>, String)) -> serde_json::Value {
    if etag.len() == 64 {
        let large = serde_json::json!({ "sha256": etag, "size": content.len(), "pointerSize": 134 });
        serde_json::json!({ "rfilename": name, "size": content.len(), "blobId": "f".repeat(40), "lfs": large })
    } else {
        serde_json::json!({ "rfilename": name, "size": content.len(), "blobId": etag })
    }
}
