//! Sequences to token ids: the contract, and the registry of the kinds there are. The vocabulary is always
//! the checkpoint's own file or the rule its authors wrote down; nothing is guessed.
//!
//! A tokenizer does not cut long sequences.

mod byte_pair;
mod kmer_rows;
mod letters;
mod nucleotides;
mod rnabert;
mod six_mers;
mod vocabulary;
mod words;

use crate::batch::Tokens;
use crate::config_file::ConfigFile;
use crate::error::ModelError;
use crate::language_model::LetterIds;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub use byte_pair::BytePairTokenizer;
pub(crate) use byte_pair::{read_byte_pairs, read_byte_pairs_or_words};
pub(crate) use kmer_rows::{KmerRows, read_kmer_rows};
pub(crate) use letters::{read_letters_cls_sep, read_letters_sep};
pub(crate) use nucleotides::{CHANNELS, NUCLEOTIDE_IDS, read_nucleotides};
pub(crate) use rnabert::{RNABERT_VOCABULARY, read_rnabert_letters};
pub(crate) use six_mers::read_six_mers;
pub(crate) use vocabulary::{DnaWords, Vocabulary};
pub use words::{AddedTokens, WordTokenizer};
pub(crate) use words::{read_words, read_words_cls_sep};

/// Turns sequences into token ids.
pub trait Tokenizer: Send + Sync {
    /// Id that fills a batch's short rows.
    fn pad_id(&self) -> i64;

    /// Largest id of the vocabulary.
    fn largest_id(&self) -> i64;

    /// Digest of the tokenizer's files and settings; part of every cache key.
    fn digest(&self) -> Digest;

    /// True when the tokenizer's own files put no CLS first, whatever the family usually does.
    fn adds_no_cls(&self) -> bool {
        false
    }

    /// Ids of the letters, where every token is one letter.
    fn letters(&self) -> Option<LetterIds> {
        None
    }

    /// Token ids of a sequence, added ones included and marked.
    ///
    /// # Errors
    /// [`ModelError::TooShort`] or [`ModelError::Tokenizer`] for a sequence that has no token.
    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError>;
}

/// Reads a tokenizer from a model folder; the config is that of the same folder.
pub type ReadTokenizer = fn(&Path, &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError>;

/// A kind of tokenizer, for models that say which one they need.
pub struct TokenizerKind {
    /// Identifier.
    pub id: &'static str,
    /// One line saying what its tokens are.
    pub title: &'static str,
    /// Reads it.
    pub read: ReadTokenizer,
}

/// All kinds.
pub static TOKENIZERS: &[TokenizerKind] = &[
    words::WORDS,
    words::WORDS_CLS_SEP,
    byte_pair::BYTE_PAIRS,
    kmer_rows::KMER_ROWS,
    letters::LETTERS_CLS_SEP,
    letters::LETTERS_SEP,
    nucleotides::NUCLEOTIDES,
    rnabert::RNABERT_LETTERS,
    six_mers::SIX_MERS,
];
