//! Representations, pooling and the embedding cache.
//!
//! Three ways lead to a [`seqprobe_core::FeatureSource`]: [`plain`] makes values from the letters when they
//! are read (one-hot, k-mers, composition); [`extract()`] runs a frozen model once over the distinct
//! sequences, pools its hidden states and stores them in an [`EmbeddingCache`], from which they are read
//! back verified; [`imported`] reads vectors that somebody else computed and joins them by example id. Only this room touches the cache. It does not fit anything, knows no dataset card and
//! downloads nothing.

pub mod adapters;
mod atomic_file;
pub mod cache;
pub mod chained;
mod compute;
mod distinct;
mod entry;
mod entry_locks;
pub mod error;
pub mod estimate;
pub mod export;
pub mod extract;
mod forward;
pub mod imported;
pub mod key;
pub mod kmer;
pub mod live;
pub mod maintenance;
pub mod onehot;
pub mod plain;
mod pool;
mod read_rows;
mod reuse;
mod shard_read;
mod shard_write;
pub mod stored;
mod stored_entry;
mod tensor_file;
mod tokens;
mod usage;
pub mod window;
mod write_beside;

pub use adapters::{BoxedSource, Flattened, PooledTokens};
pub use cache::EmbeddingCache;
pub use chained::ChainedFeatures;
pub use error::EmbedError;
pub use estimate::{Estimate, estimate};
pub use export::{EXPORT_FORMATS, export_features};
pub use extract::{
    Extraction, ExtractionOptions, ExtractionProgress, ExtractionReport, Interrupted, batch_tokens, extract,
};
pub use imported::{IMPORT_FORMATS, IdsFrom, ImportRequest, ImportedEmbeddings, ImportedFeatures};
pub use key::{EntryKey, ExtractionSpec, ReverseComplement, Truncate, check_pooling};
pub use kmer::{Composition, KmerFrequencies};
pub use live::LiveFeatures;
pub use maintenance::{
    EntrySummary, Removal, cache_list, cache_verify, remove_entry, remove_leftover_entries,
};
pub use onehot::OneHot;
pub use plain::{PLAIN_REPRESENTATIONS, PlainEntry, PlainRepresentation};
pub use stored::StoredFeatures;
pub use window::Window;
