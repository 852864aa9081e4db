//! Description length of the training labels under a probe.

use serde::{Deserialize, Serialize};

/// A description length or the reason there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum DescriptionValue {
    /// Bits and compression.
    Known(DescriptionRecord),
    /// Undefined.
    Undefined {
        /// Why.
        reason: String,
    },
}

/// Bits that transmit the training labels to a receiver who has the features, by online coding in several orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DescriptionRecord {
    /// Orders of the training rows, each coded on its own.
    pub n_orders: usize,
    /// Bits under the probe.
    pub bits: RangeRecord,
    /// Bits if every class is equally likely.
    pub uniform_bits: f64,
    /// Uniform bits divided by bits: above 1 if the features are informative.
    pub compression: RangeRecord,
}

/// A mean with the smallest and largest of its values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RangeRecord {
    /// Mean.
    pub mean: f64,
    /// Smallest.
    pub lowest: f64,
    /// Largest.
    pub highest: f64,
}

impl RangeRecord {
    /// The range of some values; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let lowest = values.iter().copied().reduce(f64::min)?;
        let highest = values.iter().copied().reduce(f64::max)?;
        Some(Self { mean: values.iter().sum::<f64>() / values.len() as f64, lowest, highest })
    }
}
