//! The vocabulary files of a checkpoint: `vocab.txt` (one word per line, its id is the line) or the table
//! of a `tokenizer.json`. Where both are there they must say the same.

use crate::error::ModelError;
use seqprobe_core::digest::DigestBuilder;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Keys of `tokenizer_config.json` and the names that BERT's tokenizer takes where the file or the key is
/// absent.
const SPECIAL_TOKENS: [(&str, &str); 5] = [
    ("pad_token", "[PAD]"),
    ("unk_token", "[UNK]"),
    ("cls_token", "[CLS]"),
    ("sep_token", "[SEP]"),
    ("mask_token", "[MASK]"),
];

/// Ids of upper-case DNA words.
pub(crate) type DnaWords = HashMap<Box<[u8]>, i64>;

/// Words and their ids, as the files give them.
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
                Some(words_of_lines(&text, &lines_path).inspect(|_| contents.push(text.into_bytes()))?)
            }
            None => None,
        };
        let from_json = match read_optional(&json_path)? {
            Some(text) => {
                Some(words_of_json(&text, &json_path).inspect(|_| contents.push(text.into_bytes()))?)
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

    /// The name that `tokenizer_config.json` gives a special token; `null` counts as absent.
    pub(crate) fn given(&self, key: &str) -> Option<&str> {
        let value = self.config.get(key)?;
        value.get("content").unwrap_or(value).as_str()
    }

    /// Id of a special token by its key in `tokenizer_config.json`, with BERT's names as defaults.
    pub(crate) fn special(&self, key: &'static str) -> Result<i64, ModelError> {
        let default =
            SPECIAL_TOKENS.into_iter().find(|(known, _)| *known == key).map_or("", |(_, name)| name);
        self.special_or(key, default)
    }

    /// As [`Vocabulary::special`], with another default.
    pub(crate) fn special_or(&self, key: &str, default: &str) -> Result<i64, ModelError> {
        let word = self.given(key).unwrap_or(default);
        self.ids.get(word).copied().ok_or_else(|| {
            self.error(format!(
                "the {key} {word:?} is not in the vocabulary\n  hint: tokenizer_config.json can name another {key}"
            ))
        })
    }

    /// Id of a word.
    pub(crate) fn id(&self, word: &str) -> Option<i64> {
        self.ids.get(word).copied()
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

    /// The words that are DNA, upper case, and their common length; all words over A C G T must be there. In a
    /// vocabulary of RNA (U and no T) U is read as T.
    pub(crate) fn dna_words(&self) -> Result<(usize, DnaWords), ModelError> {
        let (k, words) = self.dna_words_of_any_length()?;
        if let Some(other) = words.keys().filter(|word| word.len() != k).min() {
            return Err(self.error(format!(
                "words of {} and of {k} letters, expected one length\n  hint: byte pairs need their merges; copy tokenizer.json of the checkpoint into the folder",
                other.len()
            )));
        }
        self.check_complete(&words, k)?;
        Ok((k, words))
    }

    /// The DNA words of k-mers that lie side by side, and k: all words of k letters and, for what is left
    /// over, the single letters A C G T N.
    pub(crate) fn side_by_side_words(&self) -> Result<(usize, DnaWords), ModelError> {
        let (k, words) = self.dna_words_of_any_length()?;
        if k < 2 {
            return Err(self.error(
                "single letters only, expected k-mers and single letters\n  hint: this tokenizer is that of the Nucleotide Transformer, with 6-mers"
                    .to_owned(),
            ));
        }
        self.check_complete(&words, k)?;
        self.check_complete(&words, 1)?;
        if !words.contains_key(b"N".as_slice()) {
            return Err(self.error("word \"N\" is missing, expected all single letters".to_owned()));
        }
        if let Some(other) =
            words.keys().map(|word| word.len()).filter(|&length| length != 1 && length != k).min()
        {
            return Err(
                self.error(format!("words of {other}, of 1 and of {k} letters, expected two lengths"))
            );
        }
        Ok((k, words))
    }

    /// The words that are DNA, upper case, and the length of the longest.
    fn dna_words_of_any_length(&self) -> Result<(usize, DnaWords), ModelError> {
        let mut words = DnaWords::new();
        let is_of = |word: &str, letters: &[u8]| word.bytes().all(|letter| letters.contains(&letter));
        let has_t = self.ids.keys().any(|word| is_of(word, b"ACGTNacgtn") && word.contains(['T', 't']));
        let letters: &[u8] = if has_t { b"ACGTNacgtn" } else { b"ACGUNacgun" };
        for (word, &id) in self.ids.iter().filter(|(word, _)| is_of(word, letters)) {
            let upper = word.to_ascii_uppercase().replace('U', "T");
            if words.insert(upper.into_bytes().into(), id).is_some() {
                return Err(self.error(format!(
                    "word {word:?} occurs in both cases\n  hint: a vocabulary that tells cases apart is not supported"
                )));
            }
        }
        let k = words.keys().map(|word| word.len()).max().unwrap_or(0);
        if k == 0 || k > 8 {
            return Err(self.error(format!("words of {k} letters, expected DNA words of 1 to 8 letters")));
        }
        Ok((k, words))
    }

    fn check_complete(&self, words: &DnaWords, k: usize) -> Result<(), ModelError> {
        for code in 0..4_usize.pow(k as u32) {
            let word: Vec<u8> = (0..k).rev().map(|place| b"ACGT"[(code >> (2 * place)) & 3]).collect();
            if !words.contains_key(word.as_slice()) {
                return Err(self.error(format!(
                    "word {:?} is missing, expected all {} words of {k} letters",
                    String::from_utf8_lossy(&word),
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
    match crate::small_file::read_text(path) {
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

fn words_of_lines(text: &str, path: &Path) -> Result<HashMap<String, i64>, ModelError> {
    let mut ids = HashMap::new();
    for (line, word) in text.trim_end().lines().map(str::trim).enumerate() {
        if word.is_empty() || ids.insert(word.to_owned(), line as i64).is_some() {
            return Err(ModelError::Tokenizer {
                path: path.to_owned(),
                message: format!("line {} holds {word:?}, expected a word that occurs once", line + 1),
            });
        }
    }
    Ok(ids)
}

fn words_of_json(text: &str, path: &Path) -> Result<HashMap<String, i64>, ModelError> {
    let error = |message: &str| ModelError::Tokenizer { path: path.to_owned(), message: message.to_owned() };
    let value = parse(text, path)?;
    let model = value.get("model").ok_or_else(|| error("key \"model\" is missing"))?;
    if model.get("merges").and_then(Value::as_array).is_some_and(|merges| !merges.is_empty()) {
        return Err(error(
            "a byte-pair tokenizer with merges, expected single letters or overlapping k-mers\n  hint: the tokenizer files belong to another model",
        ));
    }
    let Some(Value::Object(table)) = model.get("vocab") else {
        return Err(error("key \"model.vocab\" is missing or no table of words and ids"));
    };
    let mut ids = HashMap::new();
    for (word, id) in table {
        let id = id.as_i64().filter(|id| *id >= 0);
        ids.insert(word.clone(), id.ok_or_else(|| error(&format!("word {word:?} has no id of at least 0")))?);
    }
    for token in value.get("added_tokens").and_then(Value::as_array).into_iter().flatten() {
        let content = token.get("content").and_then(Value::as_str);
        if let (Some(word), Some(id)) =
            (content, token.get("id").and_then(Value::as_i64).filter(|id| *id >= 0))
        {
            ids.insert(word.to_owned(), id);
        }
    }
    Ok(ids)
}
