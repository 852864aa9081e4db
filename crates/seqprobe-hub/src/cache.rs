//! One repository in the cache that Python's `huggingface_hub` keeps: file contents under `blobs`, folders of
//! relative links under `snapshots`, names of commits under `refs`. It uses no network.

use crate::error::HubError;
use crate::listing::{CONFIG, TOKENIZER_FILES, is_commit};
use crate::weight_files::{WeightFiles, choose_weights, parts_of_index};
use seqprobe_files::{temporary_beside, write_whole, write_whole_with};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The folders of one repository.
pub(crate) struct RepositoryCache {
    pub(crate) root: PathBuf,
    locks: PathBuf,
}

/// A lock on one file content. It ends when the value is dropped or the process ends.
pub(crate) struct Lock {
    /// `None` on a file system without locks.
    file: Option<File>,
}

impl Lock {
    /// Whether other processes are really locked out.
    pub(crate) fn is_real(&self) -> bool {
        self.file.is_some()
    }
}

impl RepositoryCache {
    pub(crate) fn new(cache: &Path, repository: &str) -> Self {
        let name = format!("models--{}", repository.replace('/', "--"));
        Self { root: cache.join(&name), locks: cache.join(".locks").join(name) }
    }

    /// Returns the commit that a revision means in this cache.
    pub(crate) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) && self.snapshot(revision).is_dir() {
            return Some(revision.to_owned());
        }
        let commit = fs::read_to_string(self.root.join("refs").join(revision)).ok()?;
        let commit = commit.trim();
        is_commit(commit).then(|| commit.to_owned())
    }

    /// The folder of a commit.
    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// The file of a content.
    pub(crate) fn blob(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(etag)
    }

    /// Whether a content is in the cache, in its announced length.
    pub(crate) fn has_blob(&self, etag: &str, size: Option<u64>) -> bool {
        fs::metadata(self.blob(etag)).is_ok_and(|found| size.is_none_or(|size| size == found.len()))
    }

    /// Locks a content, so that no other process (Python's library included) fetches it too. Calls `waiting` before it
    /// waits for another process.
    pub(crate) fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<Lock, HubError> {
        let path = self.locks.join(format!("{name}.lock"));
        fs::create_dir_all(&self.locks).map_err(HubError::io(&self.locks))?;
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(HubError::io(&path))?;
        let locked = match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => {
                waiting();
                file.lock().is_ok()
            }
            other => other.is_ok(),
        };
        Ok(Lock { file: locked.then_some(file) })
    }

    /// Puts a content into a commit's folder under its name: a relative link, or a copy where the file system
    /// has no links.
    pub(crate) fn link(&self, commit: &str, name: &str, etag: &str) -> Result<(), HubError> {
        let path = self.snapshot(commit).join(name);
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(HubError::io(folder))?;
        let target = Path::new(&"../".repeat(2 + name.matches('/').count())).join("blobs").join(etag);
        if fs::read_link(&path).is_ok_and(|found| found == target) {
            return Ok(());
        }
        let temporary = temporary_beside(&path);
        let blob = self.blob(etag);
        if symlink(&target, &temporary).is_ok() {
            return fs::rename(&temporary, &path)
                .inspect_err(|_| drop(fs::remove_file(&temporary)))
                .map_err(HubError::io(&path));
        }
        // A copy that is written through an older link would overwrite the content behind it.
        if path.is_symlink() {
            fs::remove_file(&path).map_err(HubError::io(&path))?;
        }
        Ok(write_whole_with(&path, |copy| std::io::copy(&mut File::open(&blob)?, copy).map(drop))?)
    }

    /// Records which commit a revision means.
    pub(crate) fn write_ref(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if revision == commit || self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        Ok(write_whole(&path, commit.as_bytes())?)
    }
}

/// Returns the names of a model's files in a folder, weights last; `None` when a needed file is missing.
pub(crate) fn model_files(folder: &Path, with_weights: bool) -> Option<Vec<String>> {
    let is_there = |name: &str| folder.join(name).is_file();
    if !is_there(CONFIG) {
        return None;
    }
    let mut files: Vec<String> = std::iter::once(&CONFIG)
        .chain(TOKENIZER_FILES)
        .filter(|name| is_there(name))
        .map(|name| (*name).to_owned())
        .collect();
    let entries: Vec<String> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_there(name))
        .collect();
    let names: BTreeSet<&str> = entries.iter().map(String::as_str).collect();
    match choose_weights(&names) {
        Ok(WeightFiles::Whole(name)) => files.push(name),
        Ok(WeightFiles::Split(index)) => {
            let parts = parts_of_index(&fs::read(folder.join(&index)).ok()?).ok()?;
            let complete = parts.iter().all(|part| is_there(part));
            if complete {
                files.push(index);
                files.extend(parts);
            } else if with_weights {
                return None;
            }
        }
        Err(_) if with_weights => return None,
        Err(_) => {}
    }
    Some(files)
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
