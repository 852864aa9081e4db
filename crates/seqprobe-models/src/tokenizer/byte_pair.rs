//! Byte-pair encoding (BPE) by a checkpoint's `tokenizer.json`, applied by the `tokenizers` library that the
//! authors used: its normaliser, its split, its merges in their order, its added tokens. Bases that the vocabulary
//! does not contain become the unknown token of the file, or nothing if the file names none.
//!
//! Truncation and padding by the file are switched off, because the caller decides what happens to long input. Random
//! merges (dropout) are refused. If the vocabulary is of RNA (U and no T), T is read as U.

use super::contract::{Tokenizer, TokenizerKind};
use super::kmers::read_kmers_cls_sep;
use crate::batch::Tokens;
use crate::error::ModelError;
use crate::folder::config_file::ConfigFile;
use seqprobe_core::digest::DigestBuilder;
use seqprobe_core::{Digest, DnaSequence};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use thiserror::Error;

pub(super) const BYTE_PAIRS: TokenizerKind = TokenizerKind {
    id: "byte-pair",
    former_ids: &[],
    title: "byte pairs of tokenizer.json, with the tokens it adds",
    read: read_byte_pairs,
};

/// Far more than any vocabulary needs.
const MAX_BYTES: u64 = 64 << 20;

/// Reads a byte-pair tokenizer.
///
/// # Errors
/// As [`BytePairTokenizer::read`].
pub(crate) fn read_byte_pairs(folder: &Path, _: &ConfigFile) -> Result<Box<dyn Tokenizer>, ModelError> {
    Ok(Box::new(BytePairTokenizer::read(folder)?))
}

/// Reads a byte-pair tokenizer if `tokenizer.json` has merges, else one of k-mers between CLS and SEP.
///
/// # Errors
/// As the two tokenizers.
pub(crate) fn read_byte_pairs_or_kmers(
    folder: &Path,
    config: &ConfigFile,
) -> Result<Box<dyn Tokenizer>, ModelError> {
    let path = folder.join("tokenizer.json");
    let Some(bytes) = read_optional(&path)? else {
        return read_kmers_cls_sep(folder, config);
    };
    let merges = parse(&path, &bytes)?.pointer("/model/merges").and_then(Value::as_array).map_or(0, Vec::len);
    if merges == 0 { read_kmers_cls_sep(folder, config) } else { read_byte_pairs(folder, config) }
}

/// A byte-pair tokenizer.
pub struct BytePairTokenizer {
    path: PathBuf,
    tokenizer: tokenizers::Tokenizer,
    is_rna: bool,
    puts_cls_first: bool,
    pad_id: i64,
    largest_id: i64,
    digest: Digest,
}

impl BytePairTokenizer {
    /// Reads `tokenizer.json` of a model folder. The name of the padding token comes from `tokenizer_config.json` or
    /// `special_tokens_map.json`, else it is `[PAD]`.
    ///
    /// # Errors
    /// [`ModelError::Tokenizer`] if the file is absent (with the way to make it from the files of a slow tokenizer),
    /// damaged, or of another kind.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("tokenizer.json");
        let bytes = read_optional(&path)?.ok_or_else(|| absent(folder))?;
        let mut digest = DigestBuilder::new("byte pairs v1");
        digest.part(&bytes);
        let value = without_settings(parse(&path, &bytes)?);
        check(&value).map_err(|wrong| error(&path, wrong.to_string()))?;
        let text = value.to_string();
        let tokenizer = tokenizers::Tokenizer::from_bytes(text.as_bytes())
            .map_err(|cause| error(&path, format!("not a tokenizer: {cause}")))?;
        let mut pad_token = None;
        for name in ["tokenizer_config.json", "special_tokens_map.json"] {
            let path = folder.join(name);
            let Some(bytes) = read_optional(&path)? else { continue };
            digest.part(name.as_bytes()).part(&bytes);
            let value = parse(&path, &bytes)?;
            let given = value.get("pad_token");
            let content = given.and_then(|given| given.get("content")).or(given).and_then(Value::as_str);
            pad_token = pad_token.or(content.map(str::to_owned));
        }
        let pad_token = pad_token.unwrap_or_else(|| "[PAD]".to_owned());
        let pad_id = tokenizer.token_to_id(&pad_token).ok_or_else(|| {
            error(&path, format!("the pad_token {pad_token:?} is not in the vocabulary\n  hint: tokenizer_config.json can name another pad_token"))
        })?;
        let has =
            |letter: [&str; 2]| letter.into_iter().any(|letter| tokenizer.token_to_id(letter).is_some());
        let is_rna = has(["U", "u"]) && !has(["T", "t"]);
        let largest_id = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        let mut read = Self {
            path,
            tokenizer,
            is_rna,
            puts_cls_first: false,
            pad_id: i64::from(pad_id),
            largest_id: i64::from(largest_id),
            digest: digest.finish(),
        };
        read.puts_cls_first = read.encode("A")?.special.first() == Some(&true);
        Ok(read)
    }

    fn encode(&self, bases: &str) -> Result<Tokens, ModelError> {
        let encoding = self
            .tokenizer
            .encode(bases, true)
            .map_err(|cause| error(&self.path, format!("cannot be applied to {bases:.20}: {cause}")))?;
        Ok(Tokens {
            ids: encoding.get_ids().iter().map(|&id| i64::from(id)).collect(),
            special: encoding.get_special_tokens_mask().iter().map(|&added| added == 1).collect(),
        })
    }
}

