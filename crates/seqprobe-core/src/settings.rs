//! Settings of one probe as a suite writes them: a table of keys, read into the probe's own settings type.

use crate::config::{ConfigError, parse_toml, unknown_word};
use serde::de::DeserializeOwned;
use thiserror::Error;

/// A key of a settings table that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// A key that does not exist, or a value of the wrong type.
    #[error("{message}")]
    Parse {
        /// The keys that lead to it.
        path: Vec<String>,
        /// The key, what was found and what is allowed.
        message: String,
    },
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
    /// The key at fault, and the keys below it; empty when several do not go together.
    pub fn path(&self) -> Vec<String> {
        match self {
            Self::Parse { path, .. } => path.clone(),
            Self::Value { key, .. } => vec![(*key).to_owned()],
            Self::Combination(_) => Vec::new(),
        }
    }

    /// A value that is not allowed.
    pub fn value(key: &'static str, found: &impl ToString, expected: impl Into<String>) -> Self {
        Self::Value { key, found: found.to_string(), expected: expected.into() }
    }
}

/// Reads a table into a settings type, which must deny unknown fields.
///
/// # Errors
/// [`SettingsError::Parse`], which names the key, the value found and what is allowed.
pub fn settings_from_table<T: DeserializeOwned>(table: &toml::Table) -> Result<T, SettingsError> {
    // Written out and read again: a text has places, so that the error can name its key and value.
    let text = toml::to_string(table)
        .map_err(|error| SettingsError::Parse { path: Vec::new(), message: error.to_string() })?;
    parse_toml(&text, "").map_err(|ConfigError { path, message, .. }| SettingsError::Parse { path, message })
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
        assert_eq!(far, "unknown key \"zzz\"\n  hint: the keys are epochs, penalties, solver");
        let wrong = read("epochs = \"many\"").unwrap_err().to_string();
        assert_eq!(wrong, "epochs is \"many\", expected a whole number from 0 to 4294967295");
        let list = read("penalties = 1.0").unwrap_err().to_string();
        assert_eq!(list, "penalties is 1.0, expected a list in [ ], each value a number");
        let near = read("solver = \"exakt\"").unwrap_err().to_string();
        assert_eq!(
            near,
            "solver is \"exakt\", expected \"exact\" or \"linfa\"\n  hint: did you mean \"exact\"?"
        );
        let far = read("solver = \"sgd\"").unwrap_err().to_string();
        assert_eq!(far, "solver is \"sgd\", expected \"exact\" or \"linfa\"");
        let text = SettingsError::value("bins", &0, "a number of at least 1").to_string();
        assert_eq!(text, "bins is 0, expected a number of at least 1");
    }
}
