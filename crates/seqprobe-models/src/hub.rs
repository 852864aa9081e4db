//! Models from the Hugging Face hub: found in the cache that Python's `huggingface_hub` keeps, else fetched
//! into it, file by file, checked by digest. Only settings, tokenizer files and weights are fetched, never
//! code. It downloads when [`Hub::fetch`] is called and at no other time; who may call it is the caller's
//! decision.

mod address;
mod cache;
mod download;
mod error;
mod listing;
mod request;
mod settings;

pub use error::HubError;
pub use settings::{DEFAULT_ENDPOINT, HubSettings, Patience, Token};

use crate::reference::HubReference;
use cache::{RepositoryCache, model_files};
use download::{Content, download, sha256_of_file};
use listing::{Announced, Listing, WeightFiles, escaped, parts_of_index};
use request::Client;
use std::path::PathBuf;

/// A hub and its cache on this machine.
pub struct Hub {
    settings: HubSettings,
}

/// What of a model is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Settings and tokenizer: enough for random weights.
    Architecture,
    /// Weights too.
    Weights,
}

/// What is being fetched.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Another process fetches the same file; this one waits for it.
    Waiting {
        /// The file.
        file: &'a str,
    },
    /// Bytes of a file are there.
    Bytes {
        /// The file.
        file: &'a str,
        /// Bytes that are there.
        bytes: u64,
        /// All its bytes, where the hub tells them.
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
    /// The revision that was asked for.
    pub revision: String,
    /// The commit it stands for.
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
    /// A hub as the settings say. Nothing is read or asked yet.
    pub fn new(settings: HubSettings) -> Self {
        Self { settings }
    }

    /// The settings.
    pub fn settings(&self) -> &HubSettings {
        &self.settings
    }

    /// A model's folder in the cache; `None` when the revision is not there or something that is needed is
    /// missing. It asks nobody: a branch is the commit it was when it was fetched.
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

    /// Asks the hub which commit the revision is and fetches what is not in the cache yet. Two processes may
    /// do so at once; one that was stopped goes on where it was.
    ///
    /// # Errors
    /// [`HubError`]: offline, refused, not reachable, damaged, or no space.
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
        let mut visit = Visit {
            settings: &self.settings,
            client: &client,
            repository,
            listing: &listing,
            cache: RepositoryCache::new(&self.settings.cache, repository),
            progress,
        };
        for name in listing.architecture(repository)? {
            visit.bring(&name)?;
        }
        if needed == Needed::Weights {
            match listing.weights(repository)? {
                WeightFiles::Whole(name) => visit.bring(&name)?,
                WeightFiles::Split(index) => visit.bring_parts(&index)?,
            }
        }
        visit.finish(reference.revision())?;
        self.find(reference, needed).ok_or_else(|| HubError::Files {
            repository: repository.to_owned(),
            message: "what was fetched does not make a model".to_owned(),
        })
    }
}

impl Snapshot {
    /// Reads all its files. A file whose name in the cache is its SHA-256 is held against it.
    ///
    /// # Errors
    /// [`HubError::Io`] when a file cannot be read, [`HubError::Files`] when one is not what its name says.
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

    /// The name of a file's content in the cache: SHA-256 of a large file, git's digest of a small one.
    pub fn blob(&self, name: &str) -> Option<String> {
        let target = std::fs::read_link(self.folder.join(name)).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }
}

/// Fetching one repository.
struct Visit<'a> {
    settings: &'a HubSettings,
    client: &'a Client<'a>,
    repository: &'a str,
    listing: &'a Listing,
    cache: RepositoryCache,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Visit<'_> {
    /// Fetches a file unless its content is there already, and links it into the commit's folder.
    fn bring(&mut self, name: &str) -> Result<(), HubError> {
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
            download(self.client, &url, &content, &incomplete, self.settings.patience, &mut |bytes| {
                (self.progress)(Progress::Bytes { file: name, bytes, total: content.size });
            })?;
            std::fs::rename(&incomplete, &blob).map_err(HubError::io(&blob))?;
        }
        self.cache.link(&self.listing.commit, name, &content.etag)
    }

    /// Fetches an index and the parts it names.
    fn bring_parts(&mut self, index: &str) -> Result<(), HubError> {
        self.bring(index)?;
        let path = self.cache.snapshot(&self.listing.commit).join(index);
        let wrong = |message: String| HubError::Files {
            repository: self.repository.to_owned(),
            message: format!("{index} {message}"),
        };
        let parts = parts_of_index(&std::fs::read(&path).map_err(HubError::io(&path))?).map_err(wrong)?;
        if let Some(part) = parts.iter().find(|part| !self.listing.files.contains_key(*part)) {
            return Err(wrong(format!("names the part {part:?}, which the repository does not hold")));
        }
        parts.iter().try_for_each(|part| self.bring(part))
    }

    /// Writes which commit the revision is, now that all of it is there.
    fn finish(&mut self, revision: &str) -> Result<(), HubError> {
        let _lock = self.cache.lock(&self.listing.commit, || {})?;
        self.cache.write_ref(revision, &self.listing.commit)
    }
}
