//! What can be wrong with a suite: the file, the entry, the key, and what is allowed.

use seqprobe_core::config::{AtLine, line_of_key, nearest};
use seqprobe_core::{ConfigError, SettingsError};
use std::path::PathBuf;
use thiserror::Error;

/// A suite that cannot be used.
#[derive(Debug, Error)]
pub enum SuiteError {
    /// The file cannot be read.
    #[error("{}: {reason}\n  hint: give the path of a suite file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file is not a suite in TOML.
    #[error(transparent)]
    Toml(#[from] ConfigError),
    /// A key or a value cannot be used.
    #[error("{source_name}{}: {place}{problem}", AtLine(*line))]
    Problem {
        /// The file, or `command line`.
        source_name: String,
        /// The line of the key in the file, from 1.
        line: Option<usize>,
        /// The keys that lead to the entry: `representation`, `1`; empty for the suite's own keys.
        entry: Vec<String>,
        /// The entry, such as `representation 2: `; empty for the suite's own keys.
        place: String,
        /// What is wrong.
        problem: SuiteProblem,
    },
    /// A list that may not be empty.
    #[error("{source_name}{}: no {list}: nothing to run", AtLine(*line))]
    Empty {
        /// The file, or `command line`.
        source_name: String,
        /// The line of the key in the file, from 1.
        line: Option<usize>,
        /// The list: `datasets`, `[[representation]]` or `[[probe]]`.
        list: &'static str,
    },
}

impl SuiteError {
    /// The same error with the line of its key in the suite's text.
    pub(crate) fn at_line_of(mut self, text: &str) -> Self {
        match &mut self {
            Self::Problem { line, entry, problem, .. } => {
                let path: Vec<String> = entry.iter().cloned().chain(problem.path()).collect();
                *line = line_of_key(text, &path);
            }
            Self::Empty { line, list, .. } => {
                let key = list.trim_matches(|letter| letter == '[' || letter == ']');
                *line = line_of_key(text, &[key.to_owned()]);
            }
            Self::Unreadable { .. } | Self::Toml(_) => {}
        }
        self
    }
}

/// What is wrong with one key of a suite.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SuiteProblem {
    /// The layout's version.
    #[error("schema {0} is not known, expected 1")]
    Schema(u32),
    /// The suite's name is also a file name.
    #[error("name {0:?} must consist of letters, digits, - _ and .")]
    Name(String),
    /// No seeds, or one twice.
    #[error("seeds must be a non-empty list of distinct numbers")]
    Seeds,
    /// A number outside of its range.
    #[error("{key} is {found}, expected {expected}")]
    Range {
        /// The key.
        key: &'static str,
        /// The value found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The same representation or probe twice.
    #[error("{0:?} is named a second time")]
    Twice(String),
    /// A word that does not exist, with the nearest one that does.
    #[error("unknown {what} {word:?}\n  hint: {hint}")]
    Unknown {
        /// The key.
        key: &'static str,
        /// What the word should name.
        what: &'static str,
        /// The word.
        word: String,
        /// The nearest known word, or all of them.
        hint: String,
    },
    /// A word of another crate's type that cannot be read.
    #[error("{key}: {message}")]
    Word {
        /// The key.
        key: &'static str,
        /// What is wrong, with what is allowed.
        message: String,
    },
    /// A list without entries.
    #[error("{0} is empty")]
    EmptyList(&'static str),
    /// Two ways to join predictions to examples.
    #[error("ids and sequences are both given\n  hint: rows are joined by one of them: leave out the other")]
    TwoJoins,
    /// `keep` and the key that it replaced.
    #[error("keep and truncate are both given\n  hint: truncate is the old name of keep: leave it out")]
    KeepTwice,
    /// Two ways to read a long sequence.
    #[error(
        "keep and window are both given\n  hint: windows read the whole sequence, so nothing is cut: leave out one of them"
    )]
    KeepAndWindow,
    /// A key that does not belong to this kind of representation.
    #[error("{key} does not belong to {of}\n  hint: {hint}")]
    Foreign {
        /// The key.
        key: &'static str,
        /// The kind of representation.
        of: String,
        /// What to do instead.
        hint: &'static str,
    },
    /// A probe without a name.
    #[error("the key \"id\" is missing")]
    NoId,
    /// An entry must name exactly one source.
    #[error("needs exactly one of the keys id, model, embeddings and predictions")]
    OneSource,
    /// The name of imported embeddings.
    #[error("name {0:?} must be a text without control characters that does not start with random:")]
    ImportName(String),
    /// Settings of a probe.
    #[error("{probe}: {problem}")]
    Probe {
        /// The probe.
        probe: String,
        /// What is wrong.
        problem: SettingsError,
    },
}

impl SuiteProblem {
    /// An unknown word with the nearest known one, or all of them.
    pub(crate) fn unknown(key: &'static str, what: &'static str, word: &str, known: &[&str]) -> Self {
        let hint = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("use one of {}", known.join(", ")),
        };
        Self::Unknown { key, what, word: word.to_owned(), hint }
    }

    /// An error of a word that another crate reads, for `map_err`.
    pub(crate) fn word<E: ToString>(key: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::Word { key, message: error.to_string() }
    }

    /// The key at fault in its entry, and the keys below it.
    fn path(&self) -> Vec<String> {
        let key = match self {
            Self::Probe { problem, .. } => return problem.path(),
            Self::Schema(_) => "schema",
            Self::Name(_) | Self::ImportName(_) => "name",
            Self::Seeds => "seeds",
            Self::Range { key, .. }
            | Self::Unknown { key, .. }
            | Self::Word { key, .. }
            | Self::EmptyList(key)
            | Self::Foreign { key, .. } => key,
            Self::KeepTwice => "truncate",
            Self::KeepAndWindow => "window",
            Self::TwoJoins => "sequences",
            Self::Twice(_) | Self::OneSource | Self::NoId => return Vec::new(),
        };
        vec![key.to_owned()]
    }
}
