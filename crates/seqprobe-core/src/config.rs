//! Reading TOML that a person wrote: an unknown key points at its line and suggests the nearest one.

use serde::de::DeserializeOwned;
use thiserror::Error;

/// A TOML text that does not fit.
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
/// [`ConfigError`] naming the file, line and column, with the nearest known key where one is close.
pub fn parse_toml<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let mut message = error.to_string().trim_end().to_owned();
        if let Some(hint) = nearest_key_hint(error.message()) {
            message.push_str("\n  hint: ");
            message.push_str(&hint);
        }
        ConfigError { file: file.to_owned(), message }
    })
}

/// The candidate nearest to a word, when it is near enough to be meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(word.len()) / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Reads serde's own wording: "unknown field `x`, expected one of `a`, `b`" (or variant).
fn nearest_key_hint(message: &str) -> Option<String> {
    let rest =
        message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    let (word, rest) = rest.split_once('`')?;
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    nearest(word, known).map(|key| format!("did you mean {key:?}?"))
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
