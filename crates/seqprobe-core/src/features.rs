//! Feature values, read by row. A probe sees nothing else of a representation.

use crate::sequence::DnaSequence;
use thiserror::Error;

/// Whether a row is one vector or one vector per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureKind {
    /// One vector of `dim` values per row.
    Pooled,
    /// `length(row)` vectors of `dim` values per row.
    Tokens,
}

/// Rows of `f32` features by index. Reading a row twice gives the same bits.
pub trait FeatureSource: Sync {
    /// Number of rows.
    fn n_rows(&self) -> usize;

    /// Values per vector.
    fn dim(&self) -> usize;

    /// Whether rows are pooled or have one vector per token.
    fn kind(&self) -> FeatureKind;

    /// Vectors in a row: 1 if pooled, at least 1 otherwise. `row` is below `n_rows()`.
    fn length(&self, row: usize) -> usize;

    /// The position of a row in storage: rows in ascending order of it are read sequentially. Two rows may share a
    /// position. It never changes a value.
    fn storage_position(&self, row: usize) -> usize {
        row
    }

    /// The sequences of all rows, if each vector is the one-hot code of one base. A probe that reads bases takes them
    /// from here and need not decode the vectors.
    fn sequences(&self) -> Option<&[DnaSequence]> {
        None
    }

    /// Appends the values of `rows` to `out`, row after row, vector after vector.
    ///
    /// # Shapes
    /// Appends `[Σ length(row), dim]`, row-major.
    ///
    /// # Errors
    /// [`FeatureError`] when stored values cannot be read or fail their check.
    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError>;
}

/// Why features could not be read.
#[derive(Debug, Error)]
pub enum FeatureError {
    /// A row index beyond the source.
    #[error("row {row} does not exist: there are {n_rows}")]
    Row {
        /// The row asked for.
        row: usize,
        /// Number of rows.
        n_rows: usize,
    },
    /// An input longer than the longest input of the training dataset, for a fixed-length representation.
    #[error(
        "row {row} has {length} tokens, more than the {limit} of the longest input of the training dataset\n  \
         hint: use a probe without fixed length (cnn) or cut the input"
    )]
    TooLong {
        /// The row.
        row: usize,
        /// Its tokens.
        length: usize,
        /// Largest number of tokens.
        limit: usize,
    },
    /// The storage failed; the text names the file.
    #[error("{0}")]
    Store(String),
}

/// The rows of one split of a source. A probe that gets a view cannot reach other rows.
#[derive(Clone, Copy)]
pub struct FeatureView<'a> {
    source: &'a dyn FeatureSource,
    rows: &'a [usize],
}

impl<'a> FeatureView<'a> {
    /// A view of some rows of a source.
    ///
    /// # Errors
    /// [`FeatureError::Row`] when a row does not exist.
    pub fn new(source: &'a dyn FeatureSource, rows: &'a [usize]) -> Result<Self, FeatureError> {
        let n_rows = source.n_rows();
        match rows.iter().find(|&&row| row >= n_rows) {
            Some(&row) => Err(FeatureError::Row { row, n_rows }),
            None => Ok(Self { source, rows }),
        }
    }

    /// Rows in the view.
    pub fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// Values per vector.
    pub fn dim(&self) -> usize {
        self.source.dim()
    }

    /// Whether rows are pooled or have one vector per token.
    pub fn kind(&self) -> FeatureKind {
        self.source.kind()
    }

    /// Vectors in row `index` of the view.
    pub fn length(&self, index: usize) -> usize {
        self.source.length(self.rows[index])
    }

    /// The sequence of row `index` of the view, see [`FeatureSource::sequences`].
    pub fn sequence(&self, index: usize) -> Option<&'a DnaSequence> {
        self.source.sequences()?.get(self.rows[index])
    }

    /// The position of row `index` of the view among the stored rows, see [`FeatureSource::storage_position`].
    pub fn storage_position(&self, index: usize) -> usize {
        self.source.storage_position(self.rows[index])
    }

    /// The largest number of vectors in a row, 0 if the view is empty.
    pub fn longest(&self) -> usize {
        (0..self.n_rows()).map(|index| self.length(index)).max().unwrap_or(0)
    }

    /// Appends the values of some rows of the view (indices into the view) to `out`.
    ///
    /// # Errors
    /// As [`FeatureSource::read_rows`].
    pub fn read(&self, indices: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        let rows: Vec<usize> = indices.iter().map(|&index| self.rows[index]).collect();
        self.source.read_rows(&rows, out)
    }

    /// A view of some rows of this view (indices into the view), through a buffer the caller keeps.
    #[must_use]
    pub fn subset<'b>(&'b self, indices: &[usize], buffer: &'b mut Vec<usize>) -> FeatureView<'b> {
        buffer.clear();
        buffer.extend(indices.iter().map(|&index| self.rows[index]));
        FeatureView { source: self.source, rows: buffer }
    }
}
