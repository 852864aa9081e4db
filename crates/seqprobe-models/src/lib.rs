//! Tokenizers, checkpoint readers and frozen encoders on libtorch.
//!
//! The way through this crate: [`open_model()`] reads a folder in Hugging Face layout and returns a [`FrozenModel`]
//! (config, tensors by the checkpoint's own names, tokenizer). Its tokenizer makes a [`TokenBatch`], its encoder
//! makes [`HiddenStates`]. Nothing here pools or caches. Parameters are frozen: every forward pass runs without
//! gradients, except those of [`training`]. The caller chooses the number of threads.
//!
//! ```no_run
//! use seqprobe_core::{DnaSequence, LayerIndex};
//! use seqprobe_models::{LoadOptions, Precision, TokenBatch, Weights, open_model};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let options = LoadOptions {
//!     weights: Weights::Pretrained,
//!     precision: Precision::F32,
//!     device: tch::Device::Cpu,
//!     allow_code: false,
//! };
//! let model = open_model("dnabert-6".as_ref(), options)?;
//! let (sequence, _) = DnaSequence::parse("ACGTACGTTTGCA")?;
//! let batch = TokenBatch::from_tokens(&[model.tokenize(&sequence)?], model.pad_id);
//! let states = model.encoder.hidden_states(&batch, &[LayerIndex::Final])?; // one tensor [1, tokens, hidden]
//! # Ok(())
//! # }
//! ```

pub mod batch;
pub mod bundled;
pub mod checkpoint;
pub mod create;
pub mod encoder;
pub mod error;
pub mod families;
mod folder;
mod foreign;
mod language_model;
mod layers;
mod load_folder;
pub mod model;
mod open_model;
pub mod parameters;
pub mod reference;
pub mod tokenizer;

pub use batch::{TokenBatch, Tokens};
pub use bundled::{BUNDLED_MODELS, BundledModel};
pub use encoder::{Encoder, EncoderSpec, HiddenStates, PackedStates};
pub use error::ModelError;
pub use families::{FAMILIES, Family, PublishedModel};
pub use folder::config_file;
pub use language_model::masked::{MaskedModel, NucleotideProbabilities};
pub use language_model::{masked, training};
pub use layers::language_model_head::{self, Objective};
pub use model::{FrozenModel, LoadOptions, Precision, Tokenize, UnknownPrecision, Weights};
pub use open_model::open_model;
pub use reference::{ModelReference, ReferenceError};
pub use seqprobe_hub::{self as hub, HubReference};
pub use tokenizer::{BytePairTokenizer, KmerTokenizer, NucleotideIds, TOKENIZERS, Tokenizer, TokenizerKind};
pub use training::{TrainableModel, TrainedTensor};
