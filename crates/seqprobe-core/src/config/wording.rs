//! Errors of the TOML parser in words for people: the key, the value that was found, and what is allowed. The words of
//! the libraries (`u64`, `struct`, `sequence`) do not appear.

use super::place::{line_at, path_at, path_text};
use super::{UnknownWord, nearest, unknown_word};
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Value;

/// Characters of a value that a message shows.
const MAX_SHOWN: usize = 60;
/// A key and a word that nobody writes; a type that refuses it names those that it knows.
const NO_SUCH_WORD: &str = "no such word";

/// The start of serde's message for a key that is not there.
const MISSING: &str = "missing field `";

/// The parser gives a date to a table as a key of this name.
const DATE: &str = "$__toml_private";

/// What is wrong with a text, where, and of which key.
pub(super) struct Wrong {
    /// 1-based; absent when the text as a whole is wrong.
    pub(super) line: Option<usize>,
    /// From the outside to the inside.
    pub(super) path: Vec<String>,
    pub(super) message: String,
}

/// Words the error of reading `text` as `T`.
pub(super) fn explain<T: DeserializeOwned>(text: &str, error: &toml::de::Error) -> Wrong {
    let span = error.span();
    let line = span.as_ref().map(|span| line_at(text, span.start));
    let Ok(table) = text.parse::<toml::Table>() else {
        return Wrong { line, path: Vec::new(), message: not_toml(text, error.message()) };
    };
    let mut path = span.as_ref().and_then(|span| path_at(text, span)).unwrap_or_default();
    if error.message().starts_with(MISSING) && !is_table(&table, &path) {
        path.clear();
    }
    let document = Document { table: &table, path: &path };
    let found = found(&table, &path, text, span.as_ref());
    let message = document.message::<T>(error.message(), &found);
    Wrong { line: line.filter(|_| !path.is_empty()), path, message }
}

fn not_toml(text: &str, message: &str) -> String {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let first = start.lines().next().unwrap_or_default();
    let is_yaml = start.starts_with("---") || (first.contains(": ") && !first.contains('='));
    let hint = match () {
        () if start.starts_with('{') => {
            "\n  hint: this looks like JSON; write TOML, with key = value on each line"
        }
        () if is_yaml => "\n  hint: this looks like YAML; write TOML, with key = value on each line",
        () => "",
    };
    format!("not TOML: {}{hint}", message.replace('\n', " "))
}

/// A parsed text and the place of an error in it.
struct Document<'a> {
    table: &'a toml::Table,
    path: &'a [String],
}

