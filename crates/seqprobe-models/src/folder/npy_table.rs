//! A table of numbers from a `.npy` file, read strictly: two dimensions, row by row, 32 or 64-bit floats,
//! as many numbers as the header says and nothing after them.

use crate::error::ModelError;
use crate::folder::misplaced::misplaced;
use npyz::{NpyFile, Order};
use seqprobe_core::Digest;
use seqprobe_files::FileKind;
use std::path::{Path, PathBuf};

/// A table and its file.
pub(crate) struct NpyTable {
    pub(crate) path: PathBuf,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Row by row.
    pub(crate) values: Vec<f64>,
    /// Digest of the file's bytes.
    pub(crate) digest: Digest,
}

impl NpyTable {
    /// Reads a table.
    ///
    /// # Errors
    /// [`ModelError::Io`] if the file cannot be read, [`ModelError::Checkpoint`] if it is damaged or of another kind.
    pub(crate) fn read(path: &Path) -> Result<Self, ModelError> {
        let bytes = std::fs::read(path).map_err(ModelError::io(path))?;
        let error = |message: String| ModelError::Checkpoint { path: path.to_owned(), message };
        let kind = FileKind::of(&bytes);
        if kind.hint().is_some() {
            return Err(error(misplaced(kind, "a NumPy array (npy)")));
        }
        let damaged = |problem: std::io::Error| {
            error(format!(
                "not a complete npy file ({} bytes): {problem}\n  hint: copy it again",
                bytes.len()
            ))
        };
        let mut rest = bytes.as_slice();
        let file = NpyFile::new(&mut rest).map_err(damaged)?;
        let &[rows, columns] = file.shape() else {
            return Err(error(format!("has shape {:?}, expected rows and columns", file.shape())));
        };
        if file.order() != Order::C {
            return Err(error("is stored column by column, expected row by row\n  hint: save numpy.ascontiguousarray(table)".to_owned()));
        }
        let width = match file.dtype().descr().as_str() {
            "'<f4'" | "'>f4'" => 4,
            "'<f8'" | "'>f8'" => 8,
            other => {
                return Err(error(format!("has element type {other}, expected '<f4' or '<f8'")));
            }
        };
        // This is checked before anything is allocated, because a damaged header may promise any number of values.
        let promised = rows.checked_mul(columns).and_then(|n| n.checked_mul(width));
        if promised.is_none_or(|promised| promised > bytes.len() as u64) {
            return Err(error(format!(
                "{} bytes are too few for {rows} rows of {columns} numbers\n  hint: copy it again",
                bytes.len()
            )));
        }
        let values: Vec<f64> = if width == 4 {
            file.into_vec::<f32>().map_err(damaged)?.into_iter().map(f64::from).collect()
        } else {
            file.into_vec::<f64>().map_err(damaged)?
        };
        if !rest.is_empty() {
            return Err(error(format!("{} bytes follow the table, expected none", rest.len())));
        }
        if let Some((place, value)) = values.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(error(format!(
                "row {}, column {} is {value}, expected a finite number",
                place / columns as usize,
                place % columns as usize
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            rows: rows as usize,
            columns: columns as usize,
            values,
            digest: Digest::of_bytes(&bytes),
        })
    }
}
