//! Fetching from a hub that is a real server on this machine and misbehaves in the ways networks do.

use crate::loopback::{Answer, Asked, COMMIT, Loopback, Repository};
use seqprobe_hub::{
    Hub, HubError, HubReference, HubSettings, Needed, Progress, RetryPolicy, Snapshot, Token,
};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const WEIGHTS: &str = "model.safetensors";
const ATTEMPTS: u32 = 4;

fn weights() -> Vec<u8> {
    (0..300_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761) >> 16).to_le_bytes()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn repository() -> Repository {
    let weights = weights();
    Repository::default()
        .with("config.json", b"{\"model_type\": \"bert\"}", &"a".repeat(40))
        .with("vocab.txt", b"A\nC\nG\nT\n", &"b".repeat(40))
        .with("modeling_own.py", b"raise SystemExit", &"c".repeat(40))
        .with("pytorch_model.bin", b"the same in another form", &"d".repeat(64))
        .with(WEIGHTS, &weights, &sha256(&weights))
}

fn settings(endpoint: &str, cache: &Path) -> HubSettings {
    HubSettings {
        cache: cache.to_owned(),
        endpoint: endpoint.to_owned(),
        token: Token::new("hf_secret", "test").unwrap(),
        offline: false,
        proxy: None,
        retries: RetryPolicy {
            attempts: ATTEMPTS,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_secs(2),
            timeout: Duration::from_secs(20),
        },
    }
}

fn reference() -> HubReference {
    HubReference::parse("owner/name").unwrap()
}

fn fetch(endpoint: &str, cache: &Path) -> Result<Snapshot, HubError> {
    Hub::new(settings(endpoint, cache)).fetch(&reference(), Needed::Weights, &mut |_| {})
}

fn is_weights(asked: &Asked, method: &str) -> bool {
    asked.method == method && asked.path.ends_with(WEIGHTS)
}

/// Ranges of the requests for the weights, in order.
fn ranges(server: &Loopback) -> Vec<Option<String>> {
    let asked = server.asked();
    let asked = asked.iter().filter(|asked| is_weights(asked, "GET"));
    asked.map(|asked| asked.header("range").map(str::to_owned)).collect()
}

