//! What a family of models is: how its config is recognised, where its tensors are, and how it is loaded.

use crate::encoder::{Encoder, EncoderSpec};
use crate::error::ModelError;
use crate::families::published::PublishedModel;
use crate::folder::config_file::ConfigFile;
use crate::layers::language_model_head::HeadEntry;
use crate::layers::network::{Network, NetworkEncoder};
use crate::parameters::Parameters;
use crate::parameters::tensor_names::TensorNames;
use crate::tokenizer::ReadTokenizer;
use seqprobe_core::Digest;

/// A family of models that share code.
pub struct Family {
    /// Identifier.
    pub id: &'static str,
    /// One line that says which models it contains.
    pub title: &'static str,
    /// Values of `model_type` in `config.json`.
    pub model_types: &'static [&'static str],
    /// Values of `architectures`, for config files without `model_type`.
    pub architectures: &'static [&'static str],
    /// Which configs with such a name belong to the family.
    pub claim: Claim,
    /// The names of the family's tensors.
    pub tensors: TensorNames,
    /// Reads the family's tokenizer from a model folder.
    pub tokenizer: ReadTokenizer,
    /// Checkpoints of the family that were published.
    pub published: &'static [PublishedModel],
    /// The language-model head, if this program knows it.
    pub head: Option<HeadEntry>,
    /// Reads the config and takes the parameters.
    pub load: fn(&ConfigFile, &mut Parameters) -> Result<LoadedEncoder, ModelError>,
}

/// Which configs with a family's name belong to it. Several architectures call themselves `bert`.
#[derive(Clone, Copy)]
pub enum Claim {
    /// All that no other family claims by its keys.
    Always,
    /// Those that pass a test of their keys. These families are tried first.
    If(fn(&ConfigFile) -> bool),
}

impl Claim {
    /// Whether a config with the family's name can belong to it.
    pub fn accepts(self, config: &ConfigFile) -> bool {
        match self {
            Self::Always => true,
            Self::If(has_keys) => has_keys(config),
        }
    }
}

/// What a family makes of a config and parameters.
pub struct LoadedEncoder {
    /// Dimensions and limits.
    pub spec: EncoderSpec,
    pub(crate) network: Box<dyn Network>,
    /// Digest of the settings that change values. It does not depend on the layout of the file.
    pub config_digest: Digest,
    /// Ids run from 0 to below this number.
    pub vocab_size: usize,
}

impl LoadedEncoder {
    /// Returns the encoder.
    pub fn into_encoder(self) -> Box<dyn Encoder> {
        Box::new(NetworkEncoder { spec: self.spec, network: self.network })
    }
}
