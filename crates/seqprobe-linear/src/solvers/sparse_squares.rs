//! Squared error with an L1 or elastic net penalty: one target, one penalty after the other.
//!
//! The objective is that of scikit-learn: `Σ error² / (2 · rows) + l1·Σ|w| + l2/2·Σw²`, the intercept free.

use crate::prepare::growing_gram::{DenseRows, GrowingGram, add_features, feature_slopes};
use crate::solvers::sparse_problem::{SparseProblem, State};
use crate::solvers::sparse_quadratic::{Penalty, Quadratic};

/// With up to so many features all products are computed at once (32 MiB), with more only the needed ones.
const MAX_AT_ONCE: usize = 2_048;
const MAX_CHECKS: usize = 60;

/// Returns the products between features, which all targets on the same rows share.
pub(crate) fn shared_gram(design: DenseRows<'_>) -> GrowingGram {
    let mut gram = GrowingGram::new(design, vec![1.0; design.n_rows]);
    if design.n_columns <= MAX_AT_ONCE {
        gram.ask(design, &(0..design.n_columns).collect::<Vec<_>>());
    }
    gram
}

/// One target on its rows.
pub(crate) struct Squares<'a> {
    design: DenseRows<'a>,
    gram: &'a mut GrowingGram,
    /// Centred.
    targets: Vec<f64>,
    mean: f64,
    /// Mean square of `targets`.
    square: f64,
    /// Slopes at zero weights.
    linear: Vec<f64>,
    weights: Vec<f64>,
    slopes: Vec<f64>,
}

impl<'a> Squares<'a> {
    /// Starts at zero weights. `targets`: one per row.
    pub(crate) fn new(design: DenseRows<'a>, gram: &'a mut GrowingGram, targets: &[f64]) -> Self {
        let n_rows = targets.len().max(1) as f64;
        let mean = targets.iter().sum::<f64>() / n_rows;
        let is_constant = targets.iter().all(|target| target.total_cmp(&targets[0]).is_eq());
        let targets: Vec<f64> =
            targets.iter().map(|target| if is_constant { 0.0 } else { target - mean }).collect();
        let linear = feature_slopes(design, &targets);
        Self {
            square: targets.iter().map(|target| target * target).sum::<f64>() / n_rows,
            weights: vec![0.0; design.n_columns],
            slopes: linear.clone(),
            design,
            gram,
            targets,
            mean,
            linear,
        }
    }

    /// Returns the relative duality gap at any weights, for solvers that report none of this kind.
    pub(crate) fn gap_of(&mut self, weights: &[f64], penalty: Penalty) -> f64 {
        self.weights = weights.to_vec();
        self.renew_slopes();
        self.gap(penalty)
    }

    fn renew_slopes(&mut self) {
        if self.gram.members().len() == self.design.n_columns {
            let width = self.design.n_columns;
            let members = self.gram.members();
            let mut slopes: Vec<f64> = members.iter().map(|&feature| self.linear[feature]).collect();
            for (place, row) in self.gram.values().chunks(width.max(1)).enumerate() {
                let weight = self.weights[members[place]];
                if weight != 0.0 {
                    for (slope, product) in slopes.iter_mut().zip(row) {
                        *slope -= weight * product;
                    }
                }
            }
            for (&feature, slope) in members.iter().zip(slopes) {
                self.slopes[feature] = slope;
            }
            return;
        }
        let steps: Vec<(usize, f64)> = self
            .weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight != 0.0)
            .map(|(feature, weight)| (feature, -weight))
            .collect();
        let mut errors = self.targets.clone();
        add_features(self.design, &steps, &mut errors);
        let mean = errors.iter().sum::<f64>() / errors.len().max(1) as f64;
        errors.iter_mut().for_each(|error| *error -= mean);
        self.slopes = feature_slopes(self.design, &errors);
    }

    /// Returns the objective less that of the dual problem, over the objective at zero weights.
    fn gap(&self, penalty: Penalty) -> f64 {
        if self.square == 0.0 {
            return 0.0;
        }
        let (mut explained, mut product, mut weight_square, mut steepest) = (0.0, 0.0, 0.0, 0.0_f64);
        for ((weight, slope), linear) in self.weights.iter().zip(&self.slopes).zip(&self.linear) {
            explained += weight * (linear + slope);
            product += weight * linear;
            weight_square += weight * weight;
            steepest = steepest.max((slope - penalty.l2 * weight).abs());
        }
        let error = self.square - explained + penalty.l2 * weight_square;
        let share = if steepest > penalty.l1 { penalty.l1 / steepest } else { 1.0 };
        let l1: f64 = self.weights.iter().map(|weight| penalty.l1 * weight.abs()).sum();
        let primal = 0.5 * error + l1;
        let dual = share * (self.square - product) - 0.5 * share * share * error;
        (primal - dual) / (0.5 * self.square)
    }
}

impl SparseProblem for Squares<'_> {
    fn steepest(&self) -> f64 {
        self.linear.iter().map(|slope| slope.abs()).fold(0.0, f64::max)
    }

    fn solve(&mut self, previous_l1: f64, penalty: Penalty, tolerance: f64) -> State {
        let mut iterations = 0;
        let mut step_tolerance = 1e-3 * tolerance * self.square;
        let threshold = 2.0 * penalty.l1 - previous_l1;
        let mut wanted: Vec<usize> = (0..self.weights.len())
            .filter(|&feature| self.weights[feature] != 0.0 || self.slopes[feature].abs() >= threshold)
            .collect();
        let mut gap = self.gap(penalty);
        for _ in 0..MAX_CHECKS {
            self.gram.ask(self.design, &wanted);
            let mut is_wanted = vec![false; self.weights.len()];
            wanted.iter().for_each(|&feature| is_wanted[feature] = true);
            let members = self.gram.members();
            let mut quadratic = Quadratic {
                gram: self.gram.values(),
                weights: members.iter().map(|&feature| self.weights[feature]).collect(),
                slopes: members.iter().map(|&feature| self.slopes[feature]).collect(),
            };
            let candidates: Vec<usize> =
                (0..members.len()).filter(|&place| is_wanted[members[place]]).collect();
            iterations += quadratic.descend(&candidates, penalty, step_tolerance);
            for (&feature, weight) in members.iter().zip(&quadratic.weights) {
                self.weights[feature] = *weight;
            }
            self.renew_slopes();
            gap = self.gap(penalty);
            if gap <= tolerance {
                break;
            }
            let limit = penalty.l1 * (1.0 + 1e-12);
            let before = wanted.len();
            wanted.extend((0..self.weights.len()).filter(|&feature| {
                !is_wanted[feature]
                    && (self.slopes[feature] - penalty.l2 * self.weights[feature]).abs() > limit
            }));
            if wanted.len() == before {
                step_tolerance *= 1e-2;
            }
        }
        State { converged: gap <= tolerance, iterations, duality_gap: gap.max(0.0) }
    }

    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn intercept(&self) -> f64 {
        let mut shift = 0.0;
        for (&feature, mean) in self.gram.members().iter().zip(self.gram.means()) {
            shift += self.weights[feature] * mean;
        }
        self.mean - shift
    }
}
