//! What only language models can do: score masked tokens, and be trained.

pub mod masked;
pub mod training;
