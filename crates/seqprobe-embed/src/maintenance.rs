//! What `cache ls` and `cache verify` show. Nothing here changes the cache.

use crate::cache::EmbeddingCache;
use crate::error::EmbedError;
use crate::key::EntryKey;
use std::path::PathBuf;

/// One entry, as its own files describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct EntrySummary {
    /// The folder.
    pub folder: PathBuf,
    /// The key; `None` when `key.json` is missing or unreadable.
    pub key: Option<EntryKey>,
    /// True when the manifest says that all shards are there.
    pub complete: bool,
    /// Rows in finished shards: distinct sequences.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// What is wrong, one sentence each. [`cache_list`] looks at the small files only, [`cache_verify`]
    /// at every byte.
    pub problems: Vec<String>,
}

/// All entries in the order of their names; values are not read.
///
/// # Errors
/// [`EmbedError::Io`] when the cache folder cannot be read.
pub fn cache_list(cache: &EmbeddingCache) -> Result<Vec<EntrySummary>, EmbedError> {
    let _ = cache;
    Ok(Vec::new())
}

/// All entries in the order of their names, every byte compared with its digest.
///
/// # Errors
/// [`EmbedError::Io`] when the cache folder cannot be read; problems of entries are in their summaries.
pub fn cache_verify(cache: &EmbeddingCache) -> Result<Vec<EntrySummary>, EmbedError> {
    let _ = cache;
    Ok(Vec::new())
}