fn blobs(cache: &Path) -> Vec<String> {
    let folder = cache.join("models--owner--name/blobs");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_model_lands_in_the_layout_of_the_python_library_and_is_found_again() {
    let server = Loopback::start(|asked, _| repository().answer(asked));
    let cache = TempDir::new().unwrap();
    let hub = Hub::new(settings(&server.address, cache.path()));
    assert_eq!(hub.find(&reference(), Needed::Weights), None);
    let mut heard = Vec::new();
    let snapshot = hub
        .fetch(&reference(), Needed::Weights, &mut |progress| {
            if let Progress::Bytes { file, bytes, total } = progress {
                heard.push((file.to_owned(), bytes, total));
            }
        })
        .unwrap();
    let size = weights().len() as u64;
    assert_eq!(heard.last(), Some(&(WEIGHTS.to_owned(), size, Some(size))));

    let root = cache.path().join("models--owner--name");
    assert_eq!(snapshot.folder, root.join("snapshots").join(COMMIT));
    assert_eq!(snapshot.files, ["config.json", "vocab.txt", WEIGHTS]);
    assert_eq!(std::fs::read_to_string(root.join("refs/main")).unwrap(), COMMIT);
    let mut contents = ["a".repeat(40), "b".repeat(40), sha256(&weights())];
    contents.sort();
    assert_eq!(blobs(cache.path()), contents);
    let link = std::fs::read_link(snapshot.folder.join(WEIGHTS)).unwrap();
    assert_eq!(link, Path::new("../../blobs").join(sha256(&weights())));
    assert_eq!(std::fs::read(snapshot.folder.join(WEIGHTS)).unwrap(), weights());
    let digests = snapshot.digests().unwrap();
    assert_eq!(digests[2].sha256, sha256(&weights()));

    let asked = server.asked();
    assert!(
        asked.iter().all(|asked| !asked.path.contains(".py") && !asked.path.contains(".bin")),
        "{asked:?}"
    );
    assert!(asked.iter().all(|asked| asked.header("authorization") == Some("Bearer hf_secret")), "{asked:?}");

    // Without a network: by branch and by commit.
    let offline = Hub::new(HubSettings { offline: true, ..settings("http://127.0.0.1:9", cache.path()) });
    assert_eq!(offline.find(&reference(), Needed::Weights), Some(snapshot.clone()));
    let by_commit = offline.find(&reference().at(COMMIT), Needed::Weights).unwrap();
    assert_eq!(by_commit.folder, snapshot.folder);
    assert_eq!(offline.find(&reference().at("other"), Needed::Weights), None);

    // Again: the hub is asked for its list and nothing more.
    assert_eq!(fetch(&server.address, cache.path()).unwrap(), snapshot);
    assert_eq!(server.asked().len(), asked.len() + 1);
}

#[test]
fn an_architecture_needs_no_weights() {
    let server = Loopback::start(|asked, _| repository().answer(asked));
    let cache = TempDir::new().unwrap();
    let hub = Hub::new(settings(&server.address, cache.path()));
    let snapshot = hub.fetch(&reference(), Needed::Architecture, &mut |_| {}).unwrap();
    assert_eq!(snapshot.files, ["config.json", "vocab.txt"]);
    assert!(ranges(&server).is_empty());
    assert_eq!(hub.find(&reference(), Needed::Weights), None);
    assert!(hub.find(&reference(), Needed::Architecture).is_some());
}

#[test]
fn a_cut_connection_is_resumed_where_it_ended() {
    let server = Loopback::start(|asked, before| {
        let mut answer = repository().answer(asked);
        if is_weights(asked, "GET") && before < 6 {
            answer.cut_after = 100_000;
        }
        answer
    });
    let cache = TempDir::new().unwrap();
    let snapshot = fetch(&server.address, cache.path()).unwrap();
    assert_eq!(std::fs::read(snapshot.folder.join(WEIGHTS)).unwrap(), weights());
    // More cuts than attempts: each gained something, so it went on.
    let expected: Vec<Option<String>> =
        (0..7).map(|n| (n > 0).then(|| format!("bytes={}-", n * 100_000))).collect();
    assert_eq!(ranges(&server), expected);
}

#[test]
fn a_stopped_download_is_resumed_by_the_next_process() {
    let server = Loopback::start(|asked, _| repository().answer(asked));
    let cache = TempDir::new().unwrap();
    let folder = cache.path().join("models--owner--name/blobs");
    std::fs::create_dir_all(&folder).unwrap();
    let incomplete = folder.join(format!("{}.incomplete", sha256(&weights())));
    std::fs::write(&incomplete, &weights()[..70_000]).unwrap();
    fetch(&server.address, cache.path()).unwrap();
    assert_eq!(ranges(&server), [Some("bytes=70000-".to_owned())]);
    assert!(!incomplete.exists());

    // Other bytes than the file's: found out by its digest, then fetched from the start.
    let cache = TempDir::new().unwrap();
    let folder = cache.path().join("models--owner--name/blobs");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{}.incomplete", sha256(&weights()))), [7; 70_000]).unwrap();
    let snapshot = fetch(&server.address, cache.path()).unwrap();
    assert_eq!(std::fs::read(snapshot.folder.join(WEIGHTS)).unwrap(), weights());
    assert_eq!(ranges(&server)[1..], [Some("bytes=70000-".to_owned()), None]);
}

#[test]
fn a_server_that_ignores_ranges_is_read_from_the_start() {
    let server = Loopback::start(|asked, before| {
        let mut answer = repository().answer(asked);
        if is_weights(asked, "GET") {
            answer = Answer::new(200, Vec::new(), weights());
            answer.cut_after = if before == 0 { 200_000 } else { usize::MAX };
        }
        answer
    });
    let cache = TempDir::new().unwrap();
    let snapshot = fetch(&server.address, cache.path()).unwrap();
    assert_eq!(std::fs::read(snapshot.folder.join(WEIGHTS)).unwrap(), weights());
    assert_eq!(ranges(&server), [None, Some("bytes=200000-".to_owned())]);
}

#[test]
fn a_connection_that_is_always_cut_at_the_same_place_is_given_up() {
    let server = Loopback::start(|asked, _| {
        let mut answer = repository().answer(asked);
        if is_weights(asked, "GET") {
            answer = Answer::new(200, Vec::new(), weights());
            answer.cut_after = 200_000;
        }
        answer
    });
    let cache = TempDir::new().unwrap();
    let error = fetch(&server.address, cache.path()).unwrap_err();
    assert!(matches!(&error, HubError::Network { .. }), "{error}");
    assert!(error.to_string().contains("ended after 200000"), "{error}");
    assert_eq!(ranges(&server).len(), ATTEMPTS as usize);
    assert!(blobs(cache.path()).iter().any(|name| name.ends_with(".incomplete")), "what came is kept");
}

#[test]
fn each_refusal_has_its_hint_and_passing_ones_are_tried_again() {
    let refused = |status: u16, code: &'static str| {
        let server = Loopback::start(move |_, _| {
            let words = ("x-error-message", "the hub's own words".to_owned());
            Answer::new(status, vec![("x-error-code", code.to_owned()), words], Vec::new())
        });
        let error = fetch(&server.address, TempDir::new().unwrap().path()).unwrap_err().to_string();
        assert!(error.contains(&format!("status {status} (the hub's own words)")), "{error}");
        assert!(!error.contains("hf_secret"), "{error}");
        (error, server.asked().len())
    };
    for (status, code, hint) in [
        (401, "", "has no access or has expired"),
        (403, "", "accept its conditions"),
        (401, "GatedRepo", "accept its conditions"),
        (404, "RevisionNotFound", "no such revision"),
        (404, "RepoNotFound", "check the spelling"),
    ] {
        let (error, asked) = refused(status, code);
        assert!(error.contains(hint) && asked == 1, "{asked} requests: {error}");
    }
    for (status, hint) in [(500, "try again later"), (503, "try again later"), (429, "how often")] {
        let (error, asked) = refused(status, "");
        assert!(error.contains(hint) && asked == ATTEMPTS as usize, "{asked} requests: {error}");
    }

    let server = Loopback::start(|asked, before| match before {
        0 => Answer::new(429, vec![("retry-after", "1".to_owned())], Vec::new()),
        1 => Answer::new(502, Vec::new(), Vec::new()),
        _ => repository().answer(asked),
    });
    let cache = TempDir::new().unwrap();
    let hub = Hub::new(settings(&server.address, cache.path()));
    hub.fetch(&reference(), Needed::Architecture, &mut |_| {}).unwrap();

    let patient =
        Loopback::start(|_, _| Answer::new(429, vec![("retry-after", "3600".to_owned())], Vec::new()));
    let error = fetch(&patient.address, cache.path()).unwrap_err().to_string();
    assert!(error.contains("429") && patient.asked().len() == 1, "{error}");
}

