//! A column of a user's file that may say which split a row is in.

use super::words::{split_named, words_shown};
use seqprobe_core::Split;
use std::collections::BTreeMap;
use thiserror::Error;

/// Distinct values that are kept; a column of splits has no more.
const MAX_VALUES: usize = 50;
/// Values shown in a message.
const SHOWN: usize = 6;

/// The values of a column that may be a split.
pub(crate) struct SplitColumn {
    name: String,
    /// Rows of each value, and the first line.
    values: BTreeMap<String, (usize, u64)>,
}

/// What a column says about splits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SplitWords {
    /// Nothing: none of its values is a word for a split.
    None { values: String },
    /// Train, valid and test, with their sizes in words.
    Whole(String),
    /// Train and test only.
    WithoutValid(String),
}

/// A column that has words for splits and cannot be used.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum SplitProblem {
    #[error(
        "column {column:?} has words for splits, but {value:?} at line {line} is none\n  hint: the words are {words}; \
        --split random ignores the column"
    )]
    Word { column: String, value: String, line: u64, words: String },
    #[error(
        "column {column:?} has no {split} rows: {counts}\n  hint: --split names another column, --split random ignores it"
    )]
    Empty { column: String, split: &'static str, counts: String },
}

impl SplitColumn {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), values: BTreeMap::new() }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Takes the value of a line.
    pub(crate) fn add(&mut self, text: &str, line: u64) {
        let text = text.trim();
        if let Some((count, _)) = self.values.get_mut(text) {
            *count += 1;
        } else if self.values.len() < MAX_VALUES || split_named(text).is_some() {
            self.values.insert(text.to_owned(), (1, line));
        }
    }

    /// What it says.
    pub(crate) fn words(&self) -> Result<SplitWords, SplitProblem> {
        let column = || self.name.clone();
        let mut counts = [0_usize; 3];
        let mut other: Option<(&String, u64)> = None;
        for (value, &(count, line)) in &self.values {
            match Split::ALL.into_iter().position(|split| split_named(value) == Some(split)) {
                Some(split) => counts[split] += count,
                None if other.is_none_or(|(_, first)| line < first) => other = Some((value, line)),
                None => {}
            }
        }
        if counts == [0, 0, 0] {
            return Ok(SplitWords::None { values: self.shown() });
        }
        if let Some((value, line)) = other {
            let value = value.clone();
            return Err(SplitProblem::Word { column: column(), value, line, words: words_shown() });
        }
        let sizes: Vec<String> = Split::ALL
            .into_iter()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .map(|(split, count)| format!("{count} {}", split.as_str()))
            .collect();
        let sizes = sizes.join(", ");
        match counts {
            [0, _, _] => Err(SplitProblem::Empty { column: column(), split: "train", counts: sizes }),
            [_, _, 0] => Err(SplitProblem::Empty { column: column(), split: "test", counts: sizes }),
            [_, 0, _] => Ok(SplitWords::WithoutValid(sizes)),
            _ => Ok(SplitWords::Whole(sizes)),
        }
    }

    fn shown(&self) -> String {
        let mut texts: Vec<String> =
            self.values.keys().take(SHOWN).map(|value| format!("{value:?}")).collect();
        if self.values.len() > SHOWN {
            texts.push("…".to_owned());
        }
        texts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(values: &[&str]) -> Result<SplitWords, String> {
        let mut column = SplitColumn::new("split");
        (2..).zip(values).for_each(|(line, value)| column.add(value, line));
        column.words().map_err(|problem| problem.to_string())
    }

    #[test]
    fn words_are_counted_and_others_are_named() {
        assert_eq!(
            words(&["Train", "train", "VAL", "test"]),
            Ok(SplitWords::Whole("2 train, 1 valid, 1 test".to_owned()))
        );
        assert_eq!(words(&["train", "test"]), Ok(SplitWords::WithoutValid("1 train, 1 test".to_owned())));
        assert_eq!(words(&["a", "b"]), Ok(SplitWords::None { values: "\"a\", \"b\"".to_owned() }));
        let error = words(&["train", "test", "", "extra"]).unwrap_err();
        assert!(
            error.starts_with("column \"split\" has words for splits, but \"\" at line 4 is none\n"),
            "{error}"
        );
        let error = words(&["train", "dev"]).unwrap_err();
        assert!(error.starts_with("column \"split\" has no test rows: 1 train, 1 valid\n"), "{error}");
        assert!(words(&["test"]).unwrap_err().contains("has no train rows: 1 test"));
    }
}
