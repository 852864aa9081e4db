//! Getting the files of a dataset card: downloaded by the hub client, checked, and held to one digest from then on.

use crate::error::StudyError;
use crate::events::{StudyEvent, StudyEvents};
use seqprobe_data::{Card, DataError, DataFolders, DataLock, FoundFile, LockedFile, NamedFile};
use seqprobe_models::hub::{FileAddress, Hub};
use std::path::{Path, PathBuf};

/// One file of a card and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Its path in the card.
    pub path: String,
    /// What became of it.
    pub state: DataFileState,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataFileState {
    /// It is here and has its digest.
    Here {
        /// Where it is.
        at: PathBuf,
    },
    /// It was here without a digest; its digest is in the lock file now.
    Locked {
        /// Where it is.
        at: PathBuf,
        /// SHA-256, 64 hexadecimal digits.
        sha256: String,
        /// The folder of the lock file.
        folder: PathBuf,
    },
    /// It is here and has no digest yet; only [`check_files`] leaves it so.
    NoDigest {
        /// Where it is.
        at: PathBuf,
    },
    /// It was downloaded and has its digest.
    Downloaded {
        /// Where it is.
        at: PathBuf,
        /// Bytes.
        bytes: u64,
        /// SHA-256, 64 hexadecimal digits.
        sha256: String,
        /// The folder of the lock file, where the digest was written to it.
        locked_in: Option<PathBuf>,
    },
    /// It is not here.
    Absent {
        /// Where it can be downloaded; `None` where the card has no address.
        url: Option<String>,
    },
}

/// Gets the files of a card that are not in the card's folder or the data folders, into the folder `into`. Files that are
/// here are compared with their digest and never replaced. A file without a digest in the card gets one in the lock
/// file of its folder. A file without an address stays [`DataFileState::Absent`].
///
/// # Errors
/// [`StudyError::Data`] for a file with another digest or a lock file that cannot be used, [`StudyError::FetchData`] for
/// an address that cannot be used and for errors of the download.
pub fn fetch_files(
    card: &Card,
    folders: &DataFolders,
    into: &Path,
    hub: &Hub,
    events: &mut dyn StudyEvents,
) -> Result<Vec<DataFile>, StudyError> {
    let get = |file: NamedFile<'_>| match look_up(card, folders, file)? {
        Some(found) => adopt(file, &found, into),
        None => match file.url {
            Some(url) => download(file, url, folders, into, hub, events),
            None => Ok(DataFileState::Absent { url: None }),
        },
    };
    each_file(card, get)
}

/// Compares the files of a card that are here with their digests. Nothing is downloaded or written.
///
/// # Errors
/// [`StudyError::Data`] for a file with another digest or a lock file that cannot be used.
pub fn check_files(card: &Card, folders: &DataFolders) -> Result<Vec<DataFile>, StudyError> {
    each_file(card, |file| match look_up(card, folders, file)? {
        Some(found) if found.sha256.is_some() => checked(&found),
        Some(found) => Ok(DataFileState::NoDigest { at: found.path }),
        None => Ok(DataFileState::Absent { url: file.url.map(str::to_owned) }),
    })
}

fn each_file(
    card: &Card,
    mut state_of: impl FnMut(NamedFile<'_>) -> Result<DataFileState, StudyError>,
) -> Result<Vec<DataFile>, StudyError> {
    let mut files: Vec<DataFile> = Vec::new();
    for file in card.named_files() {
        if files.iter().all(|known| known.path != file.path) {
            files.push(DataFile { path: file.path.to_owned(), state: state_of(file)? });
        }
    }
    Ok(files)
}

fn look_up(card: &Card, folders: &DataFolders, file: NamedFile<'_>) -> Result<Option<FoundFile>, StudyError> {
    match folders.look_up(card, file) {
        Ok(found) => Ok(Some(found)),
        Err(DataError::NotHere { .. }) => Ok(None),
        Err(error) => Err(StudyError::Data(error)),
    }
}

fn checked(found: &FoundFile) -> Result<DataFileState, StudyError> {
    found.check().map_err(StudyError::Data)?;
    Ok(DataFileState::Here { at: found.path.clone() })
}

/// A file that is here: checked, or its digest taken.
fn adopt(file: NamedFile<'_>, found: &FoundFile, into: &Path) -> Result<DataFileState, StudyError> {
    if found.sha256.is_some() {
        return checked(found);
    }
    let (sha256, bytes) = found.digest().map_err(StudyError::Data)?;
    let entry = LockedFile { path: file.path.to_owned(), sha256: sha256.clone(), bytes, url: None };
    // The folder of a shared dataset may be read-only; then the lock file is where downloads would go.
    let folder = match DataLock::add(&found.folder, entry.clone()) {
        Ok(()) => found.folder.clone(),
        Err(DataError::Write(_)) if found.folder != into => {
            lock(into, entry)?;
            into.to_owned()
        }
        Err(error) => return Err(StudyError::Data(error)),
    };
    Ok(DataFileState::Locked { at: found.path.clone(), sha256, folder })
}

fn download(
    file: NamedFile<'_>,
    url: &str,
    folders: &DataFolders,
    into: &Path,
    hub: &Hub,
    events: &mut dyn StudyEvents,
) -> Result<DataFileState, StudyError> {
    let failed = |message: String| StudyError::FetchData { path: file.path.to_owned(), message };
    let address = FileAddress::parse(url).map_err(|error| failed(error.to_string()))?;
    let locked = locked_digest(file.path, folders, into)?;
    let expected = file.sha256.or(locked.as_deref());
    let at = into.join(file.path);
    let fetched = hub
        .fetch_file(&address, expected, &at, &mut |progress| events.event(StudyEvent::Download(progress)))
        .map_err(|error| failed(error.to_string()))?;
    let locked_in = match expected {
        Some(_) => None,
        None => {
            lock(
                into,
                LockedFile {
                    path: file.path.to_owned(),
                    sha256: fetched.sha256.clone(),
                    bytes: fetched.bytes,
                    url: Some(address.to_string()),
                },
            )?;
            Some(into.to_owned())
        }
    };
    Ok(DataFileState::Downloaded { at, bytes: fetched.bytes, sha256: fetched.sha256, locked_in })
}

/// The digest that a path had before, in the lock file of any of the folders.
fn locked_digest(path: &str, folders: &DataFolders, into: &Path) -> Result<Option<String>, StudyError> {
    for folder in folders.folders.iter().map(PathBuf::as_path).chain([into]) {
        let lock = DataLock::read(folder).map_err(StudyError::Data)?;
        if let Some(sha256) = lock.sha256(path) {
            return Ok(Some(sha256.to_owned()));
        }
    }
    Ok(None)
}

fn lock(folder: &Path, file: LockedFile) -> Result<(), StudyError> {
    std::fs::create_dir_all(folder).map_err(|error| StudyError::io(folder, error))?;
    DataLock::add(folder, file).map_err(StudyError::Data)
}