impl Tokenizer for BytePairTokenizer {
    fn pad_id(&self) -> i64 {
        self.pad_id
    }

    fn largest_id(&self) -> i64 {
        self.largest_id
    }

    fn digest(&self) -> Digest {
        self.digest
    }

    fn adds_no_cls(&self) -> bool {
        !self.puts_cls_first
    }

    fn tokenize(&self, sequence: &DnaSequence) -> Result<Tokens, ModelError> {
        let tokens = match self.is_rna {
            true => self.encode(&sequence.as_str().replace('T', "U"))?,
            false => self.encode(sequence.as_str())?,
        };
        if tokens.special.iter().all(|special| *special) {
            let message = format!(
                "a sequence of {} bases has no token\n  hint: the vocabulary contains none of its bases; leave out such sequences",
                sequence.len()
            );
            return Err(error(&self.path, message));
        }
        Ok(tokens)
    }
}

fn error(path: &Path, message: String) -> ModelError {
    ModelError::Tokenizer { path: path.to_owned(), message }
}

fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, ModelError> {
    match std::fs::metadata(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(ModelError::io(path)(cause)),
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            let message =
                format!("the file has {} bytes, expected a tokenizer of at most {MAX_BYTES}", metadata.len());
            return Err(error(path, message));
        }
        Ok(_) => {}
    }
    let text = crate::folder::small_file::read_text(path).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::InvalidData => error(path, cause.to_string()),
        _ => ModelError::io(path)(cause),
    })?;
    Ok(Some(text.into_bytes()))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value, ModelError> {
    serde_json::from_slice(bytes).map_err(|cause| error(path, format!("not JSON: {cause}")))
}

/// Returns the error for a folder without `tokenizer.json`. It says how to make the file from those of a slow
/// tokenizer.
fn absent(folder: &Path) -> ModelError {
    let slow = ["vocab.json", "merges.txt", "tokenizer.model", "spiece.model", "vocab.txt"];
    let found: Vec<&str> = slow.into_iter().filter(|name| folder.join(name).exists()).collect();
    let message = if found.is_empty() {
        "no tokenizer.json\n  hint: copy the tokenizer files of the checkpoint into the folder".to_owned()
    } else {
        format!(
            "no tokenizer.json, found {}\n  hint: write it once, inside the folder: python -c \"from transformers import AutoTokenizer; AutoTokenizer.from_pretrained('.', use_fast=True).save_pretrained('.')\"",
            found.join(", ")
        )
    };
    error(folder, message)
}

/// Removes the settings that this program does not use: truncation, padding, and the decoder.
fn without_settings(mut value: Value) -> Value {
    if let Value::Object(keys) = &mut value {
        for key in ["truncation", "padding", "decoder"] {
            keys.insert(key.to_owned(), Value::Null);
        }
    }
    value
}

