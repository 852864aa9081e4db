//! Log loss of two classes with an L1 or elastic net penalty: one penalty after the other.
//!
//! The objective is `Σ log loss / rows + l1·Σ|w| + l2/2·Σw²` with a free intercept, that of scikit-learn at `C = 1 /
//! (rows · penalty)`. Each step minimises, by coordinate descent, a quadratic model of the loss plus the penalty. The
//! curvature of the model is measured again only if progress is slow: an old one makes shorter steps but costs nothing.

use crate::prepare::growing_gram::{DenseRows, GrowingGram, add_features, feature_slopes};
use crate::solvers::sparse_problem::{SparseProblem, State};
use crate::solvers::sparse_quadratic::{Penalty, Quadratic};
use seqprobe_core::numeric::{binary_log_loss, sigmoid};

const MAX_STEPS: usize = 200;
const MAX_HALVINGS: usize = 40;
/// Changes of the objective below this share of it are rounding errors.
const HIDDEN: f64 = 1e-12;
/// If a step leaves more than this share of the gap, the curvature is measured again.
const SLOW: f64 = 0.2;

/// Rows of two classes, and the state of the descent.
pub(crate) struct SparseLogistic<'a> {
    design: DenseRows<'a>,
    is_positive: &'a [bool],
    /// Mean log loss at zero weights.
    null_loss: f64,
    /// Slopes at zero weights.
    first_slopes: Vec<f64>,
    weights: Vec<f64>,
    intercept: f64,
    logits: Vec<f64>,
    slopes: Vec<f64>,
    curvature: Option<GrowingGram>,
}

/// The outcome of a step.
struct Step {
    /// Cycles of coordinate descent.
    cycles: u64,
    /// Whether its gain is below rounding.
    is_hidden: bool,
}

impl<'a> SparseLogistic<'a> {
    /// Starts at zero weights. `is_positive`: one per row; both classes occur.
    pub(crate) fn new(design: DenseRows<'a>, is_positive: &'a [bool]) -> Self {
        let n_positive = is_positive.iter().filter(|positive| **positive).count() as f64;
        let share = n_positive / is_positive.len().max(1) as f64;
        let intercept = (share / (1.0 - share)).ln();
        let mut problem = Self {
            design,
            is_positive,
            null_loss: 0.0,
            first_slopes: Vec::new(),
            weights: vec![0.0; design.n_columns],
            intercept,
            logits: vec![intercept; is_positive.len()],
            slopes: Vec::new(),
            curvature: None,
        };
        problem.null_loss = problem.loss(&problem.logits);
        problem.renew_slopes();
        problem.first_slopes.clone_from(&problem.slopes);
        problem
    }

    fn loss(&self, logits: &[f64]) -> f64 {
        let total: f64 = logits
            .iter()
            .zip(self.is_positive)
            .map(|(logit, positive)| binary_log_loss(*logit, *positive))
            .sum();
        total / logits.len().max(1) as f64
    }

    /// Returns the truth less the probability of each row.
    fn errors(&self) -> Vec<f64> {
        // Each tail is computed directly: 1 − sigmoid loses digits if it is small.
        let error = |(logit, positive): (&f64, &bool)| {
            if *positive { sigmoid(-logit) } else { -sigmoid(*logit) }
        };
        self.logits.iter().zip(self.is_positive).map(error).collect()
    }

    /// Moves the intercept to its optimum for the weights, where the errors sum to zero.
    fn settle_intercept(&mut self) {
        for _ in 0..100 {
            let errors: f64 = self.errors().iter().sum();
            let curvature: f64 = self.logits.iter().map(|logit| sigmoid(*logit) * sigmoid(-logit)).sum();
            let step = (errors / curvature.max(f64::MIN_POSITIVE)).clamp(-2.0, 2.0);
            self.intercept += step;
            self.logits.iter_mut().for_each(|logit| *logit += step);
            if step.abs() < 1e-14 * (1.0 + self.intercept.abs()) {
                break;
            }
        }
    }

    fn renew_slopes(&mut self) {
        self.slopes = feature_slopes(self.design, &self.errors());
    }

    fn gap(&self, penalty: Penalty) -> f64 {
        let steepest = self
            .slopes
            .iter()
            .zip(&self.weights)
            .map(|(slope, weight)| (slope - penalty.l2 * weight).abs())
            .fold(0.0, f64::max);
        let share = if steepest > penalty.l1 { penalty.l1 / steepest } else { 1.0 };
        let entropy = |part: f64| if part > 0.0 { -part * part.ln() } else { 0.0 };
        let errors = self.errors();
        let dual: f64 = errors
            .iter()
            .map(|error| {
                let error = share * error.abs();
                entropy(error) + entropy(1.0 - error)
            })
            .sum::<f64>()
            / errors.len().max(1) as f64;
        let square: f64 = self.weights.iter().map(|weight| weight * weight).sum();
        let primal = self.loss(&self.logits) + penalty.of(&self.weights);
        (primal - dual + 0.5 * share * share * penalty.l2 * square) / self.null_loss
    }

