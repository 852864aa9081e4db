//! Coordinate descent for `½ wᵀGw − cᵀw + l1·Σ|w| + l2/2·Σw²`, the core of lasso and elastic net.
//!
//! Cycles over the coordinates find the weights that are zero. Newton's step on the other weights then reaches the
//! optimum at once, while cycles alone are slow for correlated features. Every step lowers the objective.

use faer::linalg::solvers::Solve;
use faer::{Mat, MatRef, Side};

/// Cycles over the non-zero weights between two cycles over all candidates.
const ACTIVE_CYCLES: usize = 6;
/// Rounds of cycles and a Newton step. The descent ends earlier if a round changes nothing.
const MAX_ROUNDS: usize = 200;
/// Largest number of non-zero weights for Newton's step.
const MAX_SYSTEM: usize = 4_096;
/// Share of the mean diagonal that is added to a system, because it may be singular.
const RIDGE_SHARE: f64 = 1e-11;

/// Strength of both penalties.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Penalty {
    /// Factor of `Σ|w|`.
    pub(crate) l1: f64,
    /// Factor of `½ Σw²`.
    pub(crate) l2: f64,
}

impl Penalty {
    /// The penalty of strength `alpha`, with the share `l1_ratio` on absolute values.
    pub(crate) fn new(alpha: f64, l1_ratio: f64) -> Self {
        Self { l1: alpha * l1_ratio, l2: alpha * (1.0 - l1_ratio) }
    }

    /// Its value at some weights.
    pub(crate) fn of(&self, weights: &[f64]) -> f64 {
        weights.iter().map(|weight| self.l1 * weight.abs() + 0.5 * self.l2 * weight * weight).sum()
    }
}

/// The state of a descent.
pub(crate) struct Quadratic<'a> {
    /// `[width, width]`, symmetric.
    pub(crate) gram: &'a [f64],
    /// The weights.
    pub(crate) weights: Vec<f64>,
    /// `c − G·weights`, the negative slope of the part without penalties.
    pub(crate) slopes: Vec<f64>,
}

impl Quadratic<'_> {
    fn width(&self) -> usize {
        self.weights.len()
    }

    fn change(&mut self, coordinate: usize, by: f64) {
        let width = self.width();
        self.weights[coordinate] += by;
        let row = &self.gram[coordinate * width..(coordinate + 1) * width];
        for (slope, product) in self.slopes.iter_mut().zip(row) {
            *slope -= by * product;
        }
    }

    /// Sets one weight to its best value. Returns its curvature times the square of its change.
    fn improve(&mut self, coordinate: usize, penalty: Penalty) -> f64 {
        let curvature = self.gram[coordinate * self.width() + coordinate];
        if curvature <= 0.0 {
            return 0.0;
        }
        let old = self.weights[coordinate];
        let pull = self.slopes[coordinate] + curvature * old;
        let shrunk = (pull.abs() - penalty.l1).max(0.0).copysign(pull);
        let new = shrunk / (curvature + penalty.l2);
        let by = new - old;
        if by == 0.0 {
            return 0.0;
        }
        self.change(coordinate, by);
        // Exactly the value, so that a weight of zero is zero.
        self.weights[coordinate] = new;
        curvature * by * by
    }

    fn active(&self, candidates: &[usize]) -> Vec<usize> {
        candidates.iter().copied().filter(|&coordinate| self.weights[coordinate] != 0.0).collect()
    }

    /// Descends until no weight changes by more than `tolerance` (curvature · change²). Returns the number of cycles.
    pub(crate) fn descend(&mut self, candidates: &[usize], penalty: Penalty, tolerance: f64) -> u64 {
        let mut cycles = 0;
        for _ in 0..MAX_ROUNDS {
            let cycle = |state: &mut Self, coordinates: &[usize]| {
                coordinates.iter().map(|&one| state.improve(one, penalty)).fold(0.0, f64::max)
            };
            cycles += 1;
            if cycle(self, candidates) <= tolerance {
                break;
            }
            let active = self.active(candidates);
            let mut is_settled = false;
            for _ in 0..ACTIVE_CYCLES {
                cycles += 1;
                if cycle(self, &active) <= tolerance {
                    is_settled = true;
                    break;
                }
            }
            if !is_settled {
                self.newton_step(&self.active(candidates), penalty);
            }
        }
        cycles
    }

    /// Makes Newton's step on the non-zero weights, up to the point where the first of them becomes zero.
    fn newton_step(&mut self, active: &[usize], penalty: Penalty) {
        let (width, n_active) = (self.width(), active.len());
        if n_active == 0 || n_active > MAX_SYSTEM {
            return;
        }
        let diagonal: f64 = active.iter().map(|&one| self.gram[one * width + one]).sum();
        let ridge = penalty.l2 + RIDGE_SHARE * diagonal / n_active as f64;
        let system = Mat::from_fn(n_active, n_active, |row, column| {
            let value = self.gram[active[row] * width + active[column]];
            if row == column { value + ridge } else { value }
        });
        let Ok(factor) = system.llt(Side::Lower) else { return };
        let rest: Vec<f64> = active
            .iter()
            .map(|&one| {
                let weight = self.weights[one];
                self.slopes[one] - penalty.l2 * weight - penalty.l1.copysign(weight)
            })
            .collect();
        let step = factor.solve(MatRef::from_column_major_slice(&rest, n_active, 1));
        let mut length = 1.0;
        let mut first_to_vanish = None;
        for (place, &one) in active.iter().enumerate() {
            let (weight, step) = (self.weights[one], step[(place, 0)]);
            if !step.is_finite() {
                return;
            }
            if step * weight < 0.0 && -weight / step < length {
                length = -weight / step;
                first_to_vanish = Some(one);
            }
        }
        for (place, &one) in active.iter().enumerate() {
            let by = length * step[(place, 0)];
            if Some(one) == first_to_vanish {
                self.change(one, -self.weights[one]);
                self.weights[one] = 0.0;
            } else {
                self.change(one, by);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn two_coordinates_by_hand() {
        // G = [[2, 1], [1, 2]], c = [3, 0], l1 = 0.5, l2 = 0: only the first is non-zero, at (3 − 0.5) / 2 =
        // 1.25, and the second's slope −1.25 needs more than 0.5: it goes below zero. With both signs known:
        // [2 1; 1 2] w = [2.5, 0.5] gives w = [1.5, −0.5].
        let gram = [2.0, 1.0, 1.0, 2.0];
        let mut state = Quadratic { gram: &gram, weights: vec![0.0; 2], slopes: vec![3.0, 0.0] };
        state.descend(&[0, 1], Penalty { l1: 0.5, l2: 0.0 }, 1e-24);
        assert_abs_diff_eq!(state.weights[0], 1.5, epsilon = 1e-10);
        assert_abs_diff_eq!(state.weights[1], -0.5, epsilon = 1e-10);
        assert_abs_diff_eq!(state.slopes[0], 0.5, epsilon = 1e-10);
        assert_abs_diff_eq!(state.slopes[1], -0.5, epsilon = 1e-10);
    }

    #[test]
    fn a_singular_matrix_and_a_constant_feature_do_no_harm() {
        // The first two features are the same, the third never changes.
        let gram = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let mut state = Quadratic { gram: &gram, weights: vec![0.0; 3], slopes: vec![1.0, 1.0, 0.0] };
        state.descend(&[0, 1, 2], Penalty { l1: 0.25, l2: 0.0 }, 1e-24);
        assert_abs_diff_eq!(state.weights[0] + state.weights[1], 0.75, epsilon = 1e-10);
        assert_eq!(state.weights[2].to_bits(), 0);
    }
}
