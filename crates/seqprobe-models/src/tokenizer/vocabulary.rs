//! The vocabulary files of a checkpoint: `vocab.txt` (one token per line, whose id is the line number from 0) or
//! the table of a `tokenizer.json`. If both exist, they must agree.

use crate::error::ModelError;
use seqprobe_core::digest::DigestBuilder;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Keys of `tokenizer_config.json`, and the names that BERT's tokenizer uses if the file or the key is absent.
const SPECIAL_TOKENS: [(&str, &str); 5] = [
    ("pad_token", "[PAD]"),
    ("unk_token", "[UNK]"),
    ("cls_token", "[CLS]"),
    ("sep_token", "[SEP]"),
    ("mask_token", "[MASK]"),
];

/// Ids of upper-case k-mers.
pub(crate) type KmerIds = HashMap<Box<[u8]>, i64>;

/// Tokens and their ids, as the files list them.
pub(crate) struct Vocabulary {
    path: PathBuf,
    ids: HashMap<String, i64>,
    config: Value,
    contents: Vec<Vec<u8>>,
}

impl Vocabulary {
    pub(crate) fn read(folder: &Path) -> Result<Self, ModelError> {
        let lines_path = folder.join("vocab.txt");
        let json_path = folder.join("tokenizer.json");
        let mut contents = Vec::new();
        let from_lines = match read_optional(&lines_path)? {
            Some(text) => {
                Some(tokens_of_lines(&text, &lines_path).inspect(|_| contents.push(text.into_bytes()))?)
            }
            None => None,
        };
        let from_json = match read_optional(&json_path)? {
            Some(text) => {
                Some(tokens_of_json(&text, &json_path).inspect(|_| contents.push(text.into_bytes()))?)
            }
            None => None,
        };
        let (path, ids) = match (from_lines, from_json) {
            (Some(lines), Some(json)) if lines != json => {
                let message = "vocab.txt and tokenizer.json give different ids\n  hint: remove the one that does not belong to the weights".to_owned();
                return Err(ModelError::Tokenizer { path: folder.to_owned(), message });
            }
            (Some(ids), _) => (lines_path, ids),
            (None, Some(ids)) => (json_path, ids),
            (None, None) => {
                let message = "no vocab.txt and no tokenizer.json\n  hint: copy the tokenizer files of the checkpoint into the folder".to_owned();
                return Err(ModelError::Tokenizer { path: folder.to_owned(), message });
            }
        };
        let config_path = folder.join("tokenizer_config.json");
        let config = match read_optional(&config_path)? {
            Some(text) => {
                let config = parse(&text, &config_path)?;
                contents.push(text.into_bytes());
                config
            }
            None => Value::Null,
        };
        Ok(Self { path, ids, config, contents })
    }

    /// Returns the name of a special token in `tokenizer_config.json`; `null` counts as absent.
    pub(crate) fn given(&self, key: &str) -> Option<&str> {
        let value = self.config.get(key)?;
        value.get("content").unwrap_or(value).as_str()
    }

    /// Returns the id of a special token by its key in `tokenizer_config.json`, with BERT's names as defaults.
    pub(crate) fn special(&self, key: &'static str) -> Result<i64, ModelError> {
        let default =
            SPECIAL_TOKENS.into_iter().find(|(known, _)| *known == key).map_or("", |(_, name)| name);
        self.special_or(key, default)
    }

    /// As [`Vocabulary::special`], with another default.
    pub(crate) fn special_or(&self, key: &str, default: &str) -> Result<i64, ModelError> {
        let token = self.given(key).unwrap_or(default);
        self.ids.get(token).copied().ok_or_else(|| {
            self.error(format!(
                "the {key} {token:?} is not in the vocabulary\n  hint: tokenizer_config.json can name another {key}"
            ))
        })
    }

    /// Returns the id of a token.
    pub(crate) fn id(&self, token: &str) -> Option<i64> {
        self.ids.get(token).copied()
    }

    pub(crate) fn largest_id(&self) -> i64 {
        self.ids.values().copied().max().unwrap_or(0)
    }

    pub(crate) fn digest(&self) -> DigestBuilder {
        let mut builder = DigestBuilder::new("tokenizer v1");
        for content in &self.contents {
            builder.part(content);
        }
        builder
    }

    /// Returns k and the upper-case k-mers of the vocabulary. All k-mers over A C G T must exist, and no DNA token of
    /// another length. In a vocabulary of RNA (U and no T), U is read as T.
    pub(crate) fn kmers(&self) -> Result<(usize, KmerIds), ModelError> {
        let (k, kmers) = self.dna_tokens()?;
        if let Some(other) = kmers.keys().filter(|kmer| kmer.len() != k).min() {
            return Err(self.error(format!(
                "tokens of {} and of {k} bases, expected one length\n  hint: byte pairs need their merges; copy tokenizer.json of the checkpoint into the folder",
                other.len()
            )));
        }
        self.check_complete(&kmers, k)?;
        Ok((k, kmers))
    }

