//! The dataset card: a TOML file that says where the data is, what its columns mean and how its rows are split.
//!
//! Reading a card checks everything that can be known without the data; [`crate::load()`] checks the rest.

mod bundled;
mod check;
mod find;
mod lock;
mod paths;
mod problem;
mod split_rule;
pub mod values;

use crate::error::DataError;
use seqprobe_core::{PublishedScore, Split, TaskKind, parse_toml};
use seqprobe_files::FileKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

pub use bundled::{BundledCard, bundled_cards};
pub use find::{DataFolders, FindFileError, FoundFile, GetFile, card_ids, find_card, find_file};
pub use lock::{DataLock, LOCK_FILE, LockedFile};
pub use split_rule::{Shares, SplitMethod, SplitRule};
pub use values::{OneOrMany, Text};

/// The card format this version reads.
pub const CARD_SCHEMA: u32 = 1;

/// A dataset card.
///
/// Columns are named by their header, key or data set; with `header = false` they are numbers from 0. In FASTA files a column is
/// `header` (the name: the definition line up to the first blank), `header:KEY` (the value of a `KEY=VALUE` field of
/// the definition line; fields are separated by blanks or `|`), `header|N` and `header|last` (a part of the definition line
/// between `|`, from 0), or a column of the file's side table.
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
    /// Binary tasks: the value that is the positive class; default: the one that the words say, which a note names.
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
    /// A genome (FASTA). The rows are then intervals on it, 0-based and half-open, and have no sequence column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genome: Option<GenomeFile>,
    /// With `genome`: column of the end of the interval, the first base behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Text>,
    /// With `genome`: column of the strand. Rows with `-` are reverse-complemented; `+`, `.` and nothing are forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strand: Option<Text>,
    /// With `genome`: every interval is replaced by this number of bases around its centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Multilabel tasks with one target column: the column has a comma-separated list of label numbers, from 0 to this
    /// number minus 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<usize>,
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
    /// Scores that papers report on the test split.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedScore>,
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
    /// SHA-256 of the file as it is stored, 64 hexadecimal digits; without it, the digest in `datasets.lock`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The sequence column of this file, instead of the card's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Text>,
    /// The target columns of this file, as many as the card's, instead of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<OneOrMany<Text>>,
    /// The label of every row of this file, instead of a target column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text>,
    /// Where the file can be downloaded: `https://…`, or `hf:datasets/owner/name@revision/path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// FASTA: a table whose rows are joined to the records by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<SideTable>,
    /// The genome of the intervals of this file, instead of the card's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub genome: Option<GenomeFile>,
}

/// A CSV or TSV file with a header, joined to FASTA records by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideTable {
    /// Path, as in [`FileEntry::path`].
    pub path: String,
    /// SHA-256 of the file, as in [`FileEntry::sha256`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The column of the record names.
    pub id: Text,
    /// Where the file can be downloaded: `https://…`, or `hf:datasets/owner/name@revision/path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The genome that the intervals of a card are on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenomeFile {
    /// Path of a FASTA file, as in [`FileEntry::path`]: plain, BGZF or gzip.
    pub path: String,
    /// SHA-256 of the file, as in [`FileEntry::sha256`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where the file can be downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A file that a card names: data, side table or genome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedFile<'a> {
    /// Path below the card's folder or a data folder.
    pub path: &'a str,
    /// SHA-256 of the card; `None` where the lock file has it.
    pub sha256: Option<&'a str>,
    /// Where the file can be downloaded.
    pub url: Option<&'a str>,
}

macro_rules! named {
    ($($kind:ty),*) => {
        $(impl<'a> From<&'a $kind> for NamedFile<'a> {
            fn from(file: &'a $kind) -> Self {
                Self { path: &file.path, sha256: file.sha256.as_deref(), url: file.url.as_deref() }
            }
        })*
    };
}
named!(FileEntry, SideTable, GenomeFile);

/// Format of a data file; text may be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated (or `delimiter`) with optional double quotes.
    Csv,
    /// Tab-separated with optional double quotes.
    Tsv,
    /// FASTA, sequences on one line or several.
    Fasta,
    /// FASTQ; qualities are not used.
    Fastq,
    /// GenBank or EMBL flat file; features are not used.
    Genbank,
    /// One JSON object per line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// HDF5: data sets are columns.
    Hdf5,
}

impl Format {
    /// The word that cards use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Fasta => "fasta",
            Self::Fastq => "fastq",
            Self::Genbank => "genbank",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Hdf5 => "hdf5",
        }
    }

    /// True for formats whose records have a name and a sequence, and no columns.
    pub(crate) fn has_records(self) -> bool {
        matches!(self, Self::Fasta | Self::Fastq | Self::Genbank)
    }

    /// True for CSV and TSV.
    pub(crate) fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv)
    }
}

/// Maximum size of a card or suite, in bytes.
const MAX_SETTINGS: u64 = 16 << 20;

/// Reads the text of a card or suite. A file above 16 MiB is rejected before it fills the memory.
///
/// # Errors
/// The system's reason, or that the file is too large, not UTF-8 or something else, such as a Git LFS pointer.
pub fn read_settings(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_SETTINGS + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SETTINGS {
        let message =
            format!("it is larger than {} MiB, the maximum of cards and suites", MAX_SETTINGS >> 20);
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, message));
    }
    let kind = FileKind::of(&bytes);
    if !kind.is_text() && kind != FileKind::Empty {
        let hint = kind.hint().map_or(String::new(), |hint| format!(": {hint}"));
        let message = format!("is {kind}, expected TOML{hint}");
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, message));
    }
    String::from_utf8(bytes).map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
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
        card.check_text(text)?;
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

    /// Every file that the card names: data and their side tables by key, then the genome.
    pub fn named_files(&self) -> Vec<NamedFile<'_>> {
        let entries = self.files_in_order().flat_map(|(_, entries)| entries);
        let mut files: Vec<NamedFile<'_>> = entries
            .flat_map(|entry| {
                let others =
                    entry.table.iter().map(NamedFile::from).chain(entry.genome.iter().map(NamedFile::from));
                std::iter::once(entry.into()).chain(others)
            })
            .collect();
        files.extend(self.genome.iter().map(NamedFile::from));
        files
    }

    /// The genome of the intervals of a file; `None` where its rows are sequences.
    pub(crate) fn genome_of<'a>(&'a self, entry: &'a FileEntry) -> Option<&'a GenomeFile> {
        entry.genome.as_ref().or(self.genome.as_ref())
    }

    /// An error about this card.
    pub(crate) fn error(&self, message: impl Into<String>) -> DataError {
        DataError::card(&self.name, message)
    }

    /// The names of the targets; `label` where every file has a constant label.
    pub(crate) fn target_names(&self) -> Vec<String> {
        match &self.target {
            Some(target) if self.labels.is_some() => {
                let name = target.as_slice().first().map(|text| text.0.as_str()).unwrap_or_default();
                (0..self.labels.unwrap_or_default()).map(|label| format!("{name} {label}")).collect()
            }
            Some(target) => target
                .as_slice()
                .iter()
                .map(|text| match text.0.split_once([':', '|']) {
                    Some(("header", "last")) => "label".to_owned(),
                    Some(("header", key)) => key.to_owned(),
                    _ => text.0.clone(),
                })
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