/// A `tokenizer.json` that the library cannot be given.
#[derive(Debug, Error)]
enum WrongTokenizer {
    #[error("key \"model\" is missing")]
    NoModel,
    #[error(
        "key \"model.type\" is {0}, expected \"BPE\"\n  hint: the family needs the byte-pair tokenizer that was published with the weights"
    )]
    Kind(Value),
    #[error("key \"model.dropout\" is {0}, expected none: tokens would be random")]
    Dropout(Value),
    #[error("key \"model.continuing_subword_prefix\" is {0}, expected none")]
    SubwordPrefix(Value),
    #[error("key \"model.vocab\" is missing or not a table of tokens and ids")]
    NoVocabulary,
    #[error("token {token:?} has the id {id}, expected a whole number below 2^31")]
    Id { token: String, id: Value },
    #[error("key \"model.merges\" makes {0:?}, which is not in the vocabulary")]
    Merge(String),
    #[error("key \"post_processor\" adds {0:?}, which is not among its special_tokens")]
    AddedToken(String),
    #[error("key \"post_processor\" asks for a second sequence")]
    SecondSequence,
}

/// Checks what the library would not check, or would do at random.
fn check(value: &Value) -> Result<(), WrongTokenizer> {
    let model = value.get("model").ok_or(WrongTokenizer::NoModel)?;
    let kind = model.get("type").filter(|kind| !kind.is_null());
    if let Some(kind) = kind.filter(|kind| kind.as_str() != Some("BPE")) {
        return Err(WrongTokenizer::Kind(kind.clone()));
    }
    let is_set = |value: &&Value| !value.is_null() && value.as_f64() != Some(0.0);
    if let Some(dropout) = model.get("dropout").filter(is_set) {
        return Err(WrongTokenizer::Dropout(dropout.clone()));
    }
    let is_text = |value: &&Value| !value.is_null() && value.as_str() != Some("");
    if let Some(prefix) = model.get("continuing_subword_prefix").filter(is_text) {
        return Err(WrongTokenizer::SubwordPrefix(prefix.clone()));
    }
    let Some(Value::Object(vocabulary)) = model.get("vocab") else {
        return Err(WrongTokenizer::NoVocabulary);
    };
    // A short file with a huge id must not make the library allocate a huge table.
    if let Some((token, id)) = vocabulary.iter().find(|(_, id)| id.as_u64().is_none_or(|id| id >= 1 << 31)) {
        return Err(WrongTokenizer::Id { token: token.clone(), id: id.clone() });
    }
    check_merges(model.get("merges").unwrap_or(&Value::Null), vocabulary)?;
    check_templates(value.get("post_processor").unwrap_or(&Value::Null))
}

/// Checks that the result of each merge is a token. The library fails for a result that is longer than all tokens.
fn check_merges(merges: &Value, vocabulary: &Map<String, Value>) -> Result<(), WrongTokenizer> {
    for merge in merges.as_array().into_iter().flatten() {
        let parts = match merge {
            Value::Array(parts) => {
                (parts.first().and_then(Value::as_str), parts.get(1).and_then(Value::as_str))
            }
            text => text.as_str().and_then(|text| text.split_once(' ')).unzip(),
        };
        let (Some(first), Some(second)) = parts else { continue };
        let made = format!("{first}{second}");
        if vocabulary.contains_key(first)
            && vocabulary.contains_key(second)
            && !vocabulary.contains_key(&made)
        {
            return Err(WrongTokenizer::Merge(made));
        }
    }
    Ok(())
}

/// Checks that every token that a template adds is one of its special tokens, and that it needs one sequence only.
fn check_templates(processor: &Value) -> Result<(), WrongTokenizer> {
    for inner in processor.get("processors").and_then(Value::as_array).into_iter().flatten() {
        check_templates(inner)?;
    }
    for piece in processor.get("single").and_then(Value::as_array).into_iter().flatten() {
        if let Some(token) = piece.pointer("/SpecialToken/id").and_then(Value::as_str) {
            let described = processor.get("special_tokens").and_then(|tokens| tokens.get(token));
            if described.is_none() {
                return Err(WrongTokenizer::AddedToken(token.to_owned()));
            }
        }
        if piece.pointer("/Sequence/id").and_then(Value::as_str) == Some("B") {
            return Err(WrongTokenizer::SecondSequence);
        }
    }
    Ok(())
}
