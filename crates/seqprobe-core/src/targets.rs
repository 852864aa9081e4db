//! The true values of a task's targets, row by row. A missing value is `None`, never NaN.

use ndarray::Array2;

/// True values, aligned with the examples.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// Binary (`n_classes` 2, label 1 is positive) and multiclass: the class index of each example.
    Classes {
        /// Class index per example, below `n_classes`.
        labels: Vec<u32>,
        /// Number of classes, at least 2.
        n_classes: usize,
    },
    /// Multilabel (0 or 1) and regression: finite values, `None` where missing.
    Values {
        /// # Shapes
        /// `[examples, targets]`
        values: Array2<Option<f64>>,
    },
}

impl Targets {
    /// Number of examples.
    pub fn n_examples(&self) -> usize {
        match self {
            Self::Classes { labels, .. } => labels.len(),
            Self::Values { values } => values.nrows(),
        }
    }

    /// The targets of some rows, in the order given.
    ///
    /// # Panics
    /// When a row is out of range; rows come from the dataset's own splits.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes { labels, n_classes } => {
                Self::Classes { labels: rows.iter().map(|&row| labels[row]).collect(), n_classes: *n_classes }
            }
            Self::Values { values } => Self::Values { values: values.select(ndarray::Axis(0), rows) },
        }
    }
}
