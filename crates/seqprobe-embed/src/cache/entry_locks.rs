//! Locks of an entry: one writer at a time and any number of readers. Also removes what killed writers left.
//!
//! Every lock belongs to an open file and ends with its process, however the process ends. If a file system has no
//! locks, writers may do the same work twice: they store the same verified files, and nothing is lost.

use crate::error::EmbedError;
use seqprobe_files::{is_of_this_machine, is_temporary};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// File that the one writer of an entry locks.
const WRITER: &str = "lock";

/// File that the readers of an entry lock. Its modification time is the time of the last use.
pub(crate) const READERS: &str = "readers";

/// A temporary file of another machine that is older than this is a leftover.
const LEFTOVER_AGE: Duration = Duration::from_secs(24 * 3600);

/// Creates the folder of an entry and waits until no other process computes it. The lock ends when the value is
/// dropped. Leftovers of killed writers are removed.
pub(crate) fn lock(folder: &Path) -> Result<File, EmbedError> {
    let path = folder.join(WRITER);
    loop {
        std::fs::create_dir_all(folder).map_err(|source| EmbedError::io("create", folder, source))?;
        let file = File::create(&path).map_err(|source| EmbedError::io("create", &path, source))?;
        match file.lock() {
            // Without locks, two writers may do the same work twice. What they store is verified in any case.
            Err(error) if has_no_locks(&error) => return Ok(file),
            other => other.map_err(|source| EmbedError::io("lock", &path, source))?,
        }
        // While this process waited, the entry may have been removed with its lock.
        if is_file_at(&file, &path) {
            remove_leftovers(folder)?;
            return Ok(file);
        }
    }
}

/// True when the path still names the open file.
fn is_file_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Marks an entry as being read until the value is dropped, and records the time. `None` when that is not possible:
/// the entry does not exist, or its folder is read-only.
pub(crate) fn hold(folder: &Path) -> Option<File> {
    let path = folder.join(READERS);
    let writable = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = writable.or_else(|_| File::open(&path)).ok()?;
    // The entry can be read without time and lock; they only protect it from removal.
    let _ = file.set_modified(SystemTime::now());
    file.lock_shared().ok()?;
    Some(file)
}

/// Whether an entry may be removed now.
pub(crate) enum Idle {
    /// Yes: no process reads or writes it while these files are locked.
    Yes([File; 2]),
    /// No: another process uses it.
    No,
    /// The file system has no locks.
    Unknown,
}

/// Finds out whether a process uses an entry.
pub(crate) fn idle(folder: &Path) -> Result<Idle, EmbedError> {
    let mut held = Vec::new();
    for name in [WRITER, READERS] {
        let path = folder.join(name);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|source| EmbedError::io("open", &path, source))?;
        match file.try_lock() {
            Ok(()) => held.push(file),
            Err(TryLockError::WouldBlock) => return Ok(Idle::No),
            Err(TryLockError::Error(error)) if has_no_locks(&error) => return Ok(Idle::Unknown),
            Err(TryLockError::Error(source)) => return Err(EmbedError::io("lock", &path, source)),
        }
    }
    Ok(<[File; 2]>::try_from(held).map_or(Idle::Unknown, Idle::Yes))
}

/// True when the file system has no locks, as opposed to a lock that is taken.
fn has_no_locks(error: &Error) -> bool {
    /// `ENOLCK` of Linux: the server of a network file system gives no locks.
    const NO_LOCKS: i32 = 37;
    error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(NO_LOCKS)
}

/// Removes what killed writers left. The caller holds the writer's lock, so no process of this machine is writing. If
/// locks are not shared between machines, a file of another machine may still be in use until it is old. This also
/// holds for files of earlier versions, which named the machine differently.
fn remove_leftovers(folder: &Path) -> Result<(), EmbedError> {
    let failed = |source| EmbedError::io("read", folder, source);
    for item in std::fs::read_dir(folder).map_err(failed)? {
        let item = item.map_err(failed)?;
        let name = item.file_name();
        let name = name.to_string_lossy();
        if is_temporary(&name) && (is_of_this_machine(&name) || is_old(&item)) {
            let path = item.path();
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => other.map_err(|source| EmbedError::io("remove", &path, source))?,
            }
        }
    }
    Ok(())
}

fn is_old(item: &std::fs::DirEntry) -> bool {
    let changed = item.metadata().and_then(|metadata| metadata.modified());
    changed.ok().and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > LEFTOVER_AGE)
}
