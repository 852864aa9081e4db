//! The dataset card: a TOML file that says where the data is, what its columns mean and how its rows are split.
//!
//! Reading a card checks everything that can be known without the data; [`crate::load()`] checks the rest.

mod bundled;
mod check;
mod find;
mod paths;
mod problem;
mod split_rule;
pub mod values;

use crate::error::DataError;
use seqprobe_core::{Split, TaskKind, parse_toml};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use bundled::{BundledCard, bundled_cards};
pub use find::{DataFolders, FindFileError, card_ids, find_card, find_file};
pub use split_rule::{Shares, SplitMethod, SplitRule};
pub use values::{OneOrMany, Text};

/// The card format this version reads.
pub const CARD_SCHEMA: u32 = 1;

/// A dataset card.
///
/// Columns are named by their header; with `header = false` they are numbers from 0. In FASTA files a column is
/// `header` (the name: the definition line up to the first blank), `header:KEY` (the value of a `KEY=VALUE` field of
/// the definition line; fields are separated by blanks or `|`), or a column of the file's side table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Card format, [`CARD_SCHEMA`].
    pub schema: u32,
    /// Identifier: letters, digits, `-`, `_` and `.`.
    pub id: String,
    /// One line that says what it is.
    pub title: String,
    /// What is predicted.
    pub task: TaskKind,
    /// Column of the sequence; not used in FASTA files.
    #[serde(default = "default_sequence_column")]
    pub sequence: Text,
    /// Column or columns of the target; may be left out when every file has a constant `label`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<OneOrMany<Text>>,
    /// Binary tasks: the value that is the positive class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<Text>,
    /// Multiclass tasks: the classes in output order; default: sorted, numbers before texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<Text>>,
    /// Column of the example id; default `<file key>:<0-based row>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example_id: Option<Text>,
    /// Column whose values are never split across train, valid and test, and are clusters of the bootstrap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Text>,
    /// Column of the chromosome, a name or `chr:start-end` (0-based, half-open); `header` for FASTA names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chromosome: Option<Text>,
    /// Column of the 0-based start on the chromosome, if `chromosome` has only a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Text>,
    /// Primary metric, an identifier of the metric registry.
    pub metric: String,
    /// Licence identifier.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// How to cite the data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub citation: String,
    /// Address of the source.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// A remark about the data; it is shown with every result.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Format of all files; default: guessed from the content of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Delimiter of CSV and TSV files, one ASCII character; default: guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// False when the first line of CSV and TSV files is data.
    #[serde(default = "default_header", skip_serializing_if = "is_true")]
    pub header: bool,
    /// The sequence column has overlapping k-mers of this length separated by blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kmers: Option<usize>,
    /// Files by key. The keys `train`, `valid` and `test` are these splits; any other key needs a [`SplitRule`].
    pub files: BTreeMap<String, OneOrMany<FileEntry>>,
    /// How the other keys are split.
    #[serde(default, rename = "split", skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<SplitRule>,
    /// The folder of the card: the first place where its files are looked for.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The card as the user named it; messages use it.
    #[serde(skip)]
    pub name: String,
}

/// One data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Path below the card's folder or a data folder, `/`-separated, never absolute and never with `..`.
    pub path: String,
    /// SHA-256 of the file as it is stored, 64 hexadecimal digits.
    pub sha256: String,
    /// The label of every row of this file, instead of a target column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text>,
    /// Where the file can be downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// FASTA: a table whose rows are joined to the records by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<SideTable>,
}

/// A CSV or TSV file with a header, joined to FASTA records by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideTable {
    /// Path, as in [`FileEntry::path`].
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The column of the record names.
    pub id: Text,
    /// Where the file can be downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Format of a data file, plain or gzip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated (or `delimiter`) with optional double quotes.
    Csv,
    /// Tab-separated with optional double quotes.
    Tsv,
    /// FASTA, sequences on one line or several.
    Fasta,
}

/// Maximum size of a card or suite, in bytes.
const MAX_SETTINGS: u64 = 16 << 20;

/// Reads the text of a card or suite. A file above 16 MiB is rejected before it fills the memory.
///
/// # Errors
/// The system's reason, or that the file is too large or not UTF-8.
pub fn read_settings(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_SETTINGS + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SETTINGS {
        let message =
            format!("it is larger than {} MiB, the maximum of cards and suites", MAX_SETTINGS >> 20);
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

impl Card {
    /// Reads and checks a card file.
    ///
    /// # Errors
    /// [`DataError`] when the file cannot be read, is not a card or contradicts itself.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let text = read_settings(path).map_err(|source| DataError::io(path, source))?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self::parse(&text, &path.display().to_string(), folder)
    }

    /// Reads and checks a card's text. Messages use `name`; the card's files are looked for in `folder` first.
    ///
    /// # Errors
    /// [`DataError`] when the text is not a card or contradicts itself.
    pub fn parse(text: &str, name: &str, folder: PathBuf) -> Result<Self, DataError> {
        let card = Self { folder, name: name.to_owned(), ..parse_toml(text, name)? };
        card.check()?;
        Ok(card)
    }

    /// The card as TOML; reading it again gives the same card.
    ///
    /// # Errors
    /// [`DataError::Card`] when a value cannot be written.
    pub fn to_toml(&self) -> Result<String, DataError> {
        toml::to_string_pretty(self).map_err(|error| self.error(error.to_string()))
    }

    /// The files: train, valid and test first, then the others by key.
    pub(crate) fn files_in_order(&self) -> impl Iterator<Item = (&str, &[FileEntry])> {
        let place = |key: &str| Split::ALL.into_iter().position(|split| split.as_str() == key).unwrap_or(3);
        let mut files: Vec<_> =
            self.files.iter().map(|(key, entries)| (key.as_str(), entries.as_slice())).collect();
        files.sort_by_key(|(key, _)| place(key));
        files.into_iter()
    }

    /// An error about this card.
    pub(crate) fn error(&self, message: impl Into<String>) -> DataError {
        DataError::card(&self.name, message)
    }

    /// The names of the targets; `label` where every file has a constant label.
    pub(crate) fn target_names(&self) -> Vec<String> {
        match &self.target {
            Some(target) => target
                .as_slice()
                .iter()
                .map(|text| text.0.strip_prefix("header:").unwrap_or(&text.0).to_owned())
                .collect(),
            None => vec!["label".to_owned()],
        }
    }
}

fn default_sequence_column() -> Text {
    Text::from("sequence")
}

fn default_header() -> bool {
    true
}

fn is_true(value: &bool) -> bool {
    *value
}
