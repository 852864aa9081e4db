//! Example ids of imported vectors: reads them from a text file and checks that each occurs once.

use super::ImportError;
use crate::error::EmbedError;
use seqprobe_files::FileKind;
use std::collections::HashMap;
use std::path::Path;

/// Reads one id per line.
pub(super) fn read_lines(path: &Path) -> Result<Vec<String>, EmbedError> {
    let refuse = |reason| EmbedError::Import { path: path.to_owned(), reason };
    let text = std::fs::read(path).map_err(|error| refuse(ImportError::IdFile(error)))?;
    let kind = FileKind::of(&text);
    if kind.hint().is_some() {
        return Err(refuse(ImportError::IdFileKind(kind)));
    }
    let text = String::from_utf8(text).map_err(|error| refuse(ImportError::IdFileText(error)))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Maps each id to its row.
pub(super) fn rows_by_id(ids: &[String]) -> Result<HashMap<String, usize>, ImportError> {
    let mut rows = HashMap::with_capacity(ids.len());
    let mut repeated: Option<(usize, usize)> = None;
    let mut n_repeated = 0;
    for (row, id) in ids.iter().enumerate() {
        if id.is_empty() {
            return Err(ImportError::EmptyId { row });
        }
        if let Some(first) = rows.insert(id.clone(), row) {
            n_repeated += 1;
            repeated.get_or_insert((first, row));
        }
    }
    match repeated {
        None => Ok(rows),
        Some((first, second)) => Err(ImportError::RepeatedIds {
            count: n_repeated,
            id: ids.get(second).cloned().unwrap_or_default(),
            first,
            second,
        }),
    }
}
