//! Why a model or a data file could not be read from the hub, its cache or another server.

use seqprobe_files::FileError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a model could not be read from the hub or its cache. No message contains a token or the signature of an address.
#[derive(Debug, Error)]
pub enum HubError {
    /// An environment variable, or a file that it names, has a value that cannot be used.
    #[error("{0}")]
    Settings(String),
    /// A file of the cache could not be read or written.
    #[error("{path}: {source}{}", space_hint(.source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The network is switched off and the model is not in the cache.
    #[error(
        "{reference} is not in the cache {cache}, and HF_HUB_OFFLINE is set\n  hint: unset HF_HUB_OFFLINE, or copy the cache of a machine that has the model"
    )]
    Offline {
        /// The model.
        reference: String,
        /// The cache.
        cache: PathBuf,
    },
    /// A data file could not be read or written.
    #[error("{path}: {source}{}", data_space_hint(.source))]
    DataIo {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The network is switched off.
    #[error(
        "{address} is not downloaded: HF_HUB_OFFLINE is set\n  hint: unset HF_HUB_OFFLINE, or copy the file from another machine"
    )]
    OfflineFile {
        /// Where the file is.
        address: String,
    },
    /// A data file is not the one that a card or a lock file names.
    #[error(
        "{address}: wrong SHA-256 digest\n  expected {expected}\n  got      {got}\n  hint: the file at this address is not the one that the card or datasets.lock names; get that version, or check the new one and write its digest there"
    )]
    OtherDigest {
        /// Where the file is.
        address: String,
        /// The digest in the card or the lock file.
        expected: String,
        /// The digest of what was downloaded.
        got: String,
    },
    /// The hub could not be reached, or the connection failed again and again.
    #[error("{url}: {message}\n  hint: {hint}")]
    Network {
        /// Address, without its query.
        url: String,
        /// What failed.
        message: String,
        /// What to do.
        hint: &'static str,
    },
    /// The hub refused the request.
    #[error("{url}: status {status}{}\n  hint: {hint}", said(.message))]
    Status {
        /// Address, without its query.
        url: String,
        /// HTTP status.
        status: u16,
        /// The hub's own message, where it sends one.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A redirect was not followed.
    #[error("{url}: redirect to {target} refused: {reason}\n  hint: {hint}")]
    Redirect {
        /// Address, without its query.
        url: String,
        /// Where it points, without its query.
        target: String,
        /// Why it is not followed.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// An answer is not what a hub sends.
    #[error("{url}: {message}")]
    Answer {
        /// Address, without its query.
        url: String,
        /// What was expected and what was received.
        message: String,
    },
    /// A repository lacks a file that a model needs.
    #[error("{repository}: {message}")]
    Files {
        /// `owner/name`.
        repository: String,
        /// What is missing, with a hint.
        message: String,
    },
    /// The bytes differ from those that the hub announced.
    #[error(
        "{path}: {what} is {got}, expected {expected}\n  hint: the file was removed, run again; if this happens again, a proxy may be modifying downloads"
    )]
    Damaged {
        /// The file that was removed.
        path: PathBuf,
        /// `length` or `sha256`.
        what: &'static str,
        /// What was announced.
        expected: String,
        /// What was received.
        got: String,
    },
}

impl HubError {
    /// An [`HubError::Io`] for `map_err`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// An [`HubError::DataIo`] for `map_err`.
    pub(crate) fn data_io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::DataIo { path: path.to_owned(), source }
    }
}

impl From<FileError> for HubError {
    fn from(error: FileError) -> Self {
        Self::Io { path: error.path, source: error.source }
    }
}

fn space_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => {
            "\n  hint: free some space, or set HF_HUB_CACHE to a folder on a larger disk; the part that was downloaded is kept, and the download continues from there"
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "\n  hint: set HF_HUB_CACHE to a folder that you may write to"
        }
        _ => "",
    }
}

fn data_space_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => {
            "\n  hint: free some space, or give a folder on a larger disk with --data-dir"
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "\n  hint: give a folder that you may write to with --data-dir"
        }
        _ => "",
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}
