//! One letter per token, or overlapping k-mers with stride 1. The vocabulary is
//! the checkpoint's own file; nothing is guessed that the file does not say. A word outside the
//! vocabulary (a k-mer with N, for example) is the unknown token.
//!
//! It does not cut long sequences and knows no learned merges (BPE).

use super::{DnaWords, Tokenizer, TokenizerKind, Vocabulary};
use crate::batch::Tokens;
use crate::config_file::ConfigFile;
use crate::error::ModelError;
use crate::language_model::LetterIds;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const WORDS: TokenizerKind = TokenizerKind {
    id: "words",
    title: "single letters or overlapping k-mers of vocab.txt, nothing added",
    read: read_words,
};

pub(super) const WORDS_CLS_SEP: TokenizerKind = TokenizerKind {
    id: "words-cls-sep",
    title: "single letters or overlapping k-mers of vocab.txt between CLS and SEP",
    read: read_words_cls_sep,
};

/// Words with nothing added.
///
/// # Errors
/// As [`WordTokenizer::read`].
pub(crate) fn read_words(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(WordTokenizer::read(folder, AddedTokens::None)?))
}

/// Words between CLS and SEP.
///
/// # Errors
/// As [`WordTokenizer::read`].
pub(crate) fn read_words_cls_sep(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(WordTokenizer::read(folder, AddedTokens::ClsSep)?))
}

/// Which tokens a family puts around a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddedTokens {
    /// None.
    None,
    /// CLS in front, SEP behind.
    ClsSep,
}

/// A tokenizer of words of one length.
#[derive(Clone, Debug)]
pub struct WordTokenizer {
    k: usize,
    words: DnaWords,
    unknown_id: i64,
    pad_id: i64,
    around: Option<(i64, i64)>,
    largest_id: i64,
    mask_id: Option<i64>,
    digest: Digest,
}

impl WordTokenizer {
    /// Reads the tokenizer of a model folder: `vocab.txt` or a `tokenizer.json` without merges, names of
    /// special tokens from `tokenizer_config.json` where it is there. The word length k is the length of the
    /// vocabulary's words; all 4^k words over A C G T must be there, in either case. A vocabulary of RNA has
    /// U in place of T; sequences hold T for both.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] naming the file and what it lacks.
    pub fn read(folder: &Path, added: AddedTokens) -> Result<Self, ModelError> {
        let vocabulary = Vocabulary::read(folder)?;
        let (k, words) = vocabulary.dna_words()?;
        let around = match added {
            AddedTokens::None => None,
            AddedTokens::ClsSep => Some((vocabulary.special("cls_token")?, vocabulary.special("sep_token")?)),
        };
        let mut digest = vocabulary.digest();
        digest.part(&(k as u64).to_le_bytes()).part(format!("{added:?}").as_bytes());
        Ok(Self {
            k,
            words,
            unknown_id: vocabulary.special("unk_token")?,
            pad_id: vocabulary.special("pad_token")?,
            around,
            largest_id: vocabulary.largest_id(),
            mask_id: vocabulary.special_or("mask_token", "[MASK]").ok(),
            digest: digest.finish(),
        })
    }

    /// Letters of a token.
    pub fn k(&self) -> usize {
        self.k
    }
}

impl Tokenizer for WordTokenizer {
    fn pad_id(&self) -> i64 {
        self.pad_id
    }

    fn largest_id(&self) -> i64 {
        self.largest_id
    }

    fn digest(&self) -> Digest {
        self.digest
    }

    fn letters(&self) -> Option<LetterIds> {
        let id = |letter: &[u8]| self.words.get(letter).copied();
        let acgt = [id(b"A")?, id(b"C")?, id(b"G")?, id(b"T")?];
        Some(LetterIds { acgt, unknown: self.unknown_id, mask: self.mask_id })
    }

    /// `length − k + 1` words and the added tokens.
    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        if sequence.len() < self.k {
            return Err(ModelError::TooShort { letters: sequence.len(), k: self.k });
        }
        let words = sequence
            .as_bytes()
            .windows(self.k)
            .map(|word| self.words.get(word).copied().unwrap_or(self.unknown_id));
        let mut ids = Vec::with_capacity(sequence.len() + 2);
        ids.extend(self.around.map(|(cls, _)| cls));
        ids.extend(words);
        ids.extend(self.around.map(|(_, sep)| sep));
        let mut special = vec![false; ids.len()];
        if self.around.is_some() {
            special.first_mut().into_iter().for_each(|first| *first = true);
            special.last_mut().into_iter().for_each(|last| *last = true);
        }
        Ok(Tokens { ids, special })
    }
}
