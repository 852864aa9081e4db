//! The folder of the cache.

use crate::cache::key::{EntryKey, FORMAT_VERSION};
use crate::error::EmbedError;
use std::path::{Path, PathBuf};

/// A cache folder.
#[derive(Clone, Debug)]
pub struct EmbeddingCache {
    bucket: PathBuf,
}

impl EmbeddingCache {
    /// Opens a cache folder and creates it if it is absent. Its entries are in the subfolder `embeddings-v1`, which
    /// is named after the format; entries of other formats are never read.
    ///
    /// # Errors
    /// [`EmbedError::Io`] when the folder cannot be created or is a file.
    pub fn open(folder: &Path) -> Result<Self, EmbedError> {
        let bucket = folder.join(format!("embeddings-v{FORMAT_VERSION}"));
        if !bucket.is_dir() {
            std::fs::create_dir_all(&bucket).map_err(|source| EmbedError::io("create", &bucket, source))?;
        }
        Ok(Self { bucket })
    }

    /// The folder that holds the entries.
    pub fn bucket(&self) -> &Path {
        &self.bucket
    }

    /// The folder of one entry, whether it exists or not.
    pub fn entry_folder(&self, key: &EntryKey) -> PathBuf {
        self.bucket.join(key.digest().short())
    }
}
