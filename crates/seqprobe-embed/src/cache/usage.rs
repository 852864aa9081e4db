//! Notes on the use of an entry: for which dataset or file, and when last. They are in no key and no digest.

use crate::cache::entry_locks::READERS;
use seqprobe_core::Digest;
use seqprobe_files::write_whole;
use std::path::Path;
use std::time::SystemTime;

/// Folder of the notes, one small file per user.
pub(crate) const USERS: &str = "users";

/// Records a user. A failure is ignored: a read-only cache can still be read.
pub(crate) fn note_user(folder: &Path, user: Option<&str>) {
    let Some(user) = user else { return };
    let users = folder.join(USERS);
    let path = users.join(format!("{}.txt", Digest::of_bytes(user.as_bytes()).short()));
    if !path.exists() && std::fs::create_dir_all(&users).is_ok() {
        let _ = write_whole(&path, user.as_bytes());
    }
}

/// All recorded users, in the order of their names.
pub(crate) fn users(folder: &Path) -> Vec<String> {
    let Ok(listing) = std::fs::read_dir(folder.join(USERS)) else { return Vec::new() };
    let files = listing.flatten().map(|item| item.path());
    let texts = files.filter(|path| path.extension().is_some_and(|ending| ending == "txt"));
    let mut users: Vec<String> = texts.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    users.sort();
    users
}

/// When an entry was last opened; `None` when that is not known.
pub(crate) fn last_used(folder: &Path) -> Option<SystemTime> {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|found| found.modified()).ok();
    changed(&folder.join(READERS)).or_else(|| changed(folder))
}
