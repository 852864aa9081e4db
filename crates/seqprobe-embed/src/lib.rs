//! Representations, pooling and the embedding cache.
//!
//! Three ways lead to a [`seqprobe_core::FeatureSource`]: [`plain`] makes values from the letters when they
//! are read (one-hot, k-mers, composition); [`extract()`] runs a frozen model once over the distinct
//! sequences, pools its hidden states and stores them in an [`EmbeddingCache`], from which they are read
//! back verified; [`imported`] reads vectors that somebody else computed and joins them by example id. Only this room touches the cache. It does not fit anything, knows no dataset card and
//! downloads nothing.

pub mod cache;
pub mod error;
pub mod export;
pub mod extract;
pub mod from_bases;
pub mod imported;
pub mod sources;
pub mod spec;

pub use cache::embedding_cache::EmbeddingCache;
pub use cache::key::EntryKey;
pub use cache::maintenance::{
    EntrySummary, Removal, cache_list, cache_verify, remove_entry, remove_leftover_entries,
};
pub use cache::stored::StoredFeatures;
pub use error::EmbedError;
pub use export::{EXPORT_FORMATS, export_features};
pub use extract::forecast::{Estimate, estimate};
pub use extract::progress::{ExtractionOptions, ExtractionProgress, Interrupted, batch_tokens};
pub use extract::report::ExtractionReport;
pub use extract::{Extraction, extract};
pub use from_bases::kmer::{Composition, KmerFrequencies};
pub use from_bases::onehot::OneHot;
pub use from_bases::{PLAIN_REPRESENTATIONS, PlainEntry, PlainRepresentation};
pub use imported::{IMPORT_FORMATS, IdsFrom, ImportRequest, ImportedEmbeddings, ImportedFeatures};
pub use sources::adapters::{BoxedSource, Flattened, PooledTokens};
pub use sources::chained::ChainedFeatures;
pub use sources::live::LiveFeatures;
pub use spec::{ExtractionSpec, KeepEnd, ReverseComplement, SettingError, Window, check_pooling};
