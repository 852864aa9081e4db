//! `config.json`, read key by key. Each error names the file, the key, the expected and the found value. The
//! families read their own keys.

use crate::error::ModelError;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A parsed `config.json`.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    values: serde_json::Map<String, Value>,
}

impl ConfigFile {
    /// Reads `config.json` of a model folder.
    ///
    /// # Errors
    /// [`ModelError::Io`] if it cannot be read, [`ModelError::Config`] if it is not a JSON object.
    pub fn read(folder: &Path) -> Result<Self, ModelError> {
        let path = folder.join("config.json");
        let text = crate::folder::small_file::read_text(&path).map_err(ModelError::io(&path))?;
        match serde_json::from_str::<Value>(&text) {
            Ok(value) => Self::from_value(path, value),
            Err(error) => Err(ModelError::Config { path, message: format!("not JSON: {error}") }),
        }
    }

    /// Makes a config from a value; errors name `path`.
    ///
    /// # Errors
    /// [`ModelError::Config`] if it is not a JSON object.
    pub fn from_value(path: PathBuf, value: Value) -> Result<Self, ModelError> {
        match value {
            Value::Object(values) => Ok(Self { path, values }),
            _ => Err(ModelError::Config { path, message: "expected a JSON object".to_owned() }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the value of a key; `null` counts as absent.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// Returns a text, if it is given.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.value(key).and_then(Value::as_str)
    }

    /// Whether a key exists and is `null`, which some libraries distinguish from an absent key.
    pub fn is_null(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(Value::is_null)
    }

    /// Returns the same config with one value replaced or added.
    #[must_use]
    pub fn with_value(&self, key: &str, value: Value) -> Self {
        let mut other = self.clone();
        other.values.insert(key.to_owned(), value);
        other
    }

    /// Returns the names under `architectures`. If that key is absent, returns the class of the base model that
    /// `auto_map` names (`bert_layers.BertModel`), else nothing.
    pub fn architectures(&self) -> Vec<&str> {
        if let Some(Value::Array(names)) = self.value("architectures") {
            return names.iter().filter_map(Value::as_str).collect();
        }
        let class = self.value("auto_map").and_then(|map| map.get("AutoModel")).and_then(Value::as_str);
        class.and_then(|class| class.rsplit('.').next()).into_iter().collect()
    }

    /// Returns a whole number of at least 1 and below 2^31 that must be given.
    ///
    /// # Errors
    /// [`ModelError::Config`] naming the key.
    pub fn size(&self, key: &str) -> Result<usize, ModelError> {
        match self.value(key) {
            Some(value) => self.checked_size(key, value),
            None => {
                Err(self.error(format!("key {key:?} is missing, expected a whole number of at least 1\n  hint: use the config.json that was published with the weights")))
            }
        }
    }

    /// As [`ConfigFile::size`], with the value that the authors' code uses if the key is absent.
    ///
    /// # Errors
    /// [`ModelError::Config`] naming the key.
    pub fn size_or(&self, key: &str, default: usize) -> Result<usize, ModelError> {
        self.value(key).map_or(Ok(default), |value| self.checked_size(key, value))
    }

    /// Returns a positive finite number, with the value that the authors' code uses if the key is absent.
    ///
    /// # Errors
    /// [`ModelError::Config`] naming the key.
    pub fn positive_or(&self, key: &str, default: f64) -> Result<f64, ModelError> {
        match self.value(key) {
            None => Ok(default),
            Some(value) => match value.as_f64() {
                Some(number) if number.is_finite() && number > 0.0 => Ok(number),
                _ => Err(self.error(format!("key {key:?} is {value}, expected a positive number"))),
            },
        }
    }

    /// Returns a section of the file as a config, if it is given. Errors name the same file.
    ///
    /// # Errors
    /// [`ModelError::Config`] if it exists and is not a JSON object.
    pub fn section(&self, key: &str) -> Result<Option<Self>, ModelError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Object(values)) => Ok(Some(Self { path: self.path.clone(), values: values.clone() })),
            Some(other) => Err(self.error(format!("key {key:?} is {other}, expected an object of settings"))),
        }
    }

    /// Checks that the given keys have the only value that this program supports.
    ///
    /// # Errors
    /// [`ModelError::Config`] naming the first key with another value.
    pub fn expect(&self, keys: &[(&str, Value)]) -> Result<(), ModelError> {
        for (key, expected) in keys {
            let same = |value: &Value| match (value.as_f64(), expected.as_f64()) {
                (Some(one), Some(other)) => one.to_bits() == other.to_bits(),
                _ => value == expected,
            };
            if let Some(value) = self.value(key).filter(|value| !same(value)) {
                return Err(self.error(format!("key {key:?} is {value}, expected {expected}")));
            }
        }
        Ok(())
    }

    /// Returns an error about this file.
    pub fn error(&self, message: String) -> ModelError {
        ModelError::Config { path: self.path.clone(), message }
    }

    fn checked_size(&self, key: &str, value: &Value) -> Result<usize, ModelError> {
        match value.as_u64() {
            Some(number @ 1..0x8000_0000) => Ok(number as usize),
            _ => Err(self.error(format!("key {key:?} is {value}, expected a whole number of at least 1"))),
        }
    }
}
