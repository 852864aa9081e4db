//! Overlapping k-mers with stride 1; k = 1 means one base per token. The vocabulary is the checkpoint's own file. A
//! k-mer outside the vocabulary, such as one with N, becomes the unknown token.

use super::contract::{Tokenizer, TokenizerKind};
use super::nucleotide_ids::NucleotideIds;
use super::vocabulary::{KmerIds, Vocabulary};
use crate::batch::Tokens;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const KMERS: TokenizerKind = TokenizerKind {
    id: "kmers",
    former_ids: &["words"],
    title: "single bases or overlapping k-mers of vocab.txt, nothing added",
    read: read_kmers,
};

pub(super) const KMERS_CLS_SEP: TokenizerKind = TokenizerKind {
    id: "kmers-cls-sep",
    former_ids: &["words-cls-sep"],
    title: "single bases or overlapping k-mers of vocab.txt between CLS and SEP",
    read: read_kmers_cls_sep,
};

/// Reads a tokenizer of k-mers that adds no token.
///
/// # Errors
/// As [`KmerTokenizer::read`].
pub(crate) fn read_kmers(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(KmerTokenizer::read(folder, AddedTokens::None)?))
}

/// Reads a tokenizer of k-mers between CLS and SEP.
///
/// # Errors
/// As [`KmerTokenizer::read`].
pub(crate) fn read_kmers_cls_sep(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(KmerTokenizer::read(folder, AddedTokens::ClsSep)?))
}

/// The tokens that a family adds around a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddedTokens {
    /// None.
    None,
    /// CLS at the start, SEP at the end.
    ClsSep,
}

impl AddedTokens {
    /// The text that digests cover. It must stay the same, or cached embeddings are lost.
    fn digest_text(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::ClsSep => "ClsSep",
        }
    }
}

/// A tokenizer of overlapping k-mers.
#[derive(Clone, Debug)]
pub struct KmerTokenizer {
    k: usize,
    kmers: KmerIds,
    unknown_id: i64,
    pad_id: i64,
    around: Option<(i64, i64)>,
    largest_id: i64,
    mask_id: Option<i64>,
    digest: Digest,
}

impl KmerTokenizer {
    /// Reads the tokenizer of a model folder: `vocab.txt` or a `tokenizer.json` without merges, and the names of
    /// special tokens from `tokenizer_config.json` if it exists. The vocabulary determines k and must contain all
    /// 4^k k-mers over A C G T, in upper or lower case. A vocabulary of RNA has U instead of T; sequences have T
    /// for both.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] naming the file and what is missing.
    pub fn read(folder: &Path, added: AddedTokens) -> Result<Self, ModelError> {
        let vocabulary = Vocabulary::read(folder)?;
        let (k, kmers) = vocabulary.kmers()?;
        let around = match added {
            AddedTokens::None => None,
            AddedTokens::ClsSep => Some((vocabulary.special("cls_token")?, vocabulary.special("sep_token")?)),
        };
        let mut digest = vocabulary.digest();
        digest.part(&(k as u64).to_le_bytes()).part(added.digest_text().as_bytes());
        Ok(Self {
            k,
            kmers,
            unknown_id: vocabulary.special("unk_token")?,
            pad_id: vocabulary.special("pad_token")?,
            around,
            largest_id: vocabulary.largest_id(),
            mask_id: vocabulary.special_or("mask_token", "[MASK]").ok(),
            digest: digest.finish(),
        })
    }

    /// Bases of a token.
    pub fn k(&self) -> usize {
        self.k
    }
}

impl Tokenizer for KmerTokenizer {
    fn pad_id(&self) -> i64 {
        self.pad_id
    }

    fn largest_id(&self) -> i64 {
        self.largest_id
    }

    fn digest(&self) -> Digest {
        self.digest
    }

    fn nucleotide_ids(&self) -> Option<NucleotideIds> {
        let id = |base: &[u8]| self.kmers.get(base).copied();
        let acgt = [id(b"A")?, id(b"C")?, id(b"G")?, id(b"T")?];
        Some(NucleotideIds { acgt, unknown: self.unknown_id, mask: self.mask_id })
    }

    /// Returns `length − k + 1` k-mers and the added tokens.
    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        if sequence.len() < self.k {
            return Err(ModelError::TooShort { bases: sequence.len(), k: self.k });
        }
        let kmers = sequence
            .as_bytes()
            .windows(self.k)
            .map(|kmer| self.kmers.get(kmer).copied().unwrap_or(self.unknown_id));
        let mut ids = Vec::with_capacity(sequence.len() + 2);
        ids.extend(self.around.map(|(cls, _)| cls));
        ids.extend(kmers);
        ids.extend(self.around.map(|(_, sep)| sep));
        let mut special = vec![false; ids.len()];
        if self.around.is_some() {
            special.first_mut().into_iter().for_each(|first| *first = true);
            special.last_mut().into_iter().for_each(|last| *last = true);
        }
        Ok(Tokens { ids, special })
    }
}

#[cfg(test)]
mod tests {
    use super::AddedTokens;

    #[test]
    fn the_digest_texts_of_added_tokens_never_change() {
        assert_eq!(
            [AddedTokens::None, AddedTokens::ClsSep].map(AddedTokens::digest_text),
            ["None", "ClsSep"]
        );
    }
}