    /// Makes one step over the features in `wanted`. Returns `None`, and drops the curvature, if nothing improved.
    fn step(&mut self, wanted: &[usize], penalty: Penalty, tolerance: f64) -> Option<Step> {
        let design = self.design;
        let logits = &self.logits;
        let mut curvature = self.curvature.take().unwrap_or_else(|| {
            let weights = logits.iter().map(|logit| (sigmoid(*logit) * sigmoid(-logit)).max(1e-12)).collect();
            GrowingGram::new(design, weights)
        });
        curvature.ask(design, wanted);
        let mut is_wanted = vec![false; self.weights.len()];
        wanted.iter().for_each(|&feature| is_wanted[feature] = true);
        let members = curvature.members();
        let mut model = Quadratic {
            gram: curvature.values(),
            weights: members.iter().map(|&feature| self.weights[feature]).collect(),
            slopes: members.iter().map(|&feature| self.slopes[feature]).collect(),
        };
        let candidates: Vec<usize> = (0..members.len()).filter(|&place| is_wanted[members[place]]).collect();
        let cycles = model.descend(&candidates, penalty, tolerance);
        let (mut changes, mut shift, mut promised) = (Vec::new(), 0.0, 0.0);
        for ((&feature, &new), mean) in members.iter().zip(&model.weights).zip(curvature.means()) {
            let by = new - self.weights[feature];
            if by != 0.0 {
                changes.push((feature, by));
                shift -= mean * by;
                promised -= self.slopes[feature] * by;
            }
        }
        let mut along = vec![shift; self.logits.len()];
        add_features(design, &changes, &mut along);
        let mut new_weights = self.weights.clone();
        changes.iter().for_each(|&(feature, by)| new_weights[feature] += by);
        let before = self.loss(&self.logits) + penalty.of(&self.weights);
        promised += penalty.of(&new_weights) - penalty.of(&self.weights);
        // Too close to the optimum to see an improvement in the objective: the caller checks the gap.
        let is_hidden = promised.abs() <= HIDDEN * before;
        if promised >= 0.0 && !is_hidden {
            return None;
        }
        let mut length = 1.0;
        for _ in 0..MAX_HALVINGS {
            let logits: Vec<f64> = self.logits.iter().zip(&along).map(|(at, by)| at + length * by).collect();
            let weights: Vec<f64> = if length < 1.0 {
                self.weights.iter().zip(&new_weights).map(|(old, new)| old + length * (new - old)).collect()
            } else {
                // Exactly the weights of the model, so that zero is zero.
                members.iter().zip(&model.weights).for_each(|(&feature, &new)| new_weights[feature] = new);
                new_weights.clone()
            };
            let after = self.loss(&logits) + penalty.of(&weights);
            if is_hidden || after <= before + 1e-4 * length * promised {
                self.logits = logits;
                self.weights = weights;
                self.intercept += length * shift;
                self.curvature = Some(curvature);
                return Some(Step { cycles, is_hidden });
            }
            length *= 0.5;
        }
        None
    }
}

impl SparseProblem for SparseLogistic<'_> {
    fn steepest(&self) -> f64 {
        self.first_slopes.iter().map(|slope| slope.abs()).fold(0.0, f64::max)
    }

    fn solve(&mut self, previous_l1: f64, penalty: Penalty, tolerance: f64) -> State {
        let mut iterations = 0;
        let threshold = 2.0 * penalty.l1 - previous_l1;
        let mut is_wanted: Vec<bool> = self
            .weights
            .iter()
            .zip(&self.slopes)
            .map(|(weight, slope)| *weight != 0.0 || slope.abs() >= threshold)
            .collect();
        let mut gap = self.gap(penalty);
        let mut care = 0.03;
        for _ in 0..MAX_STEPS {
            if gap <= tolerance {
                break;
            }
            for (is_wanted, (slope, weight)) in
                is_wanted.iter_mut().zip(self.slopes.iter().zip(&self.weights))
            {
                *is_wanted |= (slope - penalty.l2 * weight).abs() > penalty.l1;
            }
            let wanted: Vec<usize> = (0..is_wanted.len()).filter(|&feature| is_wanted[feature]).collect();
            let is_fresh = self.curvature.is_none();
            // The gap falls in proportion to the errors of the slopes, that is to changes, not to their squares.
            let step_tolerance = (care * gap).powi(2) * self.null_loss;
            let Some(step) = self.step(&wanted, penalty, step_tolerance) else {
                if is_fresh {
                    break;
                }
                continue;
            };
            iterations += step.cycles;
            self.settle_intercept();
            self.renew_slopes();
            let before = gap;
            gap = self.gap(penalty);
            if is_fresh && step.is_hidden && gap >= before {
                break;
            }
            if gap > SLOW * before {
                care *= 0.1;
                self.curvature = None;
            }
        }
        State { converged: gap <= tolerance, iterations, duality_gap: gap.max(0.0) }
    }

    fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn intercept(&self) -> f64 {
        self.intercept
    }
}
