//! Example ids of imported vectors: from a text file, and as an index in which each stands once.

use crate::error::EmbedError;
use std::collections::HashMap;
use std::path::Path;

/// One id per line.
pub(super) fn read_lines(path: &Path) -> Result<Vec<String>, EmbedError> {
    let text = std::fs::read(path).map_err(|source| EmbedError::Import {
        path: path.to_owned(),
        reason: format!(
            "the ids cannot be read: {source}\n  hint: ids are needed to join embeddings to examples: one per line in this file, or name another with the key \"ids\""
        ),
    })?;
    let text = String::from_utf8(text).map_err(|error| EmbedError::Import {
        path: path.to_owned(),
        reason: format!("not UTF-8: {error}"),
    })?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The row of each id.
pub(super) fn rows_by_id(ids: &[String]) -> Result<HashMap<String, usize>, String> {
    let mut rows = HashMap::with_capacity(ids.len());
    let mut repeated: Option<(usize, usize)> = None;
    let mut n_repeated = 0;
    for (row, id) in ids.iter().enumerate() {
        if id.is_empty() {
            return Err(format!("the id of row {row} is empty"));
        }
        if let Some(first) = rows.insert(id.clone(), row) {
            n_repeated += 1;
            repeated.get_or_insert((first, row));
        }
    }
    match repeated {
        None => Ok(rows),
        Some((first, second)) => Err(format!(
            "{n_repeated} ids stand twice, first {:?} in rows {first} and {second}\n  hint: each example has one embedding",
            ids.get(second).map_or("", String::as_str)
        )),
    }
}
