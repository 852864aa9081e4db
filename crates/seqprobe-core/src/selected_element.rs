//! A k-mer in a region of the sequence that a fitted probe selected.

use serde::{Deserialize, Serialize};

/// A k-mer whose frequency in a region of the sequence enters a fitted probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelectedElement {
    /// The target that it predicts.
    pub target: String,
    /// The k-mer, bases A C G T.
    pub word: String,
    /// First base of the region, 0-based from the left.
    pub start: usize,
    /// End of the region, 0-based, half-open.
    pub end: usize,
    /// Weight per standard deviation of the frequency, on the scale of the linear output.
    pub weight: f64,
    /// Pearson correlation of frequency and target in train.
    pub correlation: f64,
}
