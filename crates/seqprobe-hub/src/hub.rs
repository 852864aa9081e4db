//! A hub and its cache: finding a model in the cache, fetching what is missing, and the folder that results.

use crate::cache::{RepositoryCache, model_files};
use crate::download::{Content, download, sha256_of_file};
use crate::error::HubError;
use crate::listing::{Announced, Listing, escaped};
use crate::reference::HubReference;
use crate::request::{self, Client};
use crate::settings::HubSettings;
use crate::weight_files::{WeightFiles, WrongIndex, parts_of_index};
use std::path::PathBuf;

/// A hub and its cache on this machine.
pub struct Hub {
    settings: HubSettings,
}

/// Which files of a model are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Settings and tokenizer: enough for random weights.
    Architecture,
    /// The weights too.
    Weights,
}

/// The progress of a download.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Another process is fetching the same file, and this one waits for it.
    Waiting {
        /// The file.
        file: &'a str,
    },
    /// Some bytes of a file have been downloaded.
    Bytes {
        /// The file.
        file: &'a str,
        /// Bytes so far.
        bytes: u64,
        /// The size of the file, where the hub announces it.
        total: Option<u64>,
    },
}

/// A model's folder in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The folder, in Hugging Face layout.
    pub folder: PathBuf,
    /// `owner/name`.
    pub repository: String,
    /// The revision that was requested.
    pub revision: String,
    /// The commit of that revision.
    pub commit: String,
    /// The model's files in it, weights last.
    pub files: Vec<String>,
}

/// A file of a snapshot and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDigest {
    /// Name in the folder.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

impl Hub {
    /// Creates a hub from its settings. Nothing is read or requested yet.
    pub fn new(settings: HubSettings) -> Self {
        Self { settings }
    }

    /// The settings.
    pub fn settings(&self) -> &HubSettings {
        &self.settings
    }

    /// Returns a model's folder in the cache; `None` if the revision or a needed file is missing. No request is sent: a
    /// branch means the commit that it was when it was fetched.
    pub fn find(&self, reference: &HubReference, needed: Needed) -> Option<Snapshot> {
        let cache = RepositoryCache::new(&self.settings.cache, reference.repository());
        let commit = cache.commit(reference.revision())?;
        let folder = cache.snapshot(&commit);
        let files = model_files(&folder, needed == Needed::Weights)?;
        Some(Snapshot {
            folder,
            repository: reference.repository().to_owned(),
            revision: reference.revision().to_owned(),
            commit,
            files,
        })
    }

    /// Requests the commit of the revision from the hub and fetches the files that are not in the cache yet. Two
    /// processes may do so at once. An interrupted download is resumed.
    ///
    /// # Errors
    /// [`HubError`] if downloads are forbidden, the hub refuses or cannot be reached, a file is damaged, or the
    /// disk is full.
    pub fn fetch(
        &self,
        reference: &HubReference,
        needed: Needed,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Snapshot, HubError> {
        if self.settings.offline {
            return Err(HubError::Offline {
                reference: reference.to_string(),
                cache: self.settings.cache.clone(),
            });
        }
        let repository = reference.repository();
        let client = Client::new(&self.settings)?;
        let listing = Listing::ask(&client, &self.settings.endpoint, reference)?;
        let mut repository_download = RepositoryDownload {
            settings: &self.settings,
            client: &client,
            repository,
            listing: &listing,
            cache: RepositoryCache::new(&self.settings.cache, repository),
            progress,
        };
        for name in listing.architecture(repository)? {
            repository_download.fetch(&name)?;
        }
        if needed == Needed::Weights {
            match listing.weights(repository)? {
                WeightFiles::Whole(name) => repository_download.fetch(&name)?,
                WeightFiles::Split(index) => repository_download.fetch_parts(&index)?,
            }
        }
        repository_download.finish(reference.revision())?;
        self.find(reference, needed).ok_or_else(|| HubError::Files {
            repository: repository.to_owned(),
            message: "the fetched files are not a complete model".to_owned(),
        })
    }
}

impl Snapshot {
    /// Reads all files and returns their digests. A file whose name in the cache is its SHA-256 is compared with it.
    ///
    /// # Errors
    /// [`HubError::Io`] if a file cannot be read, [`HubError::Files`] if a file does not have the digest of its name.
    pub fn digests(&self) -> Result<Vec<FileDigest>, HubError> {
        self.files
            .iter()
            .map(|name| {
                let path = self.folder.join(name);
                let sha256 = sha256_of_file(&path)?;
                let bytes = std::fs::metadata(&path).map_err(HubError::io(&path))?.len();
                let blob = self.blob(name);
                if let Some(blob) = blob.filter(|blob| blob.len() == 64 && *blob != sha256) {
                    let message = format!(
                        "{name} is damaged in the cache: its sha256 is {sha256}, expected {blob}\n  hint: remove {} and fetch it again",
                        std::fs::canonicalize(&path).unwrap_or(path).display()
                    );
                    return Err(HubError::Files { repository: self.repository.clone(), message });
                }
                Ok(FileDigest { name: name.clone(), bytes, sha256 })
            })
            .collect()
    }

