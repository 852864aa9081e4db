//! Data files from a server on this machine: resumed, checked, refused, and never with a token for another server.

use crate::loopback::{Answer, Asked, Loopback};
use seqprobe_hub::{FetchedFile, FileAddress, Hub, HubError, HubSettings, RetryPolicy, Token};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const PATH: &str = "/files/train.csv";

fn content() -> Vec<u8> {
    let mut text = "sequence,label\n".to_owned();
    for number in 0..20_000 {
        text.push_str(&format!("ACGTACGTAC{},{}\n", "ACGT".repeat(number % 5), number % 2));
    }
    text.into_bytes()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn settings(endpoint: &str, cache: &Path) -> HubSettings {
    HubSettings {
        cache: cache.to_owned(),
        endpoint: endpoint.to_owned(),
        token: Token::new("hf_secret", "test").unwrap(),
        offline: false,
        proxy: None,
        retries: RetryPolicy {
            attempts: 3,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_secs(2),
            timeout: Duration::from_secs(20),
        },
    }
}

/// Answers as a web server does, with ranges and a strong ETag.
fn serve(asked: &Asked) -> Answer {
    let content = content();
    if !asked.path.ends_with("train.csv") {
        return Answer::new(404, Vec::new(), Vec::new());
    }
    let tag = ("etag", "\"v1\"".to_owned());
    let from = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
    match from.map(|from| from.parse::<usize>().unwrap()) {
        Some(from) if asked.header("if-range").is_none_or(|version| version == "\"v1\"") => {
            let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
            Answer::new(206, vec![tag, ("content-range", range)], content[from..].to_vec())
        }
        _ => Answer::new(200, vec![tag], content),
    }
}

fn fetch(hub: &str, address: &str, digest: Option<&str>, path: &Path) -> Result<FetchedFile, HubError> {
    let hub = Hub::new(settings(hub, path));
    hub.fetch_file(&FileAddress::parse(address).unwrap(), digest, path, &mut |_| {})
}

const NO_HUB: &str = "http://127.0.0.1:9";

fn ranges(server: &Loopback) -> Vec<Option<String>> {
    server.asked().iter().map(|asked| asked.header("range").map(str::to_owned)).collect()
}

#[test]
fn a_file_is_downloaded_and_resumed_in_one_process() {
    let server = Loopback::start(|asked, before| {
        let mut answer = serve(asked);
        if before < 3 {
            answer.cut_after = 50_000;
        }
        answer
    });
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new/train.csv");
    let fetched = fetch(NO_HUB, &format!("{}{PATH}", server.address), None, &path).unwrap();
    assert_eq!(fetched, FetchedFile { bytes: content().len() as u64, sha256: sha256(&content()) });
    assert_eq!(std::fs::read(&path).unwrap(), content());
    let expected: Vec<Option<String>> =
        (0..4).map(|n| (n > 0).then(|| format!("bytes={}-", n * 50_000))).collect();
    assert_eq!(ranges(&server), expected);
    let asked = server.asked();
    assert_eq!(asked[1].header("if-range"), Some("\"v1\""));
    assert!(
        asked.iter().all(|asked| asked.header("authorization").is_none()),
        "the token is for the hub only"
    );
    assert_eq!(names(&path), ["train.csv"], "nothing else is left");
}

fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_an_earlier_process_left_is_used_where_the_digest_is_known() {
    let server = Loopback::start(|asked, _| serve(asked));
    let address = format!("{}{PATH}", server.address);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("train.csv");
    let left = folder.path().join(".train.csv.incomplete");
    std::fs::write(&left, &content()[..70_000]).unwrap();
    fetch(NO_HUB, &address, Some(&sha256(&content()).to_uppercase()), &path).unwrap();
    assert_eq!(ranges(&server), [Some("bytes=70000-".to_owned())]);
    assert!(!left.exists());

    // Without a digest nobody would notice that these bytes are of another version.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&left, [b'x'; 70_000]).unwrap();
    fetch(NO_HUB, &address, None, &path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content());
    assert_eq!(ranges(&server)[1..], [None]);

    // Wrong bytes with a digest: found, and fetched from the start.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&left, [b'x'; 70_000]).unwrap();
    fetch(NO_HUB, &address, Some(&sha256(&content())), &path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content());
}

#[test]
fn a_file_that_changes_while_it_is_downloaded_is_read_from_the_start() {
    let changed: Vec<u8> = content().iter().map(u8::to_ascii_lowercase).collect();
    let after = changed.clone();
    let server = Loopback::start(move |asked, before| {
        let mut answer = serve(asked);
        if before == 0 {
            answer.cut_after = 50_000;
        } else if asked.header("if-range") == Some("\"v1\"") {
            answer = Answer::new(200, vec![("etag", "\"v2\"".to_owned())], after.clone());
        }
        answer
    });
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("train.csv");
    fetch(NO_HUB, &format!("{}{PATH}", server.address), None, &path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), changed);
}

