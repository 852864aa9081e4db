//! Places in a TOML text: the key that a position belongs to, and the line of a key.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A key or value of a text: its keys from the outside to the inside, and where it is, in bytes. Positions in lists
/// are numbers from 0.
struct Node {
    path: Vec<String>,
    span: Range<usize>,
}

/// The 1-based line of a key. Where the whole path is not in the text, the line of the longest part that is.
pub fn line_of_key(text: &str, path: &[String]) -> Option<usize> {
    let nodes = nodes(text);
    (1..=path.len()).rev().find_map(|length| {
        let node = nodes.iter().find(|node| path.get(..length) == Some(&node.path))?;
        Some(line_at(text, node.span.start))
    })
}

/// The 1-based line of a position in bytes.
pub(super) fn line_at(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|&byte| byte == b'\n').count()
}

/// The path of the smallest key or value that contains a span.
pub(super) fn path_at(text: &str, span: &Range<usize>) -> Option<Vec<String>> {
    let holds = |node: &&Node| node.span.start <= span.start && span.end <= node.span.end;
    let smallest = nodes(text).into_iter().filter(|node| holds(&node)).min_by_key(|node| node.span.len());
    smallest.map(|node| node.path)
}

/// All keys and values, each key before its value.
fn nodes(text: &str) -> Vec<Node> {
    let mut found = Vec::new();
    if let Ok(table) = DeTable::parse(text) {
        add_table(table.get_ref(), &mut Vec::new(), &mut found);
    }
    found
}

fn add_table(table: &DeTable<'_>, path: &mut Vec<String>, found: &mut Vec<Node>) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        found.push(Node { path: path.clone(), span: key.span() });
        add_value(value, path, found);
        path.pop();
    }
}

fn add_value(value: &Spanned<DeValue<'_>>, path: &mut Vec<String>, found: &mut Vec<Node>) {
    found.push(Node { path: path.clone(), span: value.span() });
    match value.get_ref() {
        DeValue::Table(table) => add_table(table, path, found),
        DeValue::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                path.push(at.to_string());
                add_value(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// A path for people: `representation 2: layers`, `files.all.sha256`. Entries of lists are counted from 1.
pub fn path_text(path: &[String]) -> String {
    let mut text = String::new();
    let mut after_number = false;
    for step in path {
        if let Ok(at) = step.parse::<usize>() {
            text.push_str(&format!(" {}", at + 1));
            after_number = true;
            continue;
        }
        match (text.is_empty(), after_number) {
            (true, _) => {}
            (false, true) => text.push_str(": "),
            (false, false) => text.push('.'),
        }
        text.push_str(step);
        after_number = false;
    }
    text
}
