//! One repository in the cache that Python's `huggingface_hub` keeps: contents under `blobs`, folders of
//! relative links under `snapshots`, names of commits under `refs`. It reads and writes files and asks nobody.

use super::error::HubError;
use super::listing::{CONFIG, TOKENIZER_FILES, WeightFiles, choose_weights, is_commit, parts_of_index};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folders of one repository.
pub(super) struct RepositoryCache {
    pub(super) root: PathBuf,
    locks: PathBuf,
}

/// What a lock was taken for; it ends with the value, or with the process.
pub(super) struct Lock {
    /// `None` on a file system without locks.
    file: Option<File>,
}

impl Lock {
    /// Whether other processes are really kept out.
    pub(super) fn is_real(&self) -> bool {
        self.file.is_some()
    }
}

impl RepositoryCache {
    pub(super) fn new(cache: &Path, repository: &str) -> Self {
        let name = format!("models--{}", repository.replace('/', "--"));
        Self { root: cache.join(&name), locks: cache.join(".locks").join(name) }
    }

    /// The commit that a revision stands for here.
    pub(super) fn commit(&self, revision: &str) -> Option<String> {
        if is_commit(revision) && self.snapshot(revision).is_dir() {
            return Some(revision.to_owned());
        }
        let commit = fs::read_to_string(self.root.join("refs").join(revision)).ok()?;
        let commit = commit.trim();
        is_commit(commit).then(|| commit.to_owned())
    }

    /// Folder of a commit.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// File of a content.
    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.root.join("blobs").join(etag)
    }

    /// Whether a content is there, in its announced length.
    pub(super) fn has_blob(&self, etag: &str, size: Option<u64>) -> bool {
        fs::metadata(self.blob(etag)).is_ok_and(|found| size.is_none_or(|size| size == found.len()))
    }

    /// Keeps other processes, Python's too, from fetching the same content; calls `waiting` before it waits.
    pub(super) fn lock(&self, name: &str, waiting: impl FnOnce()) -> Result<Lock, HubError> {
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
    pub(super) fn link(&self, commit: &str, name: &str, etag: &str) -> Result<(), HubError> {
        let path = self.snapshot(commit).join(name);
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(HubError::io(folder))?;
        let target = Path::new(&"../".repeat(2 + name.matches('/').count())).join("blobs").join(etag);
        if fs::read_link(&path).is_ok_and(|found| found == target) {
            return Ok(());
        }
        let temporary = temporary_beside(&path);
        let blob = self.blob(etag);
        let made = symlink(&target, &temporary).or_else(|_| {
            let mut copy = File::create(&temporary)?;
            std::io::copy(&mut File::open(&blob)?, &mut copy)?;
            copy.sync_all()
        });
        made.and_then(|()| fs::rename(&temporary, &path)).map_err(HubError::io(&path))
    }

    /// Writes which commit a revision stands for.
    pub(super) fn write_ref(&self, revision: &str, commit: &str) -> Result<(), HubError> {
        if revision == commit || self.commit(revision).as_deref() == Some(commit) {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(HubError::io(folder))?;
        let temporary = temporary_beside(&path);
        let write = || {
            let mut file = File::create(&temporary)?;
            file.write_all(commit.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        write().map_err(HubError::io(&path))
    }
}

/// The names of a model's files in a folder, weights last; `None` when something that is needed is not there.
pub(super) fn model_files(folder: &Path, with_weights: bool) -> Option<Vec<String>> {
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

fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    PathBuf::from(name)
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    // A killed process may have left one of the same name.
    let _ = fs::remove_file(link);
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
