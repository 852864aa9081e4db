//! One letter per token, with the fixed vocabulary that the authors of HyenaDNA wrote into their code and
//! Caduceus took over: `[CLS]` 0, `[SEP]` 1, `[BOS]` 2, `[MASK]` 3, `[PAD]` 4, `[RESERVED]` 5, `[UNK]` 6,
//! then the letters in order, A 7, C 8, G 9, T 10, N 11. Their folders hold no vocabulary file; where one is
//! there, it must say the same. Sources: `standalone_hyenadna.py` of HazyResearch/hyena-dna,
//! `tokenization_caduceus.py` of kuleshov-group/caduceus.
//!
//! What is added differs, and is taken from the code that goes with the checkpoint's own config: the first
//! HyenaDNA files (`standalone_hyenadna.py`) put CLS in front and SEP behind; the `-hf` files of HyenaDNA and
//! all of Caduceus put SEP behind and nothing in front. The authors pad on the left; here padding never
//! reaches the model, so its side does not matter.

use super::{Tokenizer, TokenizerKind, Vocabulary};
use crate::batch::Tokens;
use crate::config_file::ConfigFile;
use crate::error::ModelError;
use crate::language_model::LetterIds;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence};
use serde_json::Value;
use std::path::Path;

pub(super) const LETTERS_CLS_SEP: TokenizerKind = TokenizerKind {
    id: "letters-cls-sep",
    title: "single letters of HyenaDNA's fixed vocabulary between CLS and SEP",
    read: read_letters_cls_sep,
};

pub(super) const LETTERS_SEP: TokenizerKind = TokenizerKind {
    id: "letters-sep",
    title: "single letters of HyenaDNA's fixed vocabulary, SEP behind",
    read: read_letters_sep,
};

/// Letters between CLS and SEP.
///
/// # Errors
/// [`ModelError::Tokenizer`] naming the file that says otherwise.
pub(crate) fn read_letters_cls_sep(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(LetterTokenizer::read(folder, true)?))
}

/// Letters with SEP behind.
///
/// # Errors
/// As [`read_letters_cls_sep`].
pub(crate) fn read_letters_sep(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(LetterTokenizer::read(folder, false)?))
}

const SPECIAL_WORDS: [&str; 7] = ["[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]"];
const CLS: i64 = 0;
const SEP: i64 = 1;
const MASK: i64 = 3;
const PAD: i64 = 4;
const UNKNOWN: i64 = 6;

/// Keys of `tokenizer_config.json` and the words they must name where they are there.
const NAMED_WORDS: [(&str, &str); 4] =
    [("cls_token", "[CLS]"), ("sep_token", "[SEP]"), ("pad_token", "[PAD]"), ("unk_token", "[UNK]")];

struct LetterTokenizer {
    /// Id of each letter by its upper-case byte.
    letters: Vec<(u8, i64)>,
    has_cls: bool,
    digest: Digest,
}

impl LetterTokenizer {
    fn read(folder: &Path, has_cls: bool) -> Result<Self, ModelError> {
        let config_path = folder.join("tokenizer_config.json");
        let error = |message: String| ModelError::Tokenizer { path: config_path.clone(), message };
        let config: Value = match crate::small_file::read_text(&config_path) {
            Ok(text) => {
                serde_json::from_str(&text).map_err(|problem| error(format!("not JSON: {problem}")))?
            }
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => Value::Null,
            Err(problem) => return Err(ModelError::io(&config_path)(problem)),
        };
        for (key, word) in NAMED_WORDS {
            let given = config.get(key);
            let content = given.and_then(|value| value.get("content")).or(given).and_then(Value::as_str);
            if let Some(other) = content.filter(|content| *content != word) {
                return Err(error(format!(
                    "key {key:?} is {other:?}, expected {word:?}\n  hint: the tokenizer files are of another model"
                )));
            }
        }
        let characters = characters(&config).map_err(error)?;
        let letters: Vec<(u8, i64)> = characters.iter().copied().zip(SPECIAL_WORDS.len() as i64..).collect();
        if ["vocab.txt", "tokenizer.json"].iter().any(|name| folder.join(name).exists()) {
            agree(&Vocabulary::read(folder)?, &letters)?;
        }
        let mut digest = DigestBuilder::new("letters v1");
        digest.part(&characters).part(&[u8::from(has_cls)]);
        Ok(Self { letters, has_cls, digest: digest.finish() })
    }

