//! Settings of one probe as a suite writes them: a table of keys, read into the probe's own settings type.

use crate::config::nearest;
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
    table.clone().try_into().map_err(|error: toml::de::Error| {
        let message = error.message().to_owned();
        SettingsError::Parse(match unknown_key(&message) {
            Some((key, known)) => {
                let hint = match nearest(key, known.iter().copied()) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("its keys are {}", known.join(", ")),
                };
                format!("unknown key {key:?}\n  hint: {hint}")
            }
            None => error.to_string().trim_end().replace('\n', " "),
        })
    })
}

/// The keys that a settings type knows, in the order of its fields.
pub fn known_keys<T: DeserializeOwned>() -> Vec<String> {
    let table = toml::Table::from_iter([("no such key".to_owned(), toml::Value::Integer(0))]);
    let parsed: Result<T, toml::de::Error> = table.try_into();
    let Err(error) = parsed else { return Vec::new() };
    let keys = unknown_key(error.message()).map(|(_, known)| known).unwrap_or_default();
    keys.into_iter().map(str::to_owned).collect()
}

/// Reads serde's own wording: "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let (key, rest) = message.strip_prefix("unknown field `")?.split_once('`')?;
    Some((key, rest.split('`').skip(1).step_by(2).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        #[serde(default)]
        epochs: Option<u32>,
        #[serde(default)]
        penalties: Option<Vec<f64>>,
    }

    fn read(text: &str) -> Result<Settings, SettingsError> {
        settings_from_table(&text.parse().unwrap())
    }

    #[test]
    fn keys_reach_their_fields_and_others_are_named_with_what_is_known() {
        assert_eq!(read("epochs = 3"), Ok(Settings { epochs: Some(3), penalties: None }));
        assert_eq!(known_keys::<Settings>(), ["epochs", "penalties"]);
        let near = read("epoch = 3").unwrap_err().to_string();
        assert_eq!(near, "unknown key \"epoch\"\n  hint: did you mean \"epochs\"?");
        let far = read("zzz = 3").unwrap_err().to_string();
        assert_eq!(far, "unknown key \"zzz\"\n  hint: its keys are epochs, penalties");
        let wrong = read("epochs = \"many\"").unwrap_err().to_string();
        assert!(wrong.contains("epochs") && wrong.contains("many"), "{wrong}");
        let told = SettingsError::value("bins", &0, "a number of at least 1").to_string();
        assert_eq!(told, "bins is 0, expected a number of at least 1");
    }
}
