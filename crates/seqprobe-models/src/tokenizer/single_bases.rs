//! One base per token, with the fixed vocabulary that the authors of HyenaDNA wrote into their code and Caduceus
//! copied: `[CLS]` 0, `[SEP]` 1, `[BOS]` 2, `[MASK]` 3, `[PAD]` 4, `[RESERVED]` 5, `[UNK]` 6, then the bases in order,
//! A 7, C 8, G 9, T 10, N 11. Their folders usually have no vocabulary file; if there is one, it must agree. Sources:
//! `standalone_hyenadna.py` of HazyResearch/hyena-dna, `tokenization_caduceus.py` of kuleshov-group/caduceus.
//!
//! The added tokens follow the code that belongs to the checkpoint's config. The first HyenaDNA files
//! (`standalone_hyenadna.py`) have CLS at the start and SEP at the end. The `-hf` files of HyenaDNA and all of Caduceus
//! have SEP at the end only. The authors pad on the left; here padding never reaches the model, so the side does not
//! matter.

use super::contract::{Tokenizer, TokenizerKind};
use super::nucleotide_ids::NucleotideIds;
use super::vocabulary::Vocabulary;
use crate::batch::Tokens;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence};
use serde_json::Value;
use std::path::Path;
use thiserror::Error;

pub(super) const BASES_CLS_SEP: TokenizerKind = TokenizerKind {
    id: "bases-cls-sep",
    former_ids: &["letters-cls-sep"],
    title: "single bases of HyenaDNA's fixed vocabulary between CLS and SEP",
    read: read_bases_cls_sep,
};

pub(super) const BASES_SEP: TokenizerKind = TokenizerKind {
    id: "bases-sep",
    former_ids: &["letters-sep"],
    title: "single bases of HyenaDNA's fixed vocabulary, followed by SEP",
    read: read_bases_sep,
};

/// Reads a tokenizer of bases between CLS and SEP.
///
/// # Errors
/// [`ModelError::Tokenizer`] naming a file that disagrees with the fixed vocabulary.
pub(crate) fn read_bases_cls_sep(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(BaseTokenizer::read(folder, true)?))
}

/// Reads a tokenizer of bases followed by SEP.
///
/// # Errors
/// As [`read_bases_cls_sep`].
pub(crate) fn read_bases_sep(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(BaseTokenizer::read(folder, false)?))
}

const SPECIAL_TOKENS: [&str; 7] = ["[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]"];
const CLS: i64 = 0;
const SEP: i64 = 1;
const MASK: i64 = 3;
const PAD: i64 = 4;
const UNKNOWN: i64 = 6;

/// Keys of `tokenizer_config.json`, and the values that they must have if they are given.
const NAMED_TOKENS: [(&str, &str); 4] =
    [("cls_token", "[CLS]"), ("sep_token", "[SEP]"), ("pad_token", "[PAD]"), ("unk_token", "[UNK]")];

struct BaseTokenizer {
    /// Each base as an upper-case byte, and its id.
    bases: Vec<(u8, i64)>,
    has_cls: bool,
    digest: Digest,
}

impl BaseTokenizer {
    fn read(folder: &Path, has_cls: bool) -> Result<Self, ModelError> {
        let config_path = folder.join("tokenizer_config.json");
        let error = |message: String| ModelError::Tokenizer { path: config_path.clone(), message };
        let config: Value = match crate::folder::small_file::read_text(&config_path) {
            Ok(text) => {
                serde_json::from_str(&text).map_err(|problem| error(format!("not JSON: {problem}")))?
            }
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Value::Null,
            Err(problem) => return Err(ModelError::io(&config_path)(problem)),
        };
        for (key, token) in NAMED_TOKENS {
            let given = config.get(key);
            let content = given.and_then(|value| value.get("content")).or(given).and_then(Value::as_str);
            if let Some(other) = content.filter(|content| *content != token) {
                return Err(error(format!(
                    "key {key:?} is {other:?}, expected {token:?}\n  hint: the tokenizer files belong to another model"
                )));
            }
        }
        let characters = characters(&config).map_err(|problem| error(problem.to_string()))?;
        let bases: Vec<(u8, i64)> = characters.iter().copied().zip(SPECIAL_TOKENS.len() as i64..).collect();
        if ["vocab.txt", "tokenizer.json"].iter().any(|name| folder.join(name).exists()) {
            check_vocabulary(&Vocabulary::read(folder)?, &bases)?;
        }
        let mut digest = DigestBuilder::new("letters v1");
        digest.part(&characters).part(&[u8::from(has_cls)]);
        Ok(Self { bases, has_cls, digest: digest.finish() })
    }

