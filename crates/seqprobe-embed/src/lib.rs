//! Representations, pooling and the embedding cache.
