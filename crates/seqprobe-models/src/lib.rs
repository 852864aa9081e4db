//! Tokenizers, checkpoint readers and frozen encoders on libtorch.
//!
//! The way through this room: a Hugging Face-layout folder → [`FrozenModel`] (config, tensors by the
//! checkpoint's own names, tokenizer) → [`TokenBatch`] → [`HiddenStates`]. It does not pool, cache or
//! train; it never writes. Parameters are frozen: every forward runs without gradients.

pub mod batch;
pub mod encoder;
pub mod error;
pub mod model;

pub use batch::{TokenBatch, Tokens};
pub use encoder::{Encoder, EncoderSpec, HiddenStates};
pub use error::ModelError;
pub use model::{FrozenModel, LoadOptions, Precision, Weights};
