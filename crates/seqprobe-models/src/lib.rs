//! Tokenizers, checkpoint readers and frozen encoders on libtorch.
//!
//! The way through this room: a Hugging Face-layout folder → [`FrozenModel`] (config, tensors by the
//! checkpoint's own names, tokenizer) → [`TokenBatch`] → [`HiddenStates`]. It does not pool, cache or
//! train, and it writes nothing but the small random models of [`create`] and what [`hub`] was asked to fetch. Parameters are frozen: every
//! forward runs without gradients, but for those of [`training`]. Thread counts are the caller's.

mod attention;
pub mod batch;
mod bert_stack;
mod causal;
mod channel_layers;
pub mod checkpoint;
pub mod config_file;
mod convolution;
pub mod create;
mod description;
pub mod encoder;
pub mod error;
pub mod families;
pub mod hub;
pub mod initialise;
pub mod language_model;
mod layers;
pub mod masked;
pub mod model;
mod npy_table;
mod packing;
pub mod parameters;
pub mod published;
pub mod reference;
mod selective_scan;
mod small_file;
pub mod tokenizer;
mod torchscript;
pub mod training;
mod worker;

pub use batch::{TokenBatch, Tokens};
pub use encoder::{Encoder, EncoderSpec, HiddenStates, PackedStates};
pub use error::ModelError;
pub use families::{FAMILIES, Family};
pub use language_model::{LetterIds, Objective};
pub use masked::{LetterScores, MaskedModel};
pub use model::{FrozenModel, LoadOptions, Precision, Tokenize, Weights};
pub use published::PublishedModel;
pub use reference::{HubReference, ModelReference, ReferenceError};
pub use tokenizer::{BytePairTokenizer, TOKENIZERS, Tokenizer, TokenizerKind, WordTokenizer};
pub use training::{TrainableModel, TrainedTensor};
