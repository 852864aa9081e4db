//! Turns DNA sequences into features, and keeps those of models in the embedding cache.
//!
//! Three ways give a [`seqprobe_core::FeatureSource`]:
//!
//! - [`from_bases`] makes one-hot vectors, k-mer frequencies and composition whenever they are read.
//! - [`extract()`] runs a frozen model once over the distinct sequences, pools its hidden states and stores them in an
//!   [`EmbeddingCache`]. Stored values are verified before they are used.
//! - [`imported`] reads vectors from files of other programs and joins them to a dataset by example id.
//!
//! This crate alone touches the cache. It fits nothing, knows no dataset card and downloads nothing.
//!
//! ```
//! use seqprobe_core::{DnaSequence, FeatureSource, Pooling};
//! use seqprobe_embed::PlainRepresentation;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (sequence, _) = DnaSequence::parse("AACG")?;
//! let sequences = [sequence];
//! let representation: PlainRepresentation = "kmer-1".parse()?;
//! let features = representation.features(&sequences, Pooling::Mean, &[0])?;
//! let mut values = Vec::new();
//! features.read_rows(&[0], &mut values)?;
//! // The frequencies of A, C, G and T.
//! assert_eq!(values, [0.5, 0.25, 0.25, 0.0]);
//! # Ok(())
//! # }
//! ```

pub mod cache;
pub mod error;
pub mod export;
pub mod extract;
pub mod from_bases;
pub mod imported;
pub mod sources;
pub mod spec;

pub use cache::damage::Damage;
pub use cache::embedding_cache::EmbeddingCache;
pub use cache::key::{EntryKey, StoredType};
pub use cache::maintenance::{
    EntrySummary, Removal, cache_list, cache_verify, remove_entry, remove_leftover_entries,
};
pub use cache::stored::StoredFeatures;
pub use error::EmbedError;
pub use export::{EXPORT_FORMATS, export_features};
pub use extract::forecast::{ExtractionForecast, forecast_extraction};
pub use extract::progress::{ExtractionOptions, ExtractionProgress, Interrupted, batch_tokens};
pub use extract::report::ExtractionReport;
pub use extract::{Extraction, extract};
pub use from_bases::kmer::{Composition, KmerFrequencies};
pub use from_bases::onehot::OneHot;
pub use from_bases::{PLAIN_REPRESENTATIONS, PlainEntry, PlainRepresentation};
pub use imported::{
    IMPORT_FORMATS, IdsFrom, ImportError, ImportRequest, ImportedEmbeddings, ImportedFeatures,
};
pub use sources::adapters::{BoxedSource, Flattened, PooledTokens};
pub use sources::chained::ChainedFeatures;
pub use sources::live::LiveFeatures;
pub use spec::{ExtractionSpec, KeepEnd, ReverseComplement, SettingError, Window, check_pooling};
