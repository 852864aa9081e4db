//! Reading TOML that a person wrote: an error names the line, the key, the value found and what is allowed, and
//! suggests the nearest known word.

mod place;
mod wording;

use serde::de::DeserializeOwned;
use std::fmt;
use thiserror::Error;

pub use place::{line_of_key, path_text};

/// A TOML text that cannot be used.
#[derive(Debug, Error)]
#[error("{file}{}: {message}", AtLine(*line))]
pub struct ConfigError {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1; absent when no line is at fault.
    pub line: Option<usize>,
    /// The keys that lead to the fault, from the outside to the inside; positions in lists are numbers from 0.
    pub path: Vec<String>,
    /// The key, what was found and what is allowed, and perhaps a hint.
    pub message: String,
}

/// Writes `:LINE` after the name of a file, or nothing where no line is known.
#[derive(Clone, Copy, Debug)]
pub struct AtLine(pub Option<usize>);

impl fmt::Display for AtLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(line) => write!(formatter, ":{line}"),
            None => Ok(()),
        }
    }
}

/// Parses TOML into a type whose structs deny unknown fields.
///
/// # Errors
/// [`ConfigError`], which names the file, the line, the key, what was found and what is allowed.
///
/// ```
/// #[derive(Debug, serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Card {
///     schema: u32,
/// }
/// let error = seqprobe_core::parse_toml::<Card>("schema = -1\n", "card.toml").unwrap_err();
/// assert_eq!(error.to_string(), "card.toml:1: schema is -1, expected a whole number from 0 to 4294967295");
/// # let _ = |card: Card| card.schema;
/// ```
pub fn parse_toml<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let wording::Wrong { line, path, message } = wording::explain::<T>(text, &error);
        ConfigError { file: file.to_owned(), line, path, message }
    })
}

/// Returns the candidate nearest to a word if it is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(word.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A key or value that serde does not know, with those it knows.
pub(crate) struct UnknownWord<'a> {
    /// Whether it is a key; else it is the value of one.
    pub(crate) is_key: bool,
    pub(crate) word: &'a str,
    pub(crate) known: Vec<&'a str>,
}

/// Reads serde's own wording: "unknown field `x`, expected one of `a`, `b`" (or variant).
pub(crate) fn unknown_word(message: &str) -> Option<UnknownWord<'_>> {
    let (is_key, rest) = match message.strip_prefix("unknown field `") {
        Some(rest) => (true, rest),
        None => (false, message.strip_prefix("unknown variant `")?),
    };
    let (word, rest) = rest.split_once('`')?;
    Some(UnknownWord { is_key, word, known: rest.split('`').skip(1).step_by(2).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Task {
        Binary,
        Regression,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its parsing is tested")]
    struct Shares {
        train: f64,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its parsing is tested")]
    struct Card {
        schema: u32,
        sequence: String,
        task: Option<Task>,
        into: Option<Shares>,
        classes: Option<Vec<String>>,
        split: Option<Vec<Shares>>,
        header: Option<bool>,
        delimiter: Option<char>,
    }

    #[test]
    fn an_unknown_key_points_at_its_line_and_suggests() {
        let error = parse_toml::<Card>("schema = 1\nsequense = \"s\"\n", "card.toml").unwrap_err();
        assert_eq!(
            error.to_string(),
            "card.toml:2: unknown key \"sequense\"\n  hint: did you mean \"sequence\"?"
        );
    }

    #[test]
    fn a_far_key_gets_no_suggestion() {
        let error = parse_toml::<Card>("schema = 1\nzzz = 2\n", "card.toml").unwrap_err();
        assert!(!error.to_string().contains("did you mean"), "{error}");
    }

    #[test]
    fn wrong_types_name_key_value_line_and_what_is_allowed() {
        let tasks = "\"binary\" or \"regression\"";
        for (line, message) in [
            (
                "task = \"binry\"",
                format!("task is \"binry\", expected {tasks}\n  hint: did you mean \"binary\"?"),
            ),
            ("task = 3", format!("task is 3, expected {tasks}")),
            ("task = [1]", format!("task is a list, expected {tasks}")),
            ("into = 0.5", "into is 0.5, expected a table with the keys train".into()),
            ("into = { train = \"x\" }", "into.train is \"x\", expected a number".into()),
            ("into = 2020-01-01", "into is 2020-01-01, expected a table with the keys train".into()),
            ("into = { }", "into: the key \"train\" is missing".into()),
            (
                "classes = \"a\"",
                "classes is \"a\", expected a list in [ ], each value a text in quotes".into(),
            ),
            ("classes = [\"a\", 2]", "classes holds 2, expected a text in quotes".into()),
            ("split = 1", "split is 1, expected tables, each under a line [[split]]".into()),
            ("header = \"no\"", "header is \"no\", expected true or false".into()),
            ("header = 2020-01-01", "header is 2020-01-01, expected true or false".into()),
            ("delimiter = \"tab\"", "delimiter is \"tab\", expected one character in quotes".into()),
            ("[[split]]\ntrain = true", "split 1: train is true, expected a number".into()),
            (
                "[[split]]\ntrian = 1",
                "split 1: unknown key \"trian\"\n  hint: did you mean \"train\"?".into(),
            ),
        ] {
            let text = format!("schema = 1\nsequence = \"s\"\n\n{line}\n");
            let error = parse_toml::<Card>(&text, "card.toml").unwrap_err().to_string();
            let at = if line.contains('\n') { 5 } else { 4 };
            assert_eq!(error, format!("card.toml:{at}: {message}"), "{line}");
        }
        for (text, message) in [
            ("{\"schema\": 1}", "card.toml:1: not TOML: "),
            ("schema: 1\n", "card.toml:1: not TOML: "),
            ("schema = 1\n", "card.toml: the key \"sequence\" is missing"),
        ] {
            let error = parse_toml::<Card>(text, "card.toml").unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        let yaml = parse_toml::<Card>("schema: 1\n", "card.toml").unwrap_err().to_string();
        assert!(yaml.ends_with("looks like YAML; write TOML, with key = value on each line"), "{yaml}");
    }

    #[test]
    fn keys_have_lines() {
        let text = "a = 1\n[b]\nc = 2\n\n[[d]]\ne = 3\n[[d]]\ne = [4,\n5]\n";
        for (path, line) in [
            (vec!["a"], Some(1)),
            (vec!["b", "c"], Some(3)),
            (vec!["d", "1", "e"], Some(8)),
            (vec!["d", "1", "e", "1"], Some(9)),
            (vec!["d", "1", "f"], Some(7)),
            (vec!["z"], None),
        ] {
            let path: Vec<String> = path.into_iter().map(str::to_owned).collect();
            assert_eq!(line_of_key(text, &path), line, "{path:?}");
        }
        let path = ["files", "all", "1", "sha256"].map(str::to_owned);
        assert_eq!(path_text(&path), "files.all 2: sha256");
    }
}