#[test]
fn another_digest_is_an_error_and_leaves_no_file() {
    let server = Loopback::start(|asked, _| serve(asked));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("train.csv");
    let error =
        fetch(NO_HUB, &format!("{}{PATH}", server.address), Some(&"0".repeat(64)), &path).unwrap_err();
    assert!(matches!(&error, HubError::OtherDigest { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&sha256(&content())) && text.contains("datasets.lock"), "{text}");
    assert!(!path.exists() && names(&path).iter().all(|name| name != "train.csv"), "{:?}", names(&path));
}

#[test]
fn refusals_have_hints_for_data() {
    for (status, hint, requests) in [
        (404, "check the url in the card", 1),
        (403, "with a browser", 1),
        (500, "try again later", 3),
        (429, "how often", 3),
    ] {
        let server = Loopback::start(move |_, _| Answer::new(status, Vec::new(), Vec::new()));
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("x.csv");
        let error = fetch(NO_HUB, &format!("{}/x.csv", server.address), None, &path).unwrap_err().to_string();
        assert!(error.contains(&format!("status {status}")) && error.contains(hint), "{error}");
        assert_eq!(server.asked().len(), requests, "{error}");
    }
    let folder = TempDir::new().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = fetch(NO_HUB, &format!("http://{closed}/x"), None, &folder.path().join("x")).unwrap_err();
    assert!(matches!(&error, HubError::Network { .. }), "{error}");
    let offline = Hub::new(HubSettings { offline: true, ..settings(NO_HUB, folder.path()) });
    let address = FileAddress::parse("https://example.org/x.csv").unwrap();
    let error = offline.fetch_file(&address, None, &folder.path().join("y"), &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("HF_HUB_OFFLINE"), "{error}");
}

#[test]
fn a_disk_without_space_or_rights_is_reported_with_the_option() {
    let server = Loopback::start(|asked, _| serve(asked));
    // A folder that is a file cannot be written to.
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let path = folder.path().join("file/train.csv");
    let error = fetch(NO_HUB, &format!("{}{PATH}", server.address), None, &path).unwrap_err();
    assert!(matches!(&error, HubError::DataIo { .. }), "{error}");
    let full = HubError::DataIo { path, source: std::io::ErrorKind::StorageFull.into() };
    assert!(full.to_string().contains("--data-dir"), "{full}");
}

#[test]
fn a_dataset_of_the_hub_gets_the_token_and_its_storage_does_not() {
    let storage = Loopback::start(|asked, _| {
        let original = Asked { path: PATH.to_owned(), ..asked.clone() };
        serve(&original)
    });
    let place = format!("{}/blob?Signature=secret", storage.address);
    let hub = Loopback::start(move |asked, _| {
        assert_eq!(asked.path, "/datasets/owner/name/resolve/v1/H3/train.csv");
        let announced = vec![
            ("location", place.clone()),
            ("x-linked-etag", format!("\"{}\"", sha256(&content()))),
            ("x-linked-size", content().len().to_string()),
        ];
        Answer::new(302, announced, Vec::new())
    });
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("train.csv");
    let address = "hf:datasets/owner/name@v1/H3/train.csv";
    let fetched = fetch(&hub.address, address, None, &path).unwrap();
    assert_eq!(fetched.sha256, sha256(&content()));
    assert!(hub.asked().iter().all(|asked| asked.header("authorization") == Some("Bearer hf_secret")));
    let there = storage.asked();
    assert_eq!(there.len(), 1);
    assert_eq!((there[0].path.as_str(), there[0].header("authorization")), ("/blob?Signature=secret", None));

    // A web server that leads to the hub gets no token either, and a redirect to a third server has none.
    let hub_address = hub.address.clone();
    let web = Loopback::start(move |_, _| {
        let location = ("location", format!("{hub_address}/datasets/owner/name/resolve/v1/H3/train.csv"));
        Answer::new(307, vec![location], Vec::new())
    });
    std::fs::remove_file(&path).unwrap();
    fetch(NO_HUB, &format!("{}/x.csv", web.address), None, &path).unwrap();
    assert!(web.asked().iter().all(|asked| asked.header("authorization").is_none()));
    assert!(hub.asked().last().unwrap().header("authorization").is_none(), "this hub is not the endpoint");
}

#[test]
fn two_at_once_download_once() {
    let server = Loopback::start(|asked, _| {
        std::thread::sleep(Duration::from_millis(200));
        serve(asked)
    });
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("train.csv");
    let address = format!("{}{PATH}", server.address);
    let digest = sha256(&content());
    std::thread::scope(|scope| {
        let both: Vec<_> =
            (0..2).map(|_| scope.spawn(|| fetch(NO_HUB, &address, Some(&digest), &path).unwrap())).collect();
        for one in both {
            assert_eq!(one.join().unwrap().sha256, digest);
        }
    });
    assert_eq!(server.asked().len(), 1);
}
