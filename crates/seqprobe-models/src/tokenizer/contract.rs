//! What every tokenizer offers, and how a kind of tokenizer is described.

use crate::batch::Tokens;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use crate::tokenizer::nucleotide_ids::NucleotideIds;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

/// Converts sequences to token ids.
pub trait Tokenizer: Send + Sync {
    /// Id that fills the short rows of a batch.
    fn pad_id(&self) -> i64;

    /// The largest id of the vocabulary.
    fn largest_id(&self) -> i64;

    /// Digest of the tokenizer's files and settings. It is part of every cache key.
    fn digest(&self) -> Digest;

    /// True if the tokenizer's own files add no CLS token at the start, although the family usually has one.
    fn adds_no_cls(&self) -> bool {
        false
    }

    /// Ids of the nucleotides, if every token is one base.
    fn nucleotide_ids(&self) -> Option<NucleotideIds> {
        None
    }

    /// Returns the token ids of a sequence. Added tokens are included and marked.
    ///
    /// # Errors
    /// [`ModelError::TooShort`] or [`ModelError::Tokenizer`] for a sequence that has no token.
    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError>;
}

/// Reads a tokenizer from a model folder and the config of that folder.
pub type ReadTokenizer = fn(&Path, &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError>;

/// A kind of tokenizer, for models that name the one they need.
pub struct TokenizerKind {
    /// Identifier.
    pub id: &'static str,
    /// Identifiers in earlier versions, which manifests may still use.
    pub former_ids: &'static [&'static str],
    /// One line that says what its tokens are.
    pub title: &'static str,
    /// Reads it.
    pub read: ReadTokenizer,
}

impl TokenizerKind {
    /// Whether a manifest means this kind.
    pub fn has_name(&self, name: &str) -> bool {
        self.id == name || self.former_ids.contains(&name)
    }
}
