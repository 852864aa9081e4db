//! One rule for the ids of a file of sequences: the column that the user names; else the FASTA names, or the column
//! `example_id`, `id` or `name`, if its values are unique and none is empty; else the 0-based rows.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Names, in lower case, that an id column may have.
pub(crate) const ID_NAMES: &[&str] = &["example_id", "id", "name"];

/// Ids by their hashes, to find what is wrong with them in little memory.
#[derive(Default)]
pub(crate) struct SeenIds {
    hashes: Vec<u64>,
    first_empty: Option<u64>,
}

/// What is wrong with a column of ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IdProblem {
    /// No id at this line.
    Empty { line: u64 },
    /// An id twice.
    Repeated { id: String, first_line: u64, line: u64 },
}

impl SeenIds {
    /// Takes the id of a line.
    pub(crate) fn add(&mut self, id: &str, line: u64) {
        if id.is_empty() {
            self.first_empty.get_or_insert(line);
        }
        self.hashes.push(hash(id));
    }

    /// Number of ids.
    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// The line of the first empty id.
    pub(crate) fn first_empty(&self) -> Option<u64> {
        self.first_empty
    }

    /// The hashes that occur more than once. Different ids can have the same hash.
    pub(crate) fn repeated(mut self) -> HashSet<u64> {
        self.hashes.sort_unstable();
        self.hashes.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect()
    }
}

/// Finds an id that occurs twice, in a second pass over those whose hashes do.
pub(crate) struct Repeats {
    hashes: HashSet<u64>,
    lines: HashMap<String, u64>,
}

impl Repeats {
    pub(crate) fn new(hashes: HashSet<u64>) -> Self {
        Self { hashes, lines: HashMap::new() }
    }

    /// Takes the id of a line; the problem if it was there before.
    pub(crate) fn add(&mut self, id: &str, line: u64) -> Option<IdProblem> {
        if !self.hashes.contains(&hash(id)) {
            return None;
        }
        let first_line = self.lines.insert(id.to_owned(), line)?;
        Some(IdProblem::Repeated { id: id.to_owned(), first_line, line })
    }
}

impl IdProblem {
    /// The line to look at.
    pub(crate) fn line(&self) -> u64 {
        match self {
            Self::Empty { line } | Self::Repeated { line, .. } => *line,
        }
    }

    /// The error where the user named the column.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Empty { .. } => "the id is empty".to_owned(),
            Self::Repeated { id, first_line, .. } => {
                format!("duplicate id {id:?}, first seen at line {first_line}")
            }
        }
    }

    /// What is said where the column was only guessed.
    pub(crate) fn remark(&self, column: &str) -> String {
        let (column, has) = match column {
            "header" => ("the record names".to_owned(), "have"),
            column => (format!("column {column:?}"), "has"),
        };
        let why = match self {
            Self::Empty { line } => format!("{column} {has} no id at line {line}"),
            Self::Repeated { id, first_line, line } => {
                format!("{column} {has} {id:?} at lines {first_line} and {line}")
            }
        };
        format!("the ids are row numbers from 0: {why}; --id names another column")
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
