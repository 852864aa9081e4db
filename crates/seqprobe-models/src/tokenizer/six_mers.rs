//! The Nucleotide Transformer's tokens: 6-mers side by side from the left, begun anew after every N; letters
//! that do not fill a 6-mer are tokens of one letter, and so is N. A CLS token stands in front. Source of the
//! rule: `nucleotide_transformer/tokenizers.py` of instadeepai/nucleotide-transformer; the published
//! checkpoints use `EsmTokenizer` of Hugging Face transformers with their `vocab.txt`, which gives the same.
//!
//! k is read off the vocabulary, for one of the checkpoints has 3-mers.

use super::{DnaWords, Tokenizer, TokenizerKind, Vocabulary};
use crate::batch::Tokens;
use crate::config_file::ConfigFile;
use crate::error::ModelError;
use seqprobe_core::{Digest, DnaSequence};
use std::path::Path;

pub(super) const SIX_MERS: TokenizerKind = TokenizerKind {
    id: "six-mers",
    title: "k-mers of vocab.txt side by side, single letters for what is left over and for N, after CLS",
    read: read_six_mers,
};

/// Reads the tokenizer of a Nucleotide Transformer.
///
/// # Errors
/// [`ModelError::Tokenizer`] naming the file and what it lacks.
pub(crate) fn read_six_mers(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    let vocabulary = Vocabulary::read(folder)?;
    let (k, words) = vocabulary.side_by_side_words()?;
    // The published files say `"eos_token": null`. Where a name is given, EsmTokenizer puts it at the end.
    let eos = match vocabulary.given("eos_token") {
        Some(name) => Some(vocabulary.special_or("eos_token", name)?),
        None => None,
    };
    let mut digest = vocabulary.digest();
    digest.part(b"side by side").part(&(k as u64).to_le_bytes());
    Ok(Box::new(SixMers {
        k,
        words,
        cls: vocabulary.special_or("cls_token", "<cls>")?,
        eos,
        pad_id: vocabulary.special_or("pad_token", "<pad>")?,
        largest_id: vocabulary.largest_id(),
        digest: digest.finish(),
    }))
}

struct SixMers {
    k: usize,
    /// All k-mers, and A C G T N.
    words: DnaWords,
    cls: i64,
    eos: Option<i64>,
    pad_id: i64,
    largest_id: i64,
    digest: Digest,
}

impl Tokenizer for SixMers {
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
            return Err(ModelError::TooShort { letters: 0, k: 1 });
        }
        let mut ids = Vec::with_capacity(rest.len() / self.k + self.k + 2);
        ids.push(self.cls);
        while !rest.is_empty() {
            // A k-mer with N is no word, so the next token is one letter then; every single letter is a word.
            let word = rest.get(..self.k).and_then(|word| Some((*self.words.get(word)?, self.k)));
            let letter = rest.get(..1).and_then(|letter| Some((*self.words.get(letter)?, 1)));
            let Some((id, length)) = word.or(letter) else {
                return Err(ModelError::Batch(format!("letter {:?} has no token", rest.first())));
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
