//! Rows of a JSON Lines file: one object per line, its keys are the columns.
//!
//! Numbers keep the text that the file has. `null` and keys that an object does not have are missing.

use super::columns::{Column, Row, Visit, no_column, text_of};
use super::limited_reader::{LimitedReader, MAX_COLUMNS, check_row_count};
use super::text_lines::TextLines;
use crate::error::DataError;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;

/// Rows whose keys are the columns.
const ROWS_OF_NAMES: u64 = 100;

/// A value of an object.
enum Value<'a> {
    Text(Cow<'a, str>),
    Missing,
    Nested,
}

/// The keys of the first hundred objects, in the order in which they occur.
pub(crate) fn names(path: &Path, reader: LimitedReader) -> Result<Vec<String>, DataError> {
    let (mut names, mut known) = (Vec::new(), HashSet::new());
    let mut n_rows = 0;
    each_object(path, reader, &mut |line, fields| {
        for (key, _) in fields {
            if !known.contains(key.as_ref()) {
                known.insert(key.clone().into_owned());
                names.push(key.into_owned());
            }
        }
        if names.len() > MAX_COLUMNS {
            return Err(DataError::line(
                path,
                line,
                format!("the objects have more than {MAX_COLUMNS} keys"),
            ));
        }
        n_rows += 1;
        Ok(if n_rows < ROWS_OF_NAMES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(names)
}

/// Gives the columns asked for of each object, in file order, to `visit`. A column that no object has is an error.
pub(crate) fn read_json_lines(
    path: &Path,
    reader: LimitedReader,
    columns: &[Column<'_>],
    visit: Visit<'_>,
) -> Result<(), DataError> {
    let names: Vec<&str> = columns
        .iter()
        .map(|column| {
            let (Column::Sequence(name) | Column::Named(name)) = *column;
            name
        })
        .collect();
    let mut is_found = vec![false; names.len()];
    let mut is_whole = true;
    let mut known: Vec<String> = Vec::new();
    each_object(path, reader, &mut |line, fields| {
        let mut values: Vec<Cow<'_, str>> = vec![Cow::Borrowed(""); names.len()];
        for (key, value) in fields {
            if line <= ROWS_OF_NAMES && !known.iter().any(|known| *known == key) && known.len() < MAX_COLUMNS
            {
                known.push(key.clone().into_owned());
            }
            for ((name, text), is_found) in names.iter().zip(&mut values).zip(&mut is_found) {
                if *name != key {
                    continue;
                }
                *is_found = true;
                match &value {
                    Value::Text(found) => *text = found.clone(),
                    Value::Missing => {}
                    Value::Nested => {
                        let message = format!(
                            "the value of {key:?} is a list or an object\n  hint: write each element under a key of \
                            its own"
                        );
                        return Err(DataError::line(path, line, message));
                    }
                }
            }
        }
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        let flow = visit(Row { line, values: &values })?;
        is_whole &= flow.is_continue();
        Ok(flow)
    })?;
    match names.iter().zip(&is_found).find(|(_, is_found)| !**is_found) {
        Some((name, _)) if is_whole => Err(no_column(path, name, &known)),
        _ => Ok(()),
    }
}

/// Called with the line and the fields of an object.
type VisitObject<'a> =
    &'a mut dyn FnMut(u64, Vec<(Cow<'_, str>, Value<'_>)>) -> Result<ControlFlow<()>, DataError>;

fn each_object(path: &Path, reader: LimitedReader, visit: VisitObject<'_>) -> Result<(), DataError> {
    let mut lines = TextLines::new(path, reader);
    let mut n_rows = 0;
    loop {
        lines.start_record();
        let number = lines.number() + 1;
        let Some(line) = lines.take()? else { return Ok(()) };
        if line.trim_ascii().is_empty() {
            continue;
        }
        n_rows += 1;
        check_row_count(path, number, n_rows)?;
        let text = text_of(path, number, line)?;
        let fields = fields_of(text).map_err(|message| DataError::line(path, number, message.to_string()))?;
        if visit(number, fields)?.is_break() {
            return Ok(());
        }
    }
}

/// Why a line is not an object.
#[derive(Debug, thiserror::Error)]
enum ObjectProblem {
    #[error(
        "is not a JSON object\n  hint: JSON Lines have one {{…}} per line; `jq -c '.[]'` writes them from an array"
    )]
    NotObject,
    #[error("JSON: {0}, in column {1}")]
    Json(String, usize),
    #[error("the key {0:?} occurs twice in one object")]
    Twice(String),
}

/// The fields of a line that is one object.
fn fields_of(line: &str) -> Result<Vec<(Cow<'_, str>, Value<'_>)>, ObjectProblem> {
    let mut rest = Rest { line, at: 0 };
    if !rest.skip('{') {
        return Err(ObjectProblem::NotObject);
    }
    let mut fields: Vec<(Cow<'_, str>, Value<'_>)> = Vec::new();
    if !rest.skip('}') {
        loop {
            if rest.peek() != Some(b'"') {
                return Err(rest.problem("expected a key in double quotes"));
            }
            let key = text_of_token(rest.token()?, &rest)?;
            // Objects of many keys are rare; those of a few are compared one by one.
            if fields.iter().any(|(known, _)| *known == key) {
                return Err(ObjectProblem::Twice(key.into_owned()));
            }
            if !rest.skip(':') {
                return Err(rest.problem("expected \":\""));
            }
            let value = rest.token()?;
            let value = match value.as_bytes().first() {
                Some(b'{' | b'[') => Value::Nested,
                Some(b'n') => Value::Missing,
                Some(b'"') => Value::Text(text_of_token(value, &rest)?),
                _ => Value::Text(Cow::Borrowed(value)),
            };
            fields.push((key, value));
            if rest.skip('}') {
                break;
            }
            if !rest.skip(',') {
                return Err(rest.problem("expected \",\" or \"}\""));
            }
        }
    }
    rest.skip_blanks();
    if rest.at < line.len() {
        return Err(rest.problem("text behind the object"));
    }
    Ok(fields)
}

/// A line from a position on.
struct Rest<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn skip_blanks(&mut self) {
        let rest = &self.line[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.line.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, letter: char) -> bool {
        self.skip_blanks();
        let is_there = self.line[self.at..].starts_with(letter);
        self.at += usize::from(is_there);
        is_there
    }

    /// The text of the next value.
    fn token(&mut self) -> Result<&'a str, ObjectProblem> {
        self.skip_blanks();
        let rest = &self.line[self.at..];
        let mut values = Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                let token = &rest[..values.byte_offset()];
                self.at += token.len();
                Ok(token)
            }
            Some(Err(error)) => {
                let column = self.at + error.column();
                let text = error.to_string();
                let text = text.split(" at line ").next().unwrap_or_default();
                Err(ObjectProblem::Json(text.to_owned(), column))
            }
            None => Err(self.problem("the object does not end on its line")),
        }
    }

    fn problem(&self, message: &str) -> ObjectProblem {
        ObjectProblem::Json(message.to_owned(), self.at + 1)
    }
}

