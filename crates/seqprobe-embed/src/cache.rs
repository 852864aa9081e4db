//! The embedding cache: verified, immutable entries, each addressed by the digest of its key.
//!
//! Only this folder knows the files of an entry. It runs no model.

pub mod damage;
pub(crate) mod distinct;
pub mod embedding_cache;
pub(crate) mod entry;
pub(crate) mod entry_locks;
pub mod key;
pub mod maintenance;
pub(crate) mod reuse;
mod shard_read;
pub(crate) mod shard_write;
pub mod stored;
mod stored_entry;
pub(crate) mod tensor_file;
pub(crate) mod usage;
