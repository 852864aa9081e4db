//! One content of the hub, fetched into a file: resumed where it stopped, checked before it is taken. It does
//! not know what the content is for.

use super::error::HubError;
use super::listing::Announced;
use super::request::{Client, Failed, cut, header, shown, with_patience};
use super::settings::Patience;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use ureq::http::Uri;

/// Bytes read at once.
const CHUNK: usize = 1 << 18;

/// Name and length of a content.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) etag: String,
    pub(super) size: Option<u64>,
}

impl Content {
    /// Asks the hub, which may know better than its list of files.
    pub(super) fn ask(client: &Client<'_>, url: &Uri, announced: &Announced) -> Result<Self, HubError> {
        let response = client.head(url)?;
        let etag = header(&response, "x-linked-etag")
            .or_else(|| header(&response, "etag"))
            .map(|etag| etag.trim().trim_start_matches("W/").trim_matches('"').to_owned())
            .filter(|etag| super::listing::is_etag(etag))
            .or_else(|| announced.etag.clone());
        let number = |name| header(&response, name).and_then(|text| text.trim().parse::<u64>().ok());
        let size = number("x-linked-size")
            .or(announced.size)
            .or_else(|| if response.status().is_success() { number("content-length") } else { None });
        match etag {
            Some(etag) => Ok(Self { etag, size }),
            None => Err(HubError::Answer {
                url: shown(url),
                message: "expected an ETag that names the content, got none\n  hint: is HF_ENDPOINT the address of a hub?"
                    .to_owned(),
            }),
        }
    }

    /// SHA-256 of the content, where its name is one.
    fn sha256(&self) -> Option<&str> {
        (self.etag.len() == 64).then_some(self.etag.as_str())
    }
}

/// Fetches a content into `path`, going on where an earlier attempt stopped; `progress` hears of the bytes
/// that are there. The file is whole, checked and synced afterwards, or there is an error; a file with wrong
/// bytes is removed.
pub(super) fn download(
    client: &Client<'_>,
    url: &Uri,
    content: &Content,
    path: &Path,
    patience: Patience,
    progress: &mut dyn FnMut(u64),
) -> Result<(), HubError> {
    let resumed = fs::metadata(path).is_ok_and(|found| found.len() > 0);
    let fetch = |progress: &mut dyn FnMut(u64)| {
        let mut furthest = fs::metadata(path).map_or(0, |found| found.len());
        with_patience(patience, |gained| {
            attempt(client, url, content, path, &mut |bytes| {
                *gained |= bytes > furthest;
                furthest = furthest.max(bytes);
                progress(bytes);
            })
        })?;
        check(content, path)
    };
    match fetch(progress) {
        // What an earlier process left may be of another kind; the file is gone, so this starts anew.
        Err(HubError::Damaged { .. }) if resumed => fetch(progress),
        other => other,
    }
}

fn attempt(
    client: &Client<'_>,
    url: &Uri,
    content: &Content,
    path: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failed> {
    let io = |error| Failed::Final(HubError::io(path)(error));
    let mut file =
        File::options().create(true).truncate(false).read(true).write(true).open(path).map_err(io)?;
    let mut at = file.seek(SeekFrom::End(0)).map_err(io)?;
    if content.size.is_some_and(|size| at > size) {
        at = 0;
    }
    if at > 0 && content.size == Some(at) {
        progress(at);
        return Ok(());
    }
    let response = client.get_from(url, at)?;
    match response.status().as_u16() {
        206 if header(&response, "content-range").and_then(first_byte) == Some(at) => {}
        206 | 416 => {
            file.set_len(0).map_err(io)?;
            return Err(cut(url, format!("the server cannot go on at byte {at}")));
        }
        _ => at = 0,
    }
    file.set_len(at).map_err(io)?;
    file.seek(SeekFrom::Start(at)).map_err(io)?;
    progress(at);
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; CHUNK];
    loop {
        let n = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) => return Err(cut(url, format!("the connection ended after {at} bytes: {error}"))),
        };
        file.write_all(&buffer[..n]).map_err(io)?;
        at += n as u64;
        progress(at);
        if content.size.is_some_and(|size| at > size) {
            break;
        }
    }
    file.sync_all().map_err(io)?;
    match content.size {
        Some(size) if at < size => Err(cut(url, format!("the connection ended after {at} of {size} bytes"))),
        _ => Ok(()),
    }
}

/// The first byte of `bytes 5-9/10`.
fn first_byte(range: &str) -> Option<u64> {
    range.trim().strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// Length and, where it is known, SHA-256; a file that has others is removed.
fn check(content: &Content, path: &Path) -> Result<(), HubError> {
    let damaged = |what, expected: String, got: String| {
        fs::remove_file(path).map_err(HubError::io(path))?;
        Err(HubError::Damaged { path: path.to_owned(), what, expected, got })
    };
    let length = fs::metadata(path).map_err(HubError::io(path))?.len();
    if let Some(size) = content.size
        && size != length
    {
        return damaged("length", size.to_string(), length.to_string());
    }
    if let Some(expected) = content.sha256() {
        let got = sha256_of_file(path)?;
        if got != expected {
            return damaged("sha256", expected.to_owned(), got);
        }
    }
    Ok(())
}

/// SHA-256 of a file, in hexadecimal digits.
pub(super) fn sha256_of_file(path: &Path) -> Result<String, HubError> {
    let mut file = File::open(path).map_err(HubError::io(path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer).map_err(HubError::io(path))? {
            0 => return Ok(hex::encode(hasher.finalize())),
            n => hasher.update(&buffer[..n]),
        }
    }
}