/// The text of a JSON string.
fn text_of_token<'a>(token: &'a str, rest: &Rest<'_>) -> Result<Cow<'a, str>, ObjectProblem> {
    match token.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str(token).map(Cow::Owned).map_err(|_| rest.problem("not a text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        match fields_of(line) {
            Ok(fields) => fields
                .iter()
                .map(|(key, value)| match value {
                    Value::Text(text) => format!("{key}={text};"),
                    Value::Missing => format!("{key}?;"),
                    Value::Nested => format!("{key}[];"),
                })
                .collect(),
            Err(problem) => problem.to_string(),
        }
    }

    #[test]
    fn values_keep_the_text_of_the_file() {
        let line = r#"{"a": 1.50, "b" : "x\u0041\"", "c": null,"d":[1,{"e":2}], "e":true, "f": 12345678901234567890123, "": 1E3 }"#;
        assert_eq!(shown(line), "a=1.50;b=xA\";c?;d[];e=true;f=12345678901234567890123;=1E3;");
        assert_eq!(shown("{}"), "");
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for (line, part) in [
            ("[1]", "not a JSON object"),
            ("{\"a\":1} {\"b\":2}", "text behind the object"),
            ("{\"a\":1", "expected \",\" or \"}\", in column 7"),
            ("{\"a\":", "does not end on its line"),
            ("{\"a\":1,\"a\":2}", "occurs twice"),
            ("{\"a\":01}", "JSON:"),
            ("{\"a\":NaN}", "JSON:"),
            ("{\"a\" 1}", "expected \":\""),
            ("{a:1}", "expected a key"),
            ("{\"a\":\"x", "JSON:"),
        ] {
            assert!(shown(line).contains(part), "{line}: {}", shown(line));
        }
    }
}
