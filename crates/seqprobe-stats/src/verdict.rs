//! Verdicts: what a model's paired differences against all baselines mean, corrected over datasets.
//!
//! Pure logic on [`Difference`]s; nothing is resampled here.

use crate::estimate::{Difference, NoEstimate};

/// Family-wise error rate of `beats` and `loses`.
pub const ALPHA: f64 = 0.05;

/// The four verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Above every baseline by more than the margin.
    Beats,
    /// Below at least one baseline by more than the margin.
    Loses,
    /// Within the margin of every baseline.
    Ties,
    /// Cannot tell.
    Unclear,
}

impl Verdict {
    /// The word used in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beats => "beats",
            Self::Loses => "loses",
            Self::Ties => "ties",
            Self::Unclear => "unclear",
        }
    }
}

/// One dataset's comparisons of one model and probe: one per baseline.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Model against each baseline, as [`crate::compare`] returned it.
    pub comparisons: &'a [Result<Difference, NoEstimate>],
    /// Differences up to this size do not matter; not negative.
    pub margin: f64,
}

/// What is said of a [`Row`].
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// p value of the row (`beats` or `loses`, two-sided), Holm over the rows given together.
    pub p_adjusted: f64,
    /// Two-sided p value of each comparison, Holm within the row; `None` where it is undefined.
    pub comparisons_p_adjusted: Vec<Option<f64>>,
    /// Why the row cannot be `beats` or `ties`, or is `unclear` for another reason than its intervals.
    pub reason: Option<String>,
}

/// Judges the datasets of one model and probe together.
///
/// # Shapes
/// One [`Row`] per dataset, one [`Judgement`] per row, in the same order.
#[must_use]
pub fn judge(rows: &[Row<'_>]) -> Vec<Judgement> {
    let unclear = |row: &Row<'_>| Judgement {
        verdict: Verdict::Unclear,
        p_adjusted: 1.0,
        comparisons_p_adjusted: vec![None; row.comparisons.len()],
        reason: None,
    };
    rows.iter().map(unclear).collect()
}
