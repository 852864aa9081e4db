//! Why a model could not be taken from the hub or its cache.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a model could not be taken from the hub or its cache. No message holds a token or the signature of
/// an address.
#[derive(Debug, Error)]
pub enum HubError {
    /// An environment variable, or a file it names, that makes no sense.
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
    /// The hub said no.
    #[error("{url}: status {status}{}\n  hint: {hint}", said(.message))]
    Status {
        /// Address, without its query.
        url: String,
        /// HTTP status.
        status: u16,
        /// The hub's own words, where it has some.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A redirect that is not followed.
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
    /// An answer that is not what the hub sends.
    #[error("{url}: {message}")]
    Answer {
        /// Address, without its query.
        url: String,
        /// What was expected and what came.
        message: String,
    },
    /// A repository without what a model needs.
    #[error("{repository}: {message}")]
    Files {
        /// `owner/name`.
        repository: String,
        /// What is missing, with a hint.
        message: String,
    },
    /// Bytes that are not those the hub announced.
    #[error(
        "{path}: {what} is {got}, expected {expected}\n  hint: the file was removed, run again; if it comes again, something between here and the hub changes files"
    )]
    Damaged {
        /// The file that was removed.
        path: PathBuf,
        /// `length` or `sha256`.
        what: &'static str,
        /// What was announced.
        expected: String,
        /// What came.
        got: String,
    },
}

impl HubError {
    /// An [`HubError::Io`] for `map_err`.
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

fn space_hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => {
            "\n  hint: make room or let HF_HUB_CACHE name a folder on a larger disk; what came so far is kept and the download goes on from there"
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "\n  hint: let HF_HUB_CACHE name a folder you may write to"
        }
        _ => "",
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}
