//! What a path of penalties asks of a loss.

use crate::solvers::sparse_quadratic::Penalty;

/// A loss with an L1 or elastic net penalty, for one target.
pub(crate) trait SparseProblem {
    /// Largest absolute slope at zero weights: the smallest `l1` at which all weights are zero.
    fn steepest(&self) -> f64;

    /// Moves to the optimum at a penalty. `previous_l1`: the `l1` of the current optimum.
    fn solve(&mut self, previous_l1: f64, penalty: Penalty, tolerance: f64) -> State;

    /// One per feature.
    fn weights(&self) -> &[f64];

    /// The intercept for features as they are, not centred.
    fn intercept(&self) -> f64;
}

/// How the last optimum was reached.
pub(crate) struct State {
    pub(crate) converged: bool,
    pub(crate) iterations: u64,
    pub(crate) duality_gap: f64,
}
