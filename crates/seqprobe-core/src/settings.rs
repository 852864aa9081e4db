//! Settings of one probe as a suite writes them: a table of keys, read into the probe's own settings type.

use crate::config::{UnknownWord, nearest, unknown_word};
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A key of a settings table that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// A key that does not exist, or a value of the wrong type.
    #[error("{0}")]
    Parse(String),
    /// A value that is not allowed.
    #[error("{key} is {found}, expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value found.
        found: String,
        /// What is allowed, with units.
        expected: String,
    },
    /// Keys that do not go together.
    #[error("{0}")]
    Combination(String),
}

impl SettingsError {
    /// A value that is not allowed.
    pub fn value(key: &'static str, found: &impl ToString, expected: impl Into<String>) -> Self {
        Self::Value { key, found: found.to_string(), expected: expected.into() }
    }
}

/// Reads a table into a settings type, which must deny unknown fields.
///
/// # Errors
/// [`SettingsError::Parse`], which names the key and lists the keys or values that are allowed.
pub fn settings_from_table<T: DeserializeOwned>(table: &toml::Table) -> Result<T, SettingsError> {
    table.clone().try_into().map_err(|error: toml::de::Error| SettingsError::Parse(wording(&error)))
}

/// Words an error of the parser for a reader who wrote a table in a file.
fn wording(error: &toml::de::Error) -> String {
    let Some(UnknownWord { is_key, word, known }) = unknown_word(error.message()) else {
        return error.to_string().trim_end().replace('\n', " ");
    };
    let hint = match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if is_key => format!("its keys are {}", known.join(", ")),
        None => format!("use one of {}", known.join(", ")),
    };
    // The parser adds the key of a value on a line of its own: "in `key`".
    let text = error.to_string();
    let key = text.trim_end().rsplit_once("\nin `").and_then(|(_, key)| key.strip_suffix('`'));
    let what = if is_key { "key" } else { key.unwrap_or("value") };
    format!("unknown {what} {word:?}\n  hint: {hint}")
}

/// The keys that a settings type knows, in the order of its fields.
pub fn known_keys<T: DeserializeOwned>() -> Vec<String> {
    let table = toml::Table::from_iter([("no such key".to_owned(), toml::Value::Integer(0))]);
    let parsed: Result<T, toml::de::Error> = table.try_into();
    let Err(error) = parsed else { return Vec::new() };
    let keys = unknown_word(error.message()).map(|unknown| unknown.known).unwrap_or_default();
    keys.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Solver {
        Exact,
        Linfa,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[serde(default)]
        epochs: Option<u32>,
        #[serde(default)]
        penalties: Option<Vec<f64>>,
        #[serde(default)]
        solver: Option<Solver>,
    }

    fn read(text: &str) -> Result<Settings, SettingsError> {
        settings_from_table(&text.parse().unwrap())
    }

    #[test]
    fn keys_reach_their_fields_and_others_are_named_with_what_is_known() {
        assert_eq!(read("epochs = 3"), Ok(Settings { epochs: Some(3), penalties: None, solver: None }));
        assert_eq!(known_keys::<Settings>(), ["epochs", "penalties", "solver"]);
        let near = read("epoch = 3").unwrap_err().to_string();
        assert_eq!(near, "unknown key \"epoch\"\n  hint: did you mean \"epochs\"?");
        let far = read("zzz = 3").unwrap_err().to_string();
        assert_eq!(far, "unknown key \"zzz\"\n  hint: its keys are epochs, penalties, solver");
        let wrong = read("epochs = \"many\"").unwrap_err().to_string();
        assert!(wrong.contains("epochs") && wrong.contains("many"), "{wrong}");
        let near = read("solver = \"exakt\"").unwrap_err().to_string();
        assert_eq!(near, "unknown solver \"exakt\"\n  hint: did you mean \"exact\"?");
        let far = read("solver = \"sgd\"").unwrap_err().to_string();
        assert_eq!(far, "unknown solver \"sgd\"\n  hint: use one of exact, linfa");
        let text = SettingsError::value("bins", &0, "a number of at least 1").to_string();
        assert_eq!(text, "bins is 0, expected a number of at least 1");
    }
}
