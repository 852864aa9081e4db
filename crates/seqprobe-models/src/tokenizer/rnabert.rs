//! The bases of RNABERT. Its authors wrote no vocabulary file; the ids are those of their `dataload.py`.

use super::contract::{Tokenizer, TokenizerKind};
use crate::batch::Tokens;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const RNABERT_BASES: TokenizerKind = TokenizerKind {
    id: "rnabert-bases",
    former_ids: &["rnabert-letters"],
    title: "single RNA bases by RNABERT's ids, T as U, nothing added",
    read: read_rnabert_bases,
};

/// Tokens in the order of their ids.
pub(crate) const RNABERT_VOCABULARY: [&str; 6] = ["PAD", "MASK", "A", "U", "G", "C"];

/// Returns the tokenizer; folder and config are not used.
///
/// # Errors
/// None.
pub(crate) fn read_rnabert_bases(_: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(RnaBertBases))
}

/// One base per token. T and U have the same token. The authors leave out sequences with other letters; here N
/// becomes the mask token, which means an unknown base.
struct RnaBertBases;

impl Tokenizer for RnaBertBases {
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
        let id = |base: &u8| match base {
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