    /// Returns the name of a file's content in the cache: the SHA-256 of a large file, git's digest of a small one.
    pub fn blob(&self, name: &str) -> Option<String> {
        let target = std::fs::read_link(self.folder.join(name)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }
}

/// A download of one repository.
struct RepositoryDownload<'a> {
    settings: &'a HubSettings,
    client: &'a Client<'a>,
    repository: &'a str,
    listing: &'a Listing,
    cache: RepositoryCache,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

impl RepositoryDownload<'_> {
    /// Fetches a file unless its content is in the cache already, and links it into the folder of the commit.
    fn fetch(&mut self, name: &str) -> Result<(), HubError> {
        let announced = self.listing.files.get(name).cloned().unwrap_or_default();
        if let Announced { etag: Some(etag), size: Some(size) } = &announced
            && self.cache.has_blob(etag, Some(*size))
        {
            return self.cache.link(&self.listing.commit, name, etag);
        }
        let url = request::parse(&format!(
            "{}/{}/resolve/{}/{}",
            self.settings.endpoint,
            self.repository,
            self.listing.commit,
            escaped(name, true)
        ))?;
        let content = Content::ask(self.client, &url, &announced)?;
        let lock = self.cache.lock(&content.etag, || (self.progress)(Progress::Waiting { file: name }))?;
        let blob = self.cache.blob(&content.etag);
        if !self.cache.has_blob(&content.etag, content.size) {
            let folder = self.cache.root.join("blobs");
            std::fs::create_dir_all(&folder).map_err(HubError::io(&folder))?;
            let owner = if lock.is_real() { String::new() } else { format!(".{}", std::process::id()) };
            let incomplete = folder.join(format!("{}{owner}.incomplete", content.etag));
            download(self.client, &url, &content, &incomplete, self.settings.retries, &mut |bytes| {
                (self.progress)(Progress::Bytes { file: name, bytes, total: content.size });
            })?;
            std::fs::rename(&incomplete, &blob).map_err(HubError::io(&blob))?;
        }
        self.cache.link(&self.listing.commit, name, &content.etag)
    }

    /// Fetches an index and the parts that it names.
    fn fetch_parts(&mut self, index: &str) -> Result<(), HubError> {
        self.fetch(index)?;
        let path = self.cache.snapshot(&self.listing.commit).join(index);
        let wrong = |error: WrongIndex| HubError::Files {
            repository: self.repository.to_owned(),
            message: format!("{index} {error}"),
        };
        let parts = parts_of_index(&std::fs::read(&path).map_err(HubError::io(&path))?).map_err(wrong)?;
        if let Some(part) = parts.iter().find(|part| !self.listing.files.contains_key(*part)) {
            return Err(wrong(WrongIndex::AbsentPart(part.clone())));
        }
        parts.iter().try_for_each(|part| self.fetch(part))
    }

    /// Records the commit of the revision, after all files have been fetched.
    fn finish(&mut self, revision: &str) -> Result<(), HubError> {
        let _lock = self.cache.lock(&self.listing.commit, || {})?;
        self.cache.write_ref(revision, &self.listing.commit)
    }
}
