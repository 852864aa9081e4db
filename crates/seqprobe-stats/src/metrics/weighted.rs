//! The one way a score is computed: prepared once for a set of outputs, then applied to integer weights, a group of
//! replicates side by side.
//!
//! Weight 1 everywhere is the score itself; a bootstrap replicate is the same pass with the counts of a resample. No
//! metric has a second implementation for replicates. The replicates of a group lie next to each other for each row:
//! a pass reads an example once for all of them, and the compiler makes vector instructions of it.

use crate::metrics::truth::Undefined;

/// Replicates that are scored side by side.
pub(crate) const LANES: usize = 16;

/// How often one row occurs in each replicate of a group. A count above 255 would need 256 of as many draws as there
/// are rows to hit one row: its probability is below 1e-500.
pub(crate) type RowWeights = [u8; LANES];

/// One score per replicate of a group.
pub(crate) type Scores = [Result<f64, Undefined>; LANES];

/// A metric prepared for one truth and one set of outputs.
pub(crate) trait Weighted: Send + Sync {
    /// The scores when example `i` occurs `weights[i][lane]` times in replicate `lane`.
    ///
    /// # Shapes
    /// `weights`: `[examples]`.
    fn scores(&self, weights: &[RowWeights]) -> Scores;
}

/// The unweighted mean of the scores of several targets (or classes, one versus rest).
///
/// Which targets take part is decided once, by the truth alone. A replicate in which one of them is undefined
/// is undefined as a whole: averaging over the others would change what is estimated.
pub(crate) struct MacroMean {
    /// 0-based target with its prepared score.
    pub(crate) columns: Vec<(usize, Box<dyn Weighted>)>,
    /// Targets there are, those left out included.
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

/// The scores, with [`Undefined::NotFinite`] where arithmetic overflowed.
pub(crate) fn finite_scores(prepared: &dyn Weighted, weights: &[RowWeights]) -> Scores {
    prepared.scores(weights).map(|score| match score? {
        score if score.is_finite() => Ok(score),
        _ => Err(Undefined::NotFinite),
    })
}

/// The score itself: every one of `n_rows` examples once.
pub(crate) fn plain_score(prepared: &dyn Weighted, n_rows: usize) -> Result<f64, Undefined> {
    let [score, ..] = finite_scores(prepared, &vec![[1; LANES]; n_rows]);
    score
}
