//! The letters of RNABERT. Its authors wrote no vocabulary file; the ids stand in their `dataload.py`.

use super::{Tokenizer, TokenizerKind};
use crate::batch::Tokens;
use crate::config_file::ConfigFile;
use crate::error::ModelError;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const RNABERT_LETTERS: TokenizerKind = TokenizerKind {
    id: "rnabert-letters",
    title: "single RNA letters by RNABERT's ids, T as U, nothing added",
    read: read_rnabert_letters,
};

/// Words in the order of their ids.
pub(crate) const RNABERT_VOCABULARY: [&str; 6] = ["PAD", "MASK", "A", "U", "G", "C"];

/// The one tokenizer of this kind; there is no file to read.
///
/// # Errors
/// None.
pub(crate) fn read_rnabert_letters(_: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(RnaBertLetters))
}

/// One letter per token. T and U are one letter. The authors leave out sequences with other letters; here
/// N is the mask token, which stands for a letter that is not known.
struct RnaBertLetters;

impl Tokenizer for RnaBertLetters {
    fn pad_id(&self) -> i64 {
        0
    }

    fn largest_id(&self) -> i64 {
        RNABERT_VOCABULARY.len() as i64 - 1
    }

    fn digest(&self) -> Digest {
        DigestBuilder::new("rnabert letters v1").part(RNABERT_VOCABULARY.join(" ").as_bytes()).finish()
    }

    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        let id = |letter: &u8| match letter {
            b'A' => 2,
            b'T' => 3,
            b'G' => 4,
            b'C' => 5,
            _ => 1,
        };
        let ids: Vec<i64> = sequence.as_bytes().iter().map(id).collect();
        Ok(Tokens { special: vec![false; ids.len()], ids })
    }
}
