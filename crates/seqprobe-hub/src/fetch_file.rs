//! One data file, downloaded to a path that the caller chooses.

use crate::download::{Content, download, sha256_of_file};
use crate::error::HubError;
use crate::file_address::FileAddress;
use crate::hub::{Hub, Progress};
use crate::listing::Announced;
use crate::request::{self, Client};
use std::fs::{self, File, TryLockError};
use std::path::Path;

/// A data file that has been downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

impl Hub {
    /// Downloads a data file to `path`, which must not exist; its folder is made. With `sha256` the file must have this
    /// digest, and an interrupted download is continued by the next call. Without it, the next call starts again, because
    /// the file may have changed at its address. The file appears complete or not at all. If another process downloads
    /// the same file to the same path, this one waits for it.
    ///
    /// # Errors
    /// [`HubError`] if downloads are forbidden, the server refuses or cannot be reached, the digest is another one, or the
    /// disk is full.
    pub fn fetch_file(
        &self,
        address: &FileAddress,
        sha256: Option<&str>,
        path: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<FetchedFile, HubError> {
        let settings = self.settings();
        if settings.offline {
            return Err(HubError::OfflineFile { address: address.to_string() });
        }
        let url = request::parse(&address.url(&settings.endpoint))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder).map_err(HubError::data_io(folder))?;
        let incomplete = path.with_file_name(format!(".{name}.incomplete"));
        let _lock = lock(&incomplete, || progress(Progress::Waiting { file: &name }))?;
        if !path.exists() {
            if sha256.is_none() {
                File::create(&incomplete).map_err(HubError::data_io(&incomplete))?;
            }
            let client = Client::of(settings, url.clone())?;
            let mut content = match address {
                FileAddress::Hub { .. } => Content::ask(&client, &url, &Announced::default())?,
                FileAddress::Web(_) => Content::default(),
            };
            if let Some(expected) = sha256 {
                // What the hub announces is not asked for: the card decides.
                content.sha256 = Some(expected.to_owned());
            }
            let size = content.size;
            download(&client, &url, &content, &incomplete, settings.retries, &mut |bytes| {
                progress(Progress::Bytes { file: &name, bytes, total: size });
            })
            .map_err(|error| about_data(error, address))?;
            fs::rename(&incomplete, path).map_err(HubError::data_io(path))?;
        } else {
            // Another process finished it. This file is empty, or there is none.
            let _ = fs::remove_file(&incomplete);
        }
        let bytes = fs::metadata(path).map_err(HubError::data_io(path))?.len();
        let got = sha256_of_file(path)?;
        match sha256 {
            Some(expected) if !got.eq_ignore_ascii_case(expected) => Err(HubError::OtherDigest {
                address: address.to_string(),
                expected: expected.to_owned(),
                got,
            }),
            _ => Ok(FetchedFile { bytes, sha256: got }),
        }
    }
}

/// The error of a download, with the hint that fits a data file.
fn about_data(error: HubError, address: &FileAddress) -> HubError {
    match error {
        HubError::Io { path, source } => HubError::DataIo { path, source },
        HubError::Damaged { what: "sha256", expected, got, .. } => {
            HubError::OtherDigest { address: address.to_string(), expected, got }
        }
        other => other,
    }
}

/// Locks the incomplete file as long as the result exists; a file system without locks locks nothing.
fn lock(incomplete: &Path, waiting: impl FnOnce()) -> Result<File, HubError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(incomplete)
        .map_err(HubError::data_io(incomplete))?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        waiting();
        // Where this fails there are no locks; then two downloads may disturb each other, and the digest shows it.
        let _ = file.lock();
    }
    Ok(file)
}
