//! One token per letter for models that read one-hot letters: A 0, C 1, G 2, T 3, N 4, nothing added. There
//! is no file to read; padding is N, the letter whose one-hot is all zeros.

use super::{Tokenizer, TokenizerKind};
use crate::batch::Tokens;
use crate::config_file::ConfigFile;
use crate::error::ModelError;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const NUCLEOTIDES: TokenizerKind = TokenizerKind {
    id: "nucleotides",
    title: "single letters as A C G T N = 0 1 2 3 4, nothing added, no file",
    read: read_nucleotides,
};

/// Letters that have a one-hot channel; N comes after them.
pub(crate) const CHANNELS: i64 = 4;

/// Ids run from 0 to below this number.
pub(crate) const NUCLEOTIDE_IDS: usize = CHANNELS as usize + 1;

/// The letters' tokenizer; folder and config do not matter.
///
/// # Errors
/// None.
pub(crate) fn read_nucleotides(_: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(Nucleotides))
}

struct Nucleotides;

impl Tokenizer for Nucleotides {
    fn pad_id(&self) -> i64 {
        CHANNELS
    }

    fn largest_id(&self) -> i64 {
        CHANNELS
    }

    fn digest(&self) -> Digest {
        DigestBuilder::new("nucleotides v1").finish()
    }

    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        let ids: Vec<i64> = sequence.codes().map(i64::from).collect();
        let special = vec![false; ids.len()];
        Ok(Tokens { ids, special })
    }
}