#[test]
fn wrong_bytes_are_removed_and_an_error() {
    let server = Loopback::start(|asked, _| {
        let mut answer = repository().answer(asked);
        if is_weights(asked, "GET") {
            answer.body[1234] ^= 1;
        }
        answer
    });
    let cache = TempDir::new().unwrap();
    let error = fetch(&server.address, cache.path()).unwrap_err();
    assert!(matches!(&error, HubError::Damaged { what: "sha256", .. }), "{error}");
    assert!(error.to_string().contains(&sha256(&weights())), "{error}");
    assert_eq!(blobs(cache.path()).len(), 2, "{:?}", blobs(cache.path()));
    assert!(!cache.path().join("models--owner--name/refs/main").exists(), "refs are written last");

    // Damage that comes later is found when the digests are asked for.
    let server = Loopback::start(|asked, _| repository().answer(asked));
    let snapshot = fetch(&server.address, cache.path()).unwrap();
    std::fs::write(snapshot.folder.join(WEIGHTS), vec![0; weights().len()]).unwrap();
    let error = snapshot.digests().unwrap_err().to_string();
    assert!(error.contains("is damaged in the cache"), "{error}");
}

#[test]
fn the_token_does_not_follow_a_redirect_to_another_server() {
    let storage = Loopback::start(|_, _| Answer::new(200, Vec::new(), weights()));
    let place = format!("{}/blob?Signature=secret", storage.address);
    let server = Loopback::start(move |asked, _| {
        if asked.path.ends_with(WEIGHTS) {
            let (etag, size) = (sha256(&weights()), weights().len().to_string());
            let announced = [("x-linked-etag", format!("\"{etag}\"")), ("x-linked-size", size)];
            return Answer::new(
                302,
                [vec![("location", place.clone())], announced.to_vec()].concat(),
                Vec::new(),
            );
        }
        if let Some(rest) = asked.path.strip_prefix("/moved") {
            let original = Asked { path: rest.to_owned(), ..asked.clone() };
            return repository().answer(&original);
        }
        if asked.path.ends_with("vocab.txt") {
            let moved = format!("/moved{}", asked.path);
            return Answer::new(307, vec![("location", moved)], Vec::new());
        }
        repository().answer(asked)
    });
    let cache = TempDir::new().unwrap();
    let snapshot = fetch(&server.address, cache.path()).unwrap();
    assert_eq!(std::fs::read(snapshot.folder.join(WEIGHTS)).unwrap(), weights());
    let there = storage.asked();
    assert_eq!(there.len(), 1, "{there:?}");
    assert_eq!((there[0].path.as_str(), there[0].header("authorization")), ("/blob?Signature=secret", None));
    assert!(server.asked().iter().all(|asked| asked.header("authorization").is_some()));
}