    fn id(&self, letter: u8) -> i64 {
        self.letters.iter().find(|(known, _)| *known == letter).map_or(UNKNOWN, |(_, id)| *id)
    }
}

/// The letters in the order of their ids: `characters` or `char_ords` of the config, A C G T N where neither
/// is there.
fn characters(config: &Value) -> Result<Vec<u8>, String> {
    let letter_of = |value: &Value| match value {
        Value::String(text) => <[u8; 1]>::try_from(text.as_bytes()).ok().map(|[byte]| byte),
        Value::Number(number) => number.as_u64().and_then(|code| u8::try_from(code).ok()),
        _ => None,
    };
    let key = ["characters", "char_ords"].into_iter().find(|key| config.get(key).is_some());
    let found = match key.and_then(|key| config.get(key)) {
        None => return Ok(b"ACGTN".to_vec()),
        Some(Value::Array(values)) => values.iter().map(letter_of).collect::<Option<Vec<u8>>>(),
        Some(_) => None,
    };
    let expected = "expected a list of single letters with A, C, G and T, each once";
    let letters = found
        .ok_or_else(|| format!("key {:?} is no list of letters, {expected}", key.unwrap_or_default()))?;
    let is_once = |letter: &u8| letters.iter().filter(|other| *other == letter).count() == 1;
    if !b"ACGT".iter().chain(&letters).all(is_once) {
        let shown = String::from_utf8_lossy(&letters).into_owned();
        return Err(format!("key {:?} is {shown:?}, {expected}", key.unwrap_or_default()));
    }
    Ok(letters)
}

/// Holds a vocabulary file against the rule.
fn agree(vocabulary: &Vocabulary, letters: &[(u8, i64)]) -> Result<(), ModelError> {
    let special = SPECIAL_WORDS.iter().map(|word| (*word).to_owned()).zip(0..);
    let single = letters.iter().map(|(letter, id)| (char::from(*letter).to_string(), *id));
    for (word, expected) in special.chain(single) {
        let found = vocabulary.id(&word);
        if found != Some(expected) && !(found.is_none() && word == "[RESERVED]") {
            let shown = found.map_or("has no id".to_owned(), |id| format!("has id {id}"));
            return Err(vocabulary.error(format!(
                "word {word:?} {shown}, expected {expected}, as in the code of HyenaDNA and Caduceus\n  hint: the tokenizer files are of another model"
            )));
        }
    }
    Ok(())
}

impl Tokenizer for LetterTokenizer {
    fn pad_id(&self) -> i64 {
        PAD
    }

    fn largest_id(&self) -> i64 {
        self.letters.last().map_or(UNKNOWN, |(_, id)| *id)
    }

    fn digest(&self) -> Digest {
        self.digest
    }

    fn letters(&self) -> Option<LetterIds> {
        let acgt = [b'A', b'C', b'G', b'T'].map(|letter| self.id(letter));
        Some(LetterIds { acgt, unknown: self.id(b'N'), mask: Some(MASK) })
    }

    /// A token per letter and the added ones.
    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        let mut ids = Vec::with_capacity(sequence.len() + 2);
        let mut special = Vec::with_capacity(sequence.len() + 2);
        if self.has_cls {
            ids.push(CLS);
            special.push(true);
        }
        ids.extend(sequence.as_bytes().iter().map(|letter| self.id(*letter)));
        special.resize(ids.len(), false);
        ids.push(SEP);
        special.push(true);
        Ok(Tokens { ids, special })
    }
}
