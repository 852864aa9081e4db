//! Every documented key of a settings file with a value of every type. Tests of several crates use this file.

use serde_json::Value as Schema;
use toml::{Table, Value};

/// Words of libraries that no message may hold.
const LIBRARY_WORDS: &[&str] = &[
    "untagged",
    "struct ",
    "wanted ",
    "invalid type",
    "invalid value",
    "u32",
    "u64",
    "usize",
    "f64",
    "i64",
    "type: sequence",
    "expected a sequence",
    "unit variant",
    "newtype",
    "TOML parse error",
    "did not match",
    "missing field",
    "a map",
    "enum ",
];

/// One key with one value.
pub struct Trial {
    /// The settings as TOML.
    pub text: String,
    /// The keys that lead to the value; positions in lists are numbers.
    pub path: Vec<String>,
    /// Whether the JSON schema allows a value of this type.
    pub is_allowed: bool,
}

/// A right document with every key of its schema in turn set to a value of every type.
pub fn trials(schema: &Schema, right: &Table) -> Vec<Trial> {
    let mut paths = Vec::new();
    keys(schema, schema, &mut Vec::new(), &Value::Table(right.clone()), &mut paths);
    let values = [
        ("string", Value::String("no such word".to_owned())),
        ("integer", Value::Integer(3)),
        ("integer", Value::Integer(-1)),
        ("number", Value::Float(0.5)),
        ("boolean", Value::Boolean(true)),
        ("array", Value::Array(vec![Value::Boolean(false)])),
        ("array", Value::Array(vec![Value::Integer(-7)])),
        ("object", Value::Table(Table::from_iter([("no such key".to_owned(), Value::Integer(1))]))),
        ("date", Value::Datetime("2020-01-02".parse().expect("a date"))),
    ];
    let mut trials = Vec::new();
    for (path, types) in paths {
        for (kind, value) in &values {
            let mut document = Value::Table(right.clone());
            set(&mut document, &path, value.clone());
            trials.push(Trial {
                text: toml::to_string(&document).expect("the document can be written"),
                is_allowed: types
                    .iter()
                    .any(|known| known == kind || (known == "number" && *kind == "integer")),
                path: path.clone(),
            });
        }
    }
    trials
}

/// Checks the message of a refused trial: `FILE:LINE: `, no library words, the key where its type is wrong.
///
/// # Panics
/// When the message is not like this.
pub fn check_message(trial: &Trial, file: &str, message: &str) {
    let Trial { text, path, is_allowed } = trial;
    let rest =
        message.strip_prefix(&format!("{file}:")).unwrap_or_else(|| panic!("no file: {message}\n{text}"));
    let (line, _) = rest.split_once(": ").unwrap_or_else(|| panic!("no line: {message}\n{text}"));
    let line: usize = line.parse().unwrap_or_else(|_| panic!("no line: {message}\n{text}"));
    assert!((1..=text.lines().count()).contains(&line), "{message}\n{text}");
    for word in LIBRARY_WORDS {
        assert!(!message.contains(word), "{word:?} in {message}\n{text}");
    }
    if !is_allowed {
        let key = path.iter().rev().find(|step| step.parse::<usize>().is_err()).expect("a key");
        assert!(message.contains(key.as_str()), "{key} is not in {message}\n{text}");
    }
}

/// Follows the schema and the document together: all keys, also those that the document does not have.
fn keys(
    root: &Schema,
    schema: &Schema,
    path: &mut Vec<String>,
    document: &Value,
    found: &mut Vec<(Vec<String>, Vec<String>)>,
) {
    for choice in choices(root, schema) {
        if let (Some(properties), Value::Table(table)) = (choice["properties"].as_object(), document) {
            for (key, inner) in properties {
                path.push(key.clone());
                found.push((path.clone(), types(root, inner)));
                if let Some(value) = table.get(key) {
                    keys(root, inner, path, value, found);
                }
                path.pop();
            }
        }
        if let (Some(_), Value::Table(table)) = (choice["additionalProperties"].as_object(), document) {
            for (key, value) in table {
                path.push(key.clone());
                found.push((path.clone(), types(root, &choice["additionalProperties"])));
                keys(root, &choice["additionalProperties"], path, value, found);
                path.pop();
            }
        }
        if let (true, Value::Array(values)) = (choice["items"].is_object(), document) {
            for (at, value) in values.iter().enumerate() {
                path.push(at.to_string());
                found.push((path.clone(), types(root, &choice["items"])));
                keys(root, &choice["items"], path, value, found);
                path.pop();
            }
        }
    }
}

fn choices<'a>(root: &'a Schema, schema: &'a Schema) -> Vec<&'a Schema> {
    if let Some(name) = schema["$ref"].as_str() {
        return choices(root, &root["definitions"][name.rsplit('/').next().unwrap_or_default()]);
    }
    match schema["anyOf"].as_array() {
        Some(several) => several.iter().flat_map(|one| choices(root, one)).collect(),
        None => vec![schema],
    }
}

fn types(root: &Schema, schema: &Schema) -> Vec<String> {
    let mut found = Vec::new();
    for choice in choices(root, schema) {
        match &choice["type"] {
            Schema::String(one) => found.push(one.clone()),
            Schema::Array(several) => {
                found.extend(several.iter().filter_map(|one| one.as_str().map(str::to_owned)));
            }
            _ => {}
        }
        if choice["enum"].is_array() || choice["const"].is_string() {
            found.push("string".to_owned());
        }
        if choice["const"].is_number() {
            found.push("integer".to_owned());
        }
        if choice["const"].is_boolean() {
            found.push("boolean".to_owned());
        }
    }
    found
}

fn set(document: &mut Value, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *document = value;
        return;
    };
    match document {
        Value::Table(table) => {
            set(table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new())), rest, value);
        }
        Value::Array(values) => {
            let at: usize = first.parse().expect("a position");
            set(&mut values[at], rest, value);
        }
        _ => {}
    }
}
