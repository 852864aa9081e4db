//! The address of one data file: `hf:datasets/owner/name@revision/path`, or a plain HTTPS address.

use crate::address::is_private_host;
use crate::listing::escaped;
use crate::reference::{HubReference, HubReferenceError};
use crate::weight_files::is_safe_path;
use std::fmt;
use thiserror::Error;
use ureq::http::Uri;

/// The start of the address of a file in a dataset repository of the hub.
pub const DATASET_PREFIX: &str = "hf:datasets/";

/// Where one data file can be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileAddress {
    /// A file of a dataset repository of the hub.
    Hub {
        /// Repository and revision.
        reference: HubReference,
        /// Path in the repository, `/`-separated.
        path: String,
    },
    /// Any other address.
    Web(Uri),
}

/// A text that is not the address of a data file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileAddressError {
    /// Neither `hf:` nor `https:`.
    #[error(
        "{0:?} is not an address that data can be downloaded from\n  hint: write https://…, or hf:datasets/owner/name@revision/path for a file of the Hugging Face hub"
    )]
    Scheme(String),
    /// Plain HTTP can be read and changed on the way.
    #[error(
        "{0:?} is plain http, which is allowed for this machine (localhost) only\n  hint: write https://"
    )]
    PlainHttp(String),
    /// A name or password in the address would be stored with the card.
    #[error("{0:?} contains a user name\n  hint: leave the part before the @ out")]
    UserName(String),
    /// The repository or its revision breaks a rule of the hub.
    #[error(transparent)]
    Reference(#[from] HubReferenceError),
    /// No path, or one that leaves the repository.
    #[error("{0:?} names no file of the repository\n  hint: write hf:datasets/owner/name@revision/path")]
    Path(String),
}

impl FileAddress {
    /// Reads `hf:datasets/owner/name/path`, `hf:datasets/owner/name@revision/path` or `https://…`. A revision has no slash,
    /// except `refs/pr/N` and `refs/convert/NAME`. `http://` is allowed for this machine only.
    ///
    /// # Errors
    /// [`FileAddressError`] naming what is wrong.
    pub fn parse(text: &str) -> Result<Self, FileAddressError> {
        if let Some(rest) = text.strip_prefix(DATASET_PREFIX) {
            return Self::parse_hub(text, rest);
        }
        let uri: Uri = text.parse().map_err(|_| FileAddressError::Scheme(text.to_owned()))?;
        let Some(host) = uri.host().filter(|host| !host.is_empty()) else {
            return Err(FileAddressError::Scheme(text.to_owned()));
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(FileAddressError::UserName(text.to_owned()));
        }
        match uri.scheme_str() {
            Some("https") => Ok(Self::Web(uri)),
            Some("http") if is_this_machine(host) => Ok(Self::Web(uri)),
            Some("http") => Err(FileAddressError::PlainHttp(text.to_owned())),
            _ => Err(FileAddressError::Scheme(text.to_owned())),
        }
    }

    fn parse_hub(text: &str, rest: &str) -> Result<Self, FileAddressError> {
        let no_path = || FileAddressError::Path(text.to_owned());
        let parts: Vec<&str> = rest.split('/').collect();
        let [owner, name, rest @ ..] = parts.as_slice() else { return Err(no_path()) };
        let (repository, rest) = match (name.ends_with("@refs"), rest) {
            (true, [kind @ ("pr" | "convert"), which, path @ ..]) => {
                (format!("{owner}/{name}/{kind}/{which}"), path)
            }
            _ => (format!("{owner}/{name}"), rest),
        };
        let reference = HubReference::parse(&repository)?;
        let path = rest.join("/");
        if !is_safe_path(&path) {
            return Err(no_path());
        }
        Ok(Self::Hub { reference, path })
    }

    /// The address to request; `endpoint` is that of the hub.
    pub(crate) fn url(&self, endpoint: &str) -> String {
        match self {
            Self::Hub { reference, path } => format!(
                "{endpoint}/datasets/{}/resolve/{}/{}",
                reference.repository(),
                escaped(reference.revision(), false),
                escaped(path, true)
            ),
            Self::Web(uri) => uri.to_string(),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => is_private_host(host),
    }
}

impl fmt::Display for FileAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub { reference, path } => {
                let reference = reference.to_string();
                let repository = reference.strip_prefix("hf:").unwrap_or(&reference);
                write!(formatter, "{DATASET_PREFIX}{repository}/{path}")
            }
            Self::Web(uri) => write!(formatter, "{uri}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_hub_have_a_repository_a_revision_and_a_path() {
        for (text, url) in [
            ("hf:datasets/o/n/H3/train.fna", "E/datasets/o/n/resolve/main/H3/train.fna"),
            ("hf:datasets/o/n@v1.0/a b.csv", "E/datasets/o/n/resolve/v1.0/a%20b.csv"),
            (
                "hf:datasets/o/n@refs/convert/parquet/x/0.parquet",
                "E/datasets/o/n/resolve/refs%2Fconvert%2Fparquet/x/0.parquet",
            ),
            ("hf:datasets/o/n@refs/pr/1/x.csv", "E/datasets/o/n/resolve/refs%2Fpr%2F1/x.csv"),
        ] {
            let address = FileAddress::parse(text).unwrap();
            assert_eq!(address.url("E"), url);
            assert_eq!(address.to_string(), text);
        }
        let web = FileAddress::parse("https://example.org/a.csv?download=1").unwrap();
        assert_eq!(web.url("E"), "https://example.org/a.csv?download=1");
        assert!(FileAddress::parse("http://127.0.0.1:8000/a.csv").is_ok());
        assert!(FileAddress::parse("http://[::1]:8000/a.csv").is_ok());
    }

    #[test]
    fn other_texts_are_refused_with_a_reason() {
        for (text, reason) in [
            ("hf:datasets/o/n", "names no file"),
            ("hf:datasets/o/n@main/../x", "names no file"),
            ("hf:datasets/o/n@main/", "names no file"),
            ("hf:datasets/o", "names no file"),
            ("hf:datasets/o/n e/x", "made of"),
            ("hf:o/n/x", "not an address"),
            ("ftp://example.org/x", "not an address"),
            ("/data/x", "not an address"),
            ("x.csv", "not an address"),
            ("http://example.org/x", "plain http"),
            ("http://10.0.0.1/x", "plain http"),
            ("https://me:word@example.org/x", "user name"),
        ] {
            let error = FileAddress::parse(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
