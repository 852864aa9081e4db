//! The tokens of the Nucleotide Transformer: non-overlapping 6-mers from the left, starting again after every N.
//! Bases that do not fill a 6-mer are tokens of one base, and so is N. A CLS token comes first. Source of the rule:
//! `nucleotide_transformer/tokenizers.py` of instadeepai/nucleotide-transformer; the published checkpoints use
//! `EsmTokenizer` of Hugging Face transformers with their `vocab.txt`, which gives the same tokens.
//!
//! The vocabulary determines k, because one of the checkpoints has 3-mers.

use super::contract::{Tokenizer, TokenizerKind};
use super::vocabulary::{KmerIds, Vocabulary};
use crate::batch::Tokens;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const SIX_MERS: TokenizerKind = TokenizerKind {
    id: "six-mers",
    former_ids: &[],
    title: "non-overlapping k-mers of vocab.txt after CLS, single bases for the remainder and for N",
    read: read_adjacent_kmers,
};

/// Reads the tokenizer of a Nucleotide Transformer.
///
/// # Errors
/// [`ModelError::Tokenizer`] naming the file and what is missing.
pub(crate) fn read_adjacent_kmers(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    let vocabulary = Vocabulary::read(folder)?;
    let (k, kmers) = vocabulary.kmers_and_bases()?;
    // The published files have `"eos_token": null`. If a name is given, EsmTokenizer adds that token at the end.
    let eos = match vocabulary.given("eos_token") {
        Some(name) => Some(vocabulary.special_or("eos_token", name)?),
        None => None,
    };
    let mut digest = vocabulary.digest();
    digest.part(b"side by side").part(&(k as u64).to_le_bytes());
    Ok(Box::new(AdjacentKmers {
        k,
        kmers,
        cls: vocabulary.special_or("cls_token", "<cls>")?,
        eos,
        pad_id: vocabulary.special_or("pad_token", "<pad>")?,
        largest_id: vocabulary.largest_id(),
        digest: digest.finish(),
    }))
}

struct AdjacentKmers {
    k: usize,
    /// All k-mers, and A C G T N.
    kmers: KmerIds,
    cls: i64,
    eos: Option<i64>,
    pad_id: i64,
    largest_id: i64,
    digest: Digest,
}

impl Tokenizer for AdjacentKmers {
    fn pad_id(&self) -> i64 {
        self.pad_id
    }

    fn largest_id(&self) -> i64 {
        self.largest_id
    }

    fn digest(&self) -> Digest {
        self.digest
    }

    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        let mut rest = sequence.as_bytes();
        if rest.is_empty() {
            return Err(ModelError::TooShort { bases: 0, k: 1 });
        }
        let mut ids = Vec::with_capacity(rest.len() / self.k + self.k + 2);
        ids.push(self.cls);
        while !rest.is_empty() {
            // The vocabulary has no k-mer with N, so the next token is a single base then; every base has a token.
            let kmer = rest.get(..self.k).and_then(|kmer| Some((*self.kmers.get(kmer)?, self.k)));
            let base = rest.get(..1).and_then(|base| Some((*self.kmers.get(base)?, 1)));
            let Some((id, length)) = kmer.or(base) else {
                return Err(ModelError::Batch(format!("base {:?} has no token", rest.first())));
            };
            ids.push(id);
            rest = rest.get(length..).unwrap_or_default();
        }
        let mut special = vec![false; ids.len()];
        special.first_mut().into_iter().for_each(|first| *first = true);
        if let Some(eos) = self.eos {
            ids.push(eos);
            special.push(true);
        }
        Ok(Tokens { ids, special })
    }
}
