//! The one way a score is computed: prepared once for a set of outputs, then applied to integer weights.
//!
//! Weight 1 everywhere is the score itself; a bootstrap replicate is the same pass with the counts of a
//! resample. No metric has a second implementation for replicates.

use crate::truth::Undefined;

/// A metric prepared for one truth and one set of outputs.
pub(crate) trait Weighted: Send + Sync {
    /// The score when example `i` occurs `weights[i]` times.
    fn score(&self, weights: &[u32]) -> Result<f64, Undefined>;
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
    fn score(&self, weights: &[u32]) -> Result<f64, Undefined> {
        let mut sum = 0.0;
        for (target, column) in &self.columns {
            sum += column.score(weights).map_err(|cause| {
                if self.n_targets == 1 {
                    cause
                } else {
                    Undefined::Target { target: *target, cause: Box::new(cause) }
                }
            })?;
        }
        Ok(sum / self.columns.len() as f64)
    }
}