#[test]
fn redirects_end() {
    let server = Loopback::start(|asked, _| {
        Answer::new(302, vec![("location", format!("{}x", asked.path))], Vec::new())
    });
    let error = fetch(&server.address, TempDir::new().unwrap().path()).unwrap_err().to_string();
    assert!(error.contains("more than 10 redirects"), "{error}");
    assert_eq!(server.asked().len(), 11);
}

#[test]
fn offline_nothing_is_requested() {
    let server = Loopback::start(|asked, _| repository().answer(asked));
    let cache = TempDir::new().unwrap();
    let hub = Hub::new(HubSettings { offline: true, ..settings(&server.address, cache.path()) });
    let error = hub.fetch(&reference(), Needed::Weights, &mut |_| {}).unwrap_err().to_string();
    assert!(error.contains("HF_HUB_OFFLINE") && error.contains("hf:owner/name"), "{error}");
    assert!(server.asked().is_empty());
}

#[test]
fn a_server_that_is_not_a_hub_is_reported() {
    let page = Loopback::start(|_, _| Answer::new(200, Vec::new(), b"<html>welcome</html>".to_vec()));
    let error = fetch(&page.address, TempDir::new().unwrap().path()).unwrap_err().to_string();
    assert!(error.contains("expected JSON") && error.contains("HF_ENDPOINT"), "{error}");
    let other = Loopback::start(|_, _| Answer::new(200, Vec::new(), b"{\"sha\": \"../../x\"}".to_vec()));
    let error = fetch(&other.address, TempDir::new().unwrap().path()).unwrap_err().to_string();
    assert!(error.contains("expected a commit"), "{error}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = fetch(&format!("http://{closed}"), TempDir::new().unwrap().path()).unwrap_err();
    assert!(matches!(&error, HubError::Network { .. }), "{error}");
}

#[test]
fn two_at_once_fetch_each_file_once() {
    let server = Loopback::start(|asked, _| repository().answer(asked));
    let cache = TempDir::new().unwrap();
    let snapshots: Vec<Snapshot> = std::thread::scope(|scope| {
        let both: Vec<_> =
            (0..2).map(|_| scope.spawn(|| fetch(&server.address, cache.path()).unwrap())).collect();
        both.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(snapshots[0], snapshots[1]);
    assert_eq!(std::fs::read(snapshots[0].folder.join(WEIGHTS)).unwrap(), weights());
    assert_eq!(ranges(&server), [None]);
    assert_eq!(blobs(cache.path()).len(), 3);
}

#[test]
fn split_weights_come_with_all_their_parts() {
    let index = br#"{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}"#;
    let split = || {
        Repository::default()
            .with("config.json", b"{}", &"a".repeat(40))
            .with("model.safetensors.index.json", index, &"b".repeat(40))
            .with("model-1.safetensors", b"one", &sha256(b"one"))
    };
    let server = Loopback::start(move |asked, _| {
        split().with("model-2.safetensors", b"two", &sha256(b"two")).answer(asked)
    });
    let cache = TempDir::new().unwrap();
    let snapshot = fetch(&server.address, cache.path()).unwrap();
    let expected =
        ["config.json", "model.safetensors.index.json", "model-1.safetensors", "model-2.safetensors"];
    assert_eq!(snapshot.files, expected);
    // A part that is gone makes the copy incomplete.
    std::fs::remove_file(snapshot.folder.join("model-2.safetensors")).unwrap();
    let hub = Hub::new(settings(&server.address, cache.path()));
    assert_eq!(hub.find(&reference(), Needed::Weights), None);

    let server = Loopback::start(move |asked, _| split().answer(asked));
    let error = fetch(&server.address, TempDir::new().unwrap().path()).unwrap_err().to_string();
    assert!(error.contains("model-2.safetensors") && error.contains("does not contain"), "{error}");
}

#[test]
fn a_repository_without_a_model_says_what_is_missing() {
    let server = Loopback::start(|asked, _| {
        Repository::default().with("README.md", b"hello", &"a".repeat(40)).answer(asked)
    });
    let error = fetch(&server.address, TempDir::new().unwrap().path()).unwrap_err().to_string();
    assert!(error.starts_with("owner/name: no config.json"), "{error}");
    let server = Loopback::start(|asked, _| {
        Repository::default().with("config.json", b"{}", &"a".repeat(40)).answer(asked)
    });
    let error = fetch(&server.address, TempDir::new().unwrap().path()).unwrap_err().to_string();
    assert!(error.contains("no weights"), "{error}");
}
