//! The computation of scores: a metric is prepared once for a set of outputs, then applied to integer weights of a
//! group of replicates.
//!
//! The score itself has weight 1 everywhere. A bootstrap replicate is the same computation with the counts of a
//! resample, so no metric has a second implementation for replicates. The weights of a row in all replicates of a
//! group are adjacent in memory: a pass reads an example once for all of them, and the compiler emits vector
//! instructions.

use crate::metrics::errors::Undefined;

/// Number of replicates that are scored together.
pub(crate) const LANES: usize = 16;

/// How often one row occurs in each replicate of a group. A count above 255 has a probability below 1e-500.
pub(crate) type RowWeights = [u8; LANES];

/// One score per replicate of a group.
pub(crate) type Scores = [Result<f64, Undefined>; LANES];

/// A metric that is prepared for one set of true values and one set of outputs.
pub(crate) trait Weighted: Send + Sync {
    /// Returns the score of each replicate. Example `i` occurs `weights[i][lane]` times in replicate `lane`.
    ///
    /// # Shapes
    /// `weights`: `[examples]`.
    fn scores(&self, weights: &[RowWeights]) -> Scores;
}

/// The unweighted mean of the scores of several targets (or classes, one versus rest).
///
/// The true values alone decide, once, which targets are included. A replicate in which one of them is undefined is
/// undefined as a whole: the mean over the others would estimate a different quantity.
pub(crate) struct MacroMean {
    /// 0-based target with its prepared metric.
    pub(crate) columns: Vec<(usize, Box<dyn Weighted>)>,
    /// Number of targets, including those that are left out.
    pub(crate) n_targets: usize,
}

impl Weighted for MacroMean {
    fn scores(&self, weights: &[RowWeights]) -> Scores {
        let mut sums: Scores = std::array::from_fn(|_| Ok(0.0));
        for (target, column) in &self.columns {
            for (sum, score) in sums.iter_mut().zip(column.scores(weights)) {
                match (sum.as_mut(), score) {
                    (Ok(sum), Ok(score)) => *sum += score,
                    (Ok(_), Err(cause)) => *sum = Err(self.named(*target, cause)),
                    (Err(_), _) => (),
                }
            }
        }
        sums.map(|sum| sum.map(|sum| sum / self.columns.len() as f64))
    }
}

impl MacroMean {
    fn named(&self, target: usize, cause: Undefined) -> Undefined {
        if self.n_targets == 1 { cause } else { Undefined::Target { target, cause: Box::new(cause) } }
    }
}

/// Returns the scores, with [`Undefined::NotFinite`] where arithmetic overflowed.
pub(crate) fn finite_scores(prepared: &dyn Weighted, weights: &[RowWeights]) -> Scores {
    prepared.scores(weights).map(|score| match score? {
        score if score.is_finite() => Ok(score),
        _ => Err(Undefined::NotFinite),
    })
}

/// Returns the score in which each of `n_rows` examples occurs once.
pub(crate) fn plain_score(prepared: &dyn Weighted, n_rows: usize) -> Result<f64, Undefined> {
    let [score, ..] = finite_scores(prepared, &vec![[1; LANES]; n_rows]);
    score
}