impl Document<'_> {
    fn message<T: DeserializeOwned>(&self, message: &str, found: &str) -> String {
        if let Some(UnknownWord { is_key, word, known }) = unknown_word(message) {
            if word.starts_with(DATE) {
                let keys = known.join(", ");
                return format!(
                    "{} {} {found}, expected a table with the keys {keys}",
                    self.place(),
                    self.verb()
                );
            }
            return if is_key {
                self.unknown_key(word, &known)
            } else {
                self.unknown_value(found, word, &known)
            };
        }
        if let Some(key) = message.strip_prefix(MISSING).and_then(|rest| rest.split('`').next()) {
            let of = if self.path.is_empty() { String::new() } else { format!("{}: ", path_text(self.path)) };
            return format!("{of}the key {key:?} is missing");
        }
        let is_wrong_type = ["invalid type: ", "invalid value: ", "wanted ", "invalid length"]
            .iter()
            .any(|start| message.starts_with(start));
        let place = self.place();
        if !is_wrong_type {
            // What the types of this program say in their own words.
            return if place.is_empty() { message.to_owned() } else { format!("{place}: {message}") };
        }
        let allowed = match message.split_once(", expected ") {
            Some((_, expected)) => self.allowed::<T>(expected),
            None => self.words::<T>(),
        };
        format!("{place} {} {found}, expected {allowed}", self.verb())
    }

    /// The key, without the position of a value in its list.
    fn place(&self) -> String {
        path_text(if self.is_in_list() { &self.path[..self.path.len() - 1] } else { self.path })
    }

    fn verb(&self) -> &'static str {
        if self.is_in_list() { "holds" } else { "is" }
    }

    fn is_in_list(&self) -> bool {
        self.path.len() > 1 && self.path.last().is_some_and(|step| step.parse::<usize>().is_ok())
    }

    fn unknown_key(&self, word: &str, known: &[&str]) -> String {
        let hint = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("the keys are {}", known.join(", ")),
        };
        let outer = self.path.split_last().map_or(String::new(), |(_, outer)| path_text(outer));
        let separator = if outer.is_empty() { "" } else { ": " };
        format!("{outer}{separator}unknown key {word:?}\n  hint: {hint}")
    }

    fn unknown_value(&self, found: &str, word: &str, known: &[&str]) -> String {
        let hint = nearest(word, known.iter().copied())
            .map_or(String::new(), |near| format!("\n  hint: did you mean {near:?}?"));
        format!("{} {} {found}, expected {}{hint}", self.place(), self.verb(), one_of(known))
    }

    /// What a type of the libraries is called by people.
    fn allowed<T: DeserializeOwned>(&self, expected: &str) -> String {
        match expected {
            "u32" => format!("a whole number from 0 to {}", u32::MAX),
            "u8" | "u16" | "u64" | "u128" | "usize" => "a whole number from 0".to_owned(),
            "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number".to_owned(),
            "f32" | "f64" => "a number".to_owned(),
            "a boolean" | "bool" => "true or false".to_owned(),
            "a string" | "a borrowed string" | "string" | "str" => "a text in quotes".to_owned(),
            "a character" | "char" => "one character in quotes".to_owned(),
            "a map" => "a table".to_owned(),
            "a sequence" => self.list::<T>(),
            _ if expected.starts_with("struct ") => {
                let known = self.known::<T>(Value::Table(table_of_no_key()));
                if known.is_empty() {
                    "a table".to_owned()
                } else {
                    format!("a table with the keys {}", known.join(", "))
                }
            }
            _ if expected.starts_with("enum ") || expected.starts_with("variant ") => self.words::<T>(),
            own => own.to_owned(),
        }
    }

    /// A list, and what each of its values is.
    fn list<T: DeserializeOwned>(&self) -> String {
        let inner = self.with(Value::Array(vec![Value::Table(table_of_no_key())]));
        let Err(error) = T::deserialize(inner) else { return "a list in [ ]".to_owned() };
        if unknown_word(error.message()).is_some_and(|unknown| unknown.is_key) {
            let key = self.path.last().map_or("", String::as_str);
            return format!("tables, each under a line [[{key}]]");
        }
        match error.message().split_once(", expected ") {
            Some((_, expected)) if !expected.contains("sequence") && !expected.starts_with("struct") => {
                format!("a list in [ ], each value {}", self.allowed::<T>(expected))
            }
            _ => "a list in [ ]".to_owned(),
        }
    }

    /// The words of an enum.
    fn words<T: DeserializeOwned>(&self) -> String {
        let known = self.known::<T>(Value::String(NO_SUCH_WORD.to_owned()));
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        if known.is_empty() { "a text in quotes".to_owned() } else { one_of(&known) }
    }

    /// What the type at the path knows, which it says when it gets something else.
    fn known<T: DeserializeOwned>(&self, other: Value) -> Vec<String> {
        let Err(error) = T::deserialize(self.with(other)) else { return Vec::new() };
        let known = unknown_word(error.message()).map(|unknown| unknown.known).unwrap_or_default();
        known.into_iter().map(str::to_owned).collect()
    }

    /// The document with another value at the path.
    fn with(&self, other: Value) -> Value {
        let mut document = Value::Table(self.table.clone());
        if let Some(place) = self.path.iter().try_fold(&mut document, |value, step| inner(value, step)) {
            *place = other;
        }
        document
    }
}

fn inner<'a>(value: &'a mut Value, step: &str) -> Option<&'a mut Value> {
    match value {
        Value::Table(table) => table.get_mut(step),
        Value::Array(values) => values.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    }
}

fn is_table(table: &toml::Table, path: &[String]) -> bool {
    let mut document = Value::Table(table.clone());
    path.iter()
        .try_fold(&mut document, |value, step| inner(value, step))
        .is_some_and(|value| value.is_table())
}

fn table_of_no_key() -> toml::Table {
    toml::Table::from_iter([(NO_SUCH_WORD.to_owned(), Value::Integer(0))])
}

fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// The value as it is written, or what kind of value it is.
fn found(table: &toml::Table, path: &[String], text: &str, span: Option<&Range<usize>>) -> String {
    let mut document = Value::Table(table.clone());
    let value = path.iter().try_fold(&mut document, |value, step| inner(value, step));
    match value {
        Some(Value::Table(_)) => "a table".to_owned(),
        Some(Value::Array(values)) if values.iter().any(Value::is_table) => "a list of tables".to_owned(),
        Some(Value::Array(_)) => "a list".to_owned(),
        _ => {
            let written = span.and_then(|span| text.get(span.clone())).unwrap_or_default();
            let shown: String = written.lines().next().unwrap_or_default().chars().take(MAX_SHOWN).collect();
            if shown.len() < written.len() { format!("{shown}…") } else { shown }
        }
    }
}
