//! Standardised rows of a split. They stay in memory if they fit the budget, else each pass reads them again.

use crate::error::LinearError;
use crate::prepare::design::Design;
use crate::prepare::scaler::Scaler;
use seqprobe_core::FeatureView;

/// Rows to fit on or to score on.
pub(crate) struct Standardised<'a> {
    view: FeatureView<'a>,
    scaler: &'a Scaler,
    held: Option<Vec<f64>>,
}

impl<'a> Standardised<'a> {
    /// Rows that each pass reads again.
    pub(crate) fn stored(view: FeatureView<'a>, scaler: &'a Scaler) -> Self {
        Self { view, scaler, held: None }
    }

    /// Rows that stay in memory if they need no more than `budget_bytes`, which is then reduced by what they need.
    pub(crate) fn held_within(
        view: FeatureView<'a>,
        scaler: &'a Scaler,
        budget_bytes: &mut usize,
    ) -> Result<Self, LinearError> {
        let bytes = view.n_rows().saturating_mul(view.dim()).saturating_mul(size_of::<f64>());
        let held = match budget_bytes.checked_sub(bytes) {
            Some(left) => {
                *budget_bytes = left;
                Some(scaler.read(&view)?)
            }
            None => None,
        };
        Ok(Self { view, scaler, held })
    }

    /// The rows as a matrix.
    pub(crate) fn design(&self) -> Design<'_> {
        match &self.held {
            Some(values) => Design::new(values, self.view.n_rows(), self.view.dim()),
            None => Design::stored(self.view, self.scaler),
        }
    }

    /// Some of the rows, through a buffer that the caller keeps. They are in memory if all rows are.
    pub(crate) fn subset<'b>(&'b self, rows: &[usize], buffer: &'b mut Vec<usize>) -> Standardised<'b> {
        let dim = self.view.dim();
        let held = self.held.as_ref().map(|values| {
            rows.iter().flat_map(|&row| &values[row * dim..(row + 1) * dim]).copied().collect()
        });
        Standardised { view: self.view.subset(rows, buffer), scaler: self.scaler, held }
    }
}
