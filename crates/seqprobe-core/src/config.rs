//! Reading TOML that a person wrote: the error of an unknown key names its line and suggests the nearest known key.

use serde::de::DeserializeOwned;
use thiserror::Error;

/// A TOML text that cannot be used.
#[derive(Debug, Error)]
#[error("{file}: {message}")]
pub struct ConfigError {
    /// The file, as the user named it.
    pub file: String,
    /// The parser's message with line, column and the line itself, and a hint.
    pub message: String,
}

/// Parses TOML into a type whose structs deny unknown fields.
///
/// # Errors
/// [`ConfigError`], which names the file, line and column, and the nearest known key if one is close.
pub fn parse_toml<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let mut message = error.to_string().trim_end().to_owned();
        let unknown = unknown_word(error.message());
        if let Some(near) = unknown.and_then(|unknown| nearest(unknown.word, unknown.known)) {
            message.push_str(&format!("\n  hint: did you mean {near:?}?"));
        }
        ConfigError { file: file.to_owned(), message }
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
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its parsing is tested")]
    struct Card {
        schema: u32,
        sequence: String,
    }

    #[test]
    fn an_unknown_key_points_at_its_line_and_suggests() {
        let error = parse_toml::<Card>("schema = 1\nsequense = \"s\"\n", "card.toml").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("card.toml: TOML parse error at line 2, column 1"), "{text}");
        assert!(text.ends_with("hint: did you mean \"sequence\"?"), "{text}");
    }

    #[test]
    fn a_far_key_gets_no_suggestion() {
        let error = parse_toml::<Card>("schema = 1\nzzz = 2\n", "card.toml").unwrap_err();
        assert!(!error.to_string().contains("did you mean"), "{error}");
    }
}