    fn id(&self, base: u8) -> i64 {
        self.bases.iter().find(|(known, _)| *known == base).map_or(UNKNOWN, |(_, id)| *id)
    }
}

/// A list of bases in `tokenizer_config.json` that cannot be used.
#[derive(Debug, Error)]
enum WrongCharacters {
    #[error(
        "key {key:?} is not a list of letters, expected a list of single letters with A, C, G and T, each once"
    )]
    NotAList { key: &'static str },
    #[error("key {key:?} is {letters:?}, expected a list of single letters with A, C, G and T, each once")]
    Letters { key: &'static str, letters: String },
}

/// Returns the bases in the order of their ids: `characters` or `char_ords` of the config, A C G T N without either.
fn characters(config: &Value) -> Result<Vec<u8>, WrongCharacters> {
    let letter_of = |value: &Value| match value {
        Value::String(text) => <[u8; 1]>::try_from(text.as_bytes()).ok().map(|[byte]| byte),
        Value::Number(number) => number.as_u64().and_then(|code| u8::try_from(code).ok()),
        _ => None,
    };
    let given = ["characters", "char_ords"].into_iter().find_map(|key| Some((key, config.get(key)?)));
    let Some((key, value)) = given else {
        return Ok(b"ACGTN".to_vec());
    };
    let letters =
        value.as_array().and_then(|values| values.iter().map(letter_of).collect::<Option<Vec<u8>>>());
    let letters = letters.ok_or(WrongCharacters::NotAList { key })?;
    let is_once = |letter: &u8| letters.iter().filter(|other| *other == letter).count() == 1;
    if !b"ACGT".iter().chain(&letters).all(is_once) {
        let letters = String::from_utf8_lossy(&letters).into_owned();
        return Err(WrongCharacters::Letters { key, letters });
    }
    Ok(letters)
}

/// Compares a vocabulary file with the fixed vocabulary.
fn check_vocabulary(vocabulary: &Vocabulary, bases: &[(u8, i64)]) -> Result<(), ModelError> {
    let special = SPECIAL_TOKENS.iter().map(|token| (*token).to_owned()).zip(0..);
    let single = bases.iter().map(|(base, id)| (char::from(*base).to_string(), *id));
    for (token, expected) in special.chain(single) {
        let found = vocabulary.id(&token);
        if found != Some(expected) && !(found.is_none() && token == "[RESERVED]") {
            let shown = found.map_or("has no id".to_owned(), |id| format!("has id {id}"));
            return Err(vocabulary.error(format!(
                "token {token:?} {shown}, expected {expected}, as in the code of HyenaDNA and Caduceus\n  hint: the tokenizer files belong to another model"
            )));
        }
    }
    Ok(())
}

impl Tokenizer for BaseTokenizer {
    fn pad_id(&self) -> i64 {
        PAD
    }

    fn largest_id(&self) -> i64 {
        self.bases.last().map_or(UNKNOWN, |(_, id)| *id)
    }

    fn digest(&self) -> Digest {
        self.digest
    }

    fn nucleotide_ids(&self) -> Option<NucleotideIds> {
        let acgt = [b'A', b'C', b'G', b'T'].map(|base| self.id(base));
        Some(NucleotideIds { acgt, unknown: self.id(b'N'), mask: Some(MASK) })
    }

    /// Returns one token per base and the added ones.
    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        let mut ids = Vec::with_capacity(sequence.len() + 2);
        let mut special = Vec::with_capacity(sequence.len() + 2);
        if self.has_cls {
            ids.push(CLS);
            special.push(true);
        }
        ids.extend(sequence.as_bytes().iter().map(|base| self.id(*base)));
        special.resize(ids.len(), false);
        ids.push(SEP);
        special.push(true);
        Ok(Tokens { ids, special })
    }
}
