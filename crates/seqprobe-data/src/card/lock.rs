//! `datasets.lock`: the digests of files whose cards state none. A file is taken once; from then on it must have the
//! digest that it had then. The lock file is in the data folder below which the files are.

use crate::error::DataError;
use seqprobe_core::parse_toml;
use seqprobe_files::write_whole;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Name of the lock file in a data folder.
pub const LOCK_FILE: &str = "datasets.lock";

/// The format this version reads and writes.
const SCHEMA: u32 = 1;

const HEADER: &str = "\
# Digests of files whose cards state none, written by `seqprobe data fetch`. A file must have the digest that is here.
# To take another version of a file, remove its entry and the file, and fetch it again.
";

/// The lock file of one data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataLock {
    schema: u32,
    #[serde(default, rename = "file")]
    files: Vec<LockedFile>,
}

/// One file and its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFile {
    /// Path below the data folder, as in the card.
    pub path: String,
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
    /// Where it was downloaded; `None` for a file that was there already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl DataLock {
    /// Reads the lock file of a folder; an empty one where there is none.
    ///
    /// # Errors
    /// [`DataError`] when the file is there and cannot be read, or has another format.
    pub fn read(folder: &Path) -> Result<Self, DataError> {
        let path = folder.join(LOCK_FILE);
        let text = match super::read_settings(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { schema: SCHEMA, files: Vec::new() });
            }
            Err(source) => return Err(DataError::io(&path, source)),
        };
        let lock: Self = parse_toml(&text, &path.display().to_string())?;
        if lock.schema != SCHEMA {
            let message =
                format!("unknown schema {}\n  hint: this version reads schema = {SCHEMA}", lock.schema);
            return Err(DataError::file(&path, message));
        }
        Ok(lock)
    }

    /// The digest of a path.
    pub fn sha256(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.sha256.as_str())
    }

    /// Adds a file, in the place of an earlier entry of its path, and writes the lock file of a folder. Other entries are
    /// read again before, because another process may have added some.
    ///
    /// # Errors
    /// [`DataError`] when the file cannot be read or written.
    pub fn add(folder: &Path, file: LockedFile) -> Result<(), DataError> {
        let mut lock = Self::read(folder)?;
        lock.files.retain(|other| other.path != file.path);
        lock.files.push(file);
        lock.files.sort_by(|left, right| left.path.cmp(&right.path));
        let path = folder.join(LOCK_FILE);
        let text =
            toml::to_string_pretty(&lock).map_err(|error| DataError::file(&path, error.to_string()))?;
        Ok(write_whole(&path, format!("{HEADER}\n{text}").as_bytes())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_keeps_one_digest_per_path() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(DataLock::read(folder.path()).unwrap().sha256("a/b.csv"), None);
        let file = |path: &str, digit: &str| LockedFile {
            path: path.to_owned(),
            sha256: digit.repeat(64),
            bytes: 3,
            url: None,
        };
        for (path, digit) in [("b.csv", "1"), ("a/b.csv", "2"), ("b.csv", "3")] {
            DataLock::add(folder.path(), file(path, digit)).unwrap();
        }
        let lock = DataLock::read(folder.path()).unwrap();
        assert_eq!(lock.files, [file("a/b.csv", "2"), file("b.csv", "3")]);
        assert_eq!(lock.sha256("b.csv"), Some("3".repeat(64).as_str()));
        std::fs::write(folder.path().join(LOCK_FILE), "schema = 2\n").unwrap();
        assert!(DataLock::read(folder.path()).unwrap_err().to_string().contains("schema = 1"));
    }
}