    /// Returns k, all k-mers, and the single bases A C G T N, which non-overlapping k-mers need for the remainder.
    pub(crate) fn kmers_and_bases(&self) -> Result<(usize, KmerIds), ModelError> {
        let (k, kmers) = self.dna_tokens()?;
        if k < 2 {
            return Err(self.error(
                "single bases only, expected k-mers and single bases\n  hint: this is the tokenizer of the Nucleotide Transformer, with 6-mers"
                    .to_owned(),
            ));
        }
        self.check_complete(&kmers, k)?;
        self.check_complete(&kmers, 1)?;
        if !kmers.contains_key(b"N".as_slice()) {
            return Err(self.error("token \"N\" is missing, expected all single bases".to_owned()));
        }
        if let Some(other) =
            kmers.keys().map(|kmer| kmer.len()).filter(|&length| length != 1 && length != k).min()
        {
            return Err(self.error(format!("tokens of {other}, of 1 and of {k} bases, expected two lengths")));
        }
        Ok((k, kmers))
    }

    /// Returns the length of the longest DNA token, and all DNA tokens in upper case.
    fn dna_tokens(&self) -> Result<(usize, KmerIds), ModelError> {
        let mut kmers = KmerIds::new();
        let is_of = |token: &str, letters: &[u8]| token.bytes().all(|letter| letters.contains(&letter));
        let has_t = self.ids.keys().any(|token| is_of(token, b"ACGTNacgtn") && token.contains(['T', 't']));
        let letters: &[u8] = if has_t { b"ACGTNacgtn" } else { b"ACGUNacgun" };
        for (token, &id) in self.ids.iter().filter(|(token, _)| is_of(token, letters)) {
            let upper = token.to_ascii_uppercase().replace('U', "T");
            if kmers.insert(upper.into_bytes().into(), id).is_some() {
                return Err(self.error(format!(
                    "token {token:?} occurs in both cases\n  hint: a vocabulary that distinguishes upper and lower case is not supported"
                )));
            }
        }
        let k = kmers.keys().map(|token| token.len()).max().unwrap_or(0);
        if k == 0 || k > 8 {
            return Err(self.error(format!("tokens of {k} bases, expected DNA tokens of 1 to 8 bases")));
        }
        Ok((k, kmers))
    }

    fn check_complete(&self, kmers: &KmerIds, k: usize) -> Result<(), ModelError> {
        for code in 0..4_usize.pow(k as u32) {
            let token: Vec<u8> = (0..k).rev().map(|place| b"ACGT"[(code >> (2 * place)) & 3]).collect();
            if !kmers.contains_key(token.as_slice()) {
                return Err(self.error(format!(
                    "k-mer {:?} is missing, expected all {} k-mers of {k} bases",
                    String::from_utf8_lossy(&token),
                    4_usize.pow(k as u32)
                )));
            }
        }
        Ok(())
    }

    /// An error about the vocabulary file.
    pub(crate) fn error(&self, message: String) -> ModelError {
        ModelError::Tokenizer { path: self.path.clone(), message }
    }
}

fn read_optional(path: &Path) -> Result<Option<String>, ModelError> {
    match crate::folder::small_file::read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ModelError::Io { path: path.to_owned(), source }),
    }
}

fn parse(text: &str, path: &Path) -> Result<Value, ModelError> {
    serde_json::from_str(text).map_err(|error| ModelError::Tokenizer {
        path: path.to_owned(),
        message: format!("not JSON: {error}"),
    })
}

fn tokens_of_lines(text: &str, path: &Path) -> Result<HashMap<String, i64>, ModelError> {
    let mut ids = HashMap::new();
    for (line, token) in text.trim_end().lines().map(str::trim).enumerate() {
        if token.is_empty() || ids.insert(token.to_owned(), line as i64).is_some() {
            return Err(ModelError::Tokenizer {
                path: path.to_owned(),
                message: format!("line {} is {token:?}, expected a token that occurs once", line + 1),
            });
        }
    }
    Ok(ids)
}

fn tokens_of_json(text: &str, path: &Path) -> Result<HashMap<String, i64>, ModelError> {
    let error = |message: &str| ModelError::Tokenizer { path: path.to_owned(), message: message.to_owned() };
    let value = parse(text, path)?;
    let model = value.get("model").ok_or_else(|| error("key \"model\" is missing"))?;
    if model.get("merges").and_then(Value::as_array).is_some_and(|merges| !merges.is_empty()) {
        return Err(error(
            "a byte-pair tokenizer with merges, expected single bases or overlapping k-mers\n  hint: the tokenizer files belong to another model",
        ));
    }
    let Some(Value::Object(table)) = model.get("vocab") else {
        return Err(error("key \"model.vocab\" is missing or not a table of tokens and ids"));
    };
    let mut ids = HashMap::new();
    for (token, id) in table {
        let id = id.as_i64().filter(|id| *id >= 0);
        ids.insert(
            token.clone(),
            id.ok_or_else(|| error(&format!("token {token:?} has no id of at least 0")))?,
        );
    }
    for added in value.get("added_tokens").and_then(Value::as_array).into_iter().flatten() {
        let content = added.get("content").and_then(Value::as_str);
        if let (Some(token), Some(id)) =
            (content, added.get("id").and_then(Value::as_i64).filter(|id| *id >= 0))
        {
            ids.insert(token.to_owned(), id);
        }
    }
    Ok(ids)
}
