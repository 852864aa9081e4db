//! The JSON Schemas of suites and cards, which editors use, name the same keys as the reference pages, and cards also the
//! same as the program. What a key may hold is checked for the files of this repository only as far as names go.

use std::collections::BTreeSet;

use serde_json::Value;
use toml::Table;

use crate::files::texts;
use crate::root;

fn schema(name: &str) -> Value {
    let path = root().join(format!("docs/src/reference/{name}.schema.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the properties at a place of a schema.
fn properties(schema: &Value, pointer: &str) -> BTreeSet<String> {
    let place = schema.pointer(pointer).unwrap_or_else(|| panic!("the schema has no {pointer}"));
    place["properties"].as_object().expect("properties").keys().cloned().collect()
}

/// The keys in back-quotes in the first column of the tables below a heading of a reference page.
fn documented(page: &str, heading: &str) -> BTreeSet<String> {
    let path = root().join("docs/src/reference").join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let section =
        text.split(&format!("\n{heading}\n")).nth(1).unwrap_or_else(|| panic!("{page}: no {heading}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.flat_map(|row| {
        let cell = row.split(" |").next().unwrap_or_default();
        cell.split(['`', ',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    })
    .collect()
}

/// The names under which serde reads the public fields of a struct of `seqprobe-data`.
fn fields(name: &str) -> BTreeSet<String> {
    let opening = format!("pub struct {name} {{\n");
    let sources = texts(&[".rs"]);
    let body = sources
        .iter()
        .filter(|(path, _)| path.starts_with("crates/seqprobe-data/src"))
        .find_map(|(_, text)| text.split(&opening).nth(1)?.split("\n}").next())
        .unwrap_or_else(|| panic!("seqprobe-data has no struct {name}"));
    let (mut names, mut attributes) = (BTreeSet::new(), String::new());
    for line in body.lines().map(str::trim) {
        if line.starts_with("#[") {
            attributes.push_str(line);
        } else if let Some(field) = line.strip_prefix("pub ") {
            let renamed = attributes.split("rename = \"").nth(1).and_then(|rest| rest.split('"').next());
            if !attributes.contains("serde(skip)") {
                names.insert(renamed.or(field.split(':').next()).expect("a field has a name").to_owned());
            }
            attributes.clear();
        }
    }
    names
}

#[test]
fn the_schema_of_suites_has_the_documented_keys() {
    let schema = schema("suite");
    let mut documented_at_the_top = documented("suites.md", "## The suite");
    documented_at_the_top.extend(["simulate", "representation", "probe"].map(str::to_owned));
    assert_eq!(properties(&schema, ""), documented_at_the_top);
    assert_eq!(
        properties(&schema, "/definitions/representation"),
        documented("suites.md", "## `[[representation]]`")
    );
    let mut of_probes = documented("suites.md", "## `[[probe]]`");
    of_probes.insert("id".to_owned());
    assert_eq!(properties(&schema, "/definitions/probe"), of_probes);
}

#[test]
fn the_schema_of_cards_has_the_keys_of_the_page_and_of_the_program() {
    let schema = schema("card");
    let places = [
        ("", "## Keys", "Card"),
        ("/definitions/file", "## `[files]`", "FileEntry"),
        ("/definitions/split", "## `[[split]]`", "SplitRule"),
    ];
    for (pointer, heading, name) in places {
        let keys = properties(&schema, pointer);
        assert_eq!(keys, documented("cards.md", heading), "{heading}");
        if !texts(&[".rs"]).is_empty() {
            assert_eq!(keys, fields(name), "{name}");
        }
    }
    if !texts(&[".rs"]).is_empty() {
        assert_eq!(properties(&schema, "/definitions/file/properties/table"), fields("SideTable"));
        assert_eq!(properties(&schema, "/definitions/genome"), fields("GenomeFile"));
        assert_eq!(properties(&schema, "/definitions/split/properties/into"), fields("Shares"));
    }
}

/// Each key of `table` that the schema does not know at its place, and each required one that is missing.
fn unknown_keys(root: &Value, schema: &Value, table: &Table, place: &str) -> Vec<String> {
    let mut problems: Vec<String> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|key| !table.contains_key(*key))
        .map(|key| format!("{place} lacks {key}"))
        .collect();
    for (key, value) in table {
        let inner = match (schema["properties"].get(key), schema.get("additionalProperties")) {
            (Some(inner), _) | (None, Some(inner @ Value::Object(_))) => resolved(root, inner),
            _ => {
                problems.push(format!("{place}: {key} is not in the schema"));
                continue;
            }
        };
        let tables: Vec<&Table> = match value {
            toml::Value::Table(table) => vec![table],
            toml::Value::Array(values) => values.iter().filter_map(toml::Value::as_table).collect(),
            _ => Vec::new(),
        };
        let inner = inner.get("items").map_or(inner, |items| resolved(root, items));
        for table in tables {
            problems.extend(unknown_keys(root, inner, table, &format!("{place}.{key}")));
        }
    }
    problems
}

/// A schema or the one it refers to; of several choices the first.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(choice) = schema["anyOf"].get(0) {
        return resolved(root, choice);
    }
    match schema["$ref"].as_str().and_then(|address| root.pointer(address.trim_start_matches('#'))) {
        Some(other) => resolved(root, other),
        None => schema,
    }
}

#[test]
fn the_files_of_this_repository_fit_their_schemas() {
    let mut n_files = 0;
    for (path, text) in texts(&[".toml"]) {
        let table: Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = match path.parent().and_then(|folder| folder.to_str()) {
            Some("datasets") => "card",
            Some("benchmarks") if table.contains_key("datasets") => "suite",
            _ => continue,
        };
        n_files += 1;
        let schema = schema(name);
        let problems = unknown_keys(&schema, &schema, &table, &path.display().to_string());
        assert!(problems.is_empty(), "{problems:#?}");
    }
    assert!(n_files > 10 || texts(&[".toml"]).is_empty(), "{n_files} files");
}
