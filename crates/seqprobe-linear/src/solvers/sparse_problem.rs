//! What a path of penalties asks of a loss.

use crate::solvers::sparse_quadratic::Penalty;

/// What a loss offers to the path.
pub(crate) trait SparseProblem {
    /// Largest absolute slope without weights: the weakest `l1` at which none is needed.
    fn steepest(&self) -> f64;

    /// Moves to the optimum at a penalty. `previous_l1`: that of the optimum it stands at.
    fn solve(&mut self, previous_l1: f64, penalty: Penalty, tolerance: f64) -> State;

    /// One per feature.
    fn weights(&self) -> &[f64];

    /// For the features as they are.
    fn intercept(&self) -> f64;
}

/// How a solution came about.
pub(crate) struct State {
    pub(crate) converged: bool,
    pub(crate) iterations: u64,
    pub(crate) duality_gap: f64,
}
