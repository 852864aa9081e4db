//! Rows of features as the networks take them: one tensor, padded with zeros to the longest row.

use tch::{TchError, Tensor};

/// A batch of rows.
pub(crate) struct Batch {
    /// `[rows, longest, dim]`, zero beyond each row's length.
    pub(crate) values: Tensor,
    /// Tokens of each row.
    pub(crate) lengths: Vec<usize>,
    /// Tokens of the longest row.
    pub(crate) longest: usize,
}

impl Batch {
    /// Returns whether no row is padded.
    pub(crate) fn is_even(&self) -> bool {
        self.lengths.iter().all(|&length| length == self.longest)
    }
}

/// Returns true at each position that is padding.
///
/// # Shapes
/// `[rows, 1, 1, longest]`
pub(crate) fn padding_mask(lengths: &[usize], longest: usize) -> Result<Tensor, TchError> {
    let padding: Vec<bool> =
        lengths.iter().flat_map(|&length| (0..longest).map(move |place| place >= length)).collect();
    Tensor::f_from_slice(&padding)?.f_view([lengths.len() as i64, 1, 1, longest as i64])
}
