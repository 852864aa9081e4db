//! One file content of the hub or of another server, downloaded into a file: resumed where it stopped, and checked before it is used.

use crate::error::HubError;
use crate::listing::Announced;
use crate::request::{Client, Range, header, interrupted, shown};
use crate::retry::{Failed, RetryPolicy, with_retries};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use ureq::http::Uri;

/// Bytes read at once.
const CHUNK: usize = 1 << 18;

/// What is known of a content before it is downloaded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    /// The hub's name of it.
    pub(crate) etag: String,
    pub(crate) size: Option<u64>,
    /// SHA-256 that it must have.
    pub(crate) sha256: Option<String>,
}

impl Content {
    /// Requests name and length from the hub; they are more reliable than those of its list of files.
    pub(crate) fn ask(client: &Client<'_>, url: &Uri, announced: &Announced) -> Result<Self, HubError> {
        let response = client.head(url)?;
        let etag = header(&response, "x-linked-etag")
            .or_else(|| header(&response, "etag"))
            .map(|etag| etag.trim().trim_start_matches("W/").trim_matches('"').to_owned())
            .filter(|etag| crate::listing::is_etag(etag))
            .or_else(|| announced.etag.clone());
        let number = |name| header(&response, name).and_then(|text| text.trim().parse::<u64>().ok());
        let size = number("x-linked-size")
            .or(announced.size)
            .or_else(|| if response.status().is_success() { number("content-length") } else { None });
        match etag {
            Some(etag) => {
                let sha256 = (etag.len() == 64).then(|| etag.clone());
                Ok(Self { etag, size, sha256 })
            }
            None => Err(HubError::Answer {
                url: shown(url),
                message: "expected an ETag that names the content, got none\n  hint: is HF_ENDPOINT the address of a hub?"
                    .to_owned(),
            }),
        }
    }
}

/// Downloads a content into `path` and continues where an earlier attempt stopped. `progress` is called with the number
/// of bytes in the file. Afterwards the file is complete, checked and synced, or there is an error. A file with wrong
/// bytes is removed.
pub(crate) fn download(
    client: &Client<'_>,
    url: &Uri,
    content: &Content,
    path: &Path,
    retries: RetryPolicy,
    progress: &mut dyn FnMut(u64),
) -> Result<(), HubError> {
    let resumed = fs::metadata(path).is_ok_and(|found| found.len() > 0);
    let fetch = |progress: &mut dyn FnMut(u64)| {
        let mut version = None;
        let mut furthest = fs::metadata(path).map_or(0, |found| found.len());
        with_retries(retries, |gained| {
            attempt(client, url, content, path, &mut version, &mut |bytes| {
                *gained |= bytes > furthest;
                furthest = furthest.max(bytes);
                progress(bytes);
            })
        })?;
        check(content, path)
    };
    match fetch(progress) {
        // An earlier process may have left other bytes. The file is removed by now, so this starts from byte 0.
        Err(HubError::Damaged { .. }) if resumed => fetch(progress),
        other => other,
    }
}

fn attempt(
    client: &Client<'_>,
    url: &Uri,
    content: &Content,
    path: &Path,
    version: &mut Option<String>,
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
    let response = client.get(url, Range { from: at, of_version: version.as_deref() })?;
    match response.status().as_u16() {
        206 if header(&response, "content-range").and_then(first_byte) == Some(at) => {}
        206 | 416 => {
            file.set_len(0).map_err(io)?;
            return Err(interrupted(url, &format_args!("the server cannot continue at byte {at}")));
        }
        _ => at = 0,
    }
    *version = header(&response, "etag").filter(|etag| etag.starts_with('"')).map(str::to_owned);
    let rest = header(&response, "content-length").and_then(|text| text.trim().parse::<u64>().ok());
    let size = content.size.or_else(|| Some(at + rest?));
    file.set_len(at).map_err(io)?;
    file.seek(SeekFrom::Start(at)).map_err(io)?;
    progress(at);
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; CHUNK];
    loop {
        let n = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) => {
                let message = format_args!("the connection ended after {at} bytes: {error}");
                return Err(interrupted(url, &message));
            }
        };
        file.write_all(&buffer[..n]).map_err(io)?;
        at += n as u64;
        progress(at);
        if size.is_some_and(|size| at > size) {
            break;
        }
    }
    file.sync_all().map_err(io)?;
    match size {
        Some(size) if at < size => {
            Err(interrupted(url, &format_args!("the connection ended after {at} of {size} bytes")))
        }
        _ => Ok(()),
    }
}

/// Returns the first byte of a range like `bytes 5-9/10`.
fn first_byte(range: &str) -> Option<u64> {
    range.trim().strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// Checks the length and, where it is known, the SHA-256. A file that does not match is removed.
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
    if let Some(expected) = &content.sha256 {
        let got = sha256_of_file(path)?;
        if !got.eq_ignore_ascii_case(expected) {
            return damaged("sha256", expected.clone(), got);
        }
    }
    Ok(())
}

/// Returns the SHA-256 of a file in hexadecimal digits.
pub(crate) fn sha256_of_file(path: &Path) -> Result<String, HubError> {
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
