//! Where extracted features are kept.

use seqprobe_embed::EmbeddingCache;

/// Where extracted features are kept.
pub(crate) struct FeatureStore {
    pub(crate) embeddings: EmbeddingCache,
    /// Compute damaged parts of the cache again.
    pub(crate) repair: bool,
}
