//! Newton's method for penalised logistic regression, binary (one output) and softmax (one output per class).
//!
//! The objective is that of scikit-learn with penalty = 1/C: Σ log loss + penalty/2 · Σ weight², intercepts free.
//! Newton's equations are solved by conjugate gradients on exact products with the Hessian, preconditioned with a
//! factor of an earlier Hessian. With a fresh factor this is Newton–Cholesky. The old factor stays in use as long as a
//! new one would cost more than some passes over the data. Steps are halved until the objective falls, so that the
//! method also ends on separable data.

use crate::error::LinearError;
use crate::prepare::design::{Design, dot};
use crate::prepare::gram::GramProduct;
use crate::solvers::preconditioner::{Curvature, Factor};
use seqprobe_core::numeric::probabilities_and_log_loss;

/// Every component of the mean gradient must fall below this …
pub(crate) const GRADIENT_TOLERANCE: f64 = 1e-8;
/// … and the square of the Newton decrement below this. Then no probability is off by more than about 5e-7.
const DECREMENT_TOLERANCE: f64 = 1e-12;
const MAX_STEPS: u64 = 200;
/// Measuring the curvature costs about as much as one pass for each group of this many columns.
const COLUMNS_PER_PASS: usize = 24;
const MAX_INNER_STEPS: usize = 400;

/// The optimum at one penalty.
pub(crate) struct Optimum {
    /// `[outputs, width]`, the intercept last in each.
    pub(crate) parameters: Vec<f64>,
    pub(crate) converged: bool,
    pub(crate) iterations: u64,
    /// Largest absolute component of the gradient of the objective divided by the rows.
    pub(crate) gradient_norm: f64,
}

/// Rows with their classes, and the state of the optimisation.
pub(crate) struct Newton<'a> {
    design: Design<'a>,
    labels: &'a [usize],
    row_weights: Option<&'a [f64]>,
    outputs: usize,
    product: GramProduct,
    probabilities: Vec<f64>,
    curvature: Option<Curvature>,
    factor: Option<(f64, Factor)>,
    passes_since_measured: usize,
}

struct Evaluation {
    objective: f64,
    gradient: Vec<f64>,
}

impl<'a> Newton<'a> {
    /// `labels`: one per row, below 2 if `outputs` is 1, else below `outputs`. `row_weights`: the weight of each row,
    /// 1 if `None`.
    pub(crate) fn new(
        design: Design<'a>,
        labels: &'a [usize],
        row_weights: Option<&'a [f64]>,
        outputs: usize,
        product: GramProduct,
    ) -> Self {
        let probabilities = vec![0.0; design.n_rows * outputs];
        Self {
            design,
            labels,
            row_weights,
            outputs,
            product,
            probabilities,
            curvature: None,
            factor: None,
            passes_since_measured: 0,
        }
    }

    /// Derives the curvature at [`Self::start`] from an unweighted Gram matrix, which other fits share.
    pub(crate) fn start_from_gram(&mut self, gram: &[f64]) {
        let counts = self.class_weights();
        let total: f64 = counts.iter().sum();
        let shares: Vec<f64> = counts.iter().map(|count| count / total).collect();
        let shares = if self.outputs == 1 { &shares[1..] } else { &shares };
        self.curvature = Some(Curvature::of_shares(shares, gram));
    }

    /// Returns the total weight of the rows of each class (of both classes if there is one output).
    fn class_weights(&self) -> Vec<f64> {
        let mut weights = vec![0.0_f64; self.outputs.max(2)];
        for (row, &label) in self.labels.iter().enumerate() {
            weights[label] += self.row_weights.map_or(1.0, |weights| weights[row]);
        }
        weights
    }

    /// Returns zero weights and the intercepts that predict the frequencies of the classes.
    pub(crate) fn start(&self) -> Vec<f64> {
        let width = self.design.width();
        let counts = self.class_weights();
        let mut parameters = vec![0.0; self.outputs * width];
        if self.outputs == 1 {
            parameters[width - 1] = (counts[1] / counts[0]).ln();
        } else {
            let mean = counts.iter().map(|count| count.ln()).sum::<f64>() / self.outputs as f64;
            for (parameters, count) in parameters.chunks_mut(width).zip(&counts) {
                parameters[width - 1] = count.ln() - mean;
            }
        }
        parameters
    }

    /// Minimises the objective at `penalty`, starting from `parameters`.
    pub(crate) fn descend(&mut self, mut parameters: Vec<f64>, penalty: f64) -> Result<Optimum, LinearError> {
        let n_rows = self.design.n_rows as f64;
        let mut now = self.evaluate(&parameters, penalty)?;
        let mut iterations = 0;
        let mut converged = false;
        let mut damped = false;
        loop {
            let gradient_norm = largest(&now.gradient) / n_rows;
            if !(now.objective.is_finite() && gradient_norm.is_finite()) {
                return Err(LinearError::Numeric(format!(
                    "the objective is {} at penalty {penalty}",
                    now.objective
                )));
            }
            self.prepare_factor(penalty, gradient_norm > GRADIENT_TOLERANCE, damped)?;
            let preconditioned = self.precondition(&now.gradient);
            let decrement = dot(&now.gradient, &preconditioned);
            if gradient_norm <= GRADIENT_TOLERANCE && decrement <= DECREMENT_TOLERANCE {
                converged = true;
            }
            if converged || iterations == MAX_STEPS {
                return Ok(Optimum { parameters, converged, iterations, gradient_norm });
            }
            iterations += 1;
            let direction = self.solve(&now.gradient, &preconditioned, penalty, gradient_norm)?;
            let slope = dot(&now.gradient, &direction);
            // Smaller changes of the objective are rounding errors; the gradient still shows progress.
            let rounding = 1e-14 * now.objective.abs() * (1.0 + n_rows.sqrt() / 100.0);
            let mut step = 1.0;
            let next = loop {
                let trial: Vec<f64> =
                    parameters.iter().zip(&direction).map(|(old, d)| old + step * d).collect();
                let evaluation = self.evaluate(&trial, penalty)?;
                let falls = evaluation.objective <= now.objective + 1e-4 * step * slope;
                let level = (evaluation.objective - now.objective).abs() <= rounding
                    && largest(&evaluation.gradient) < largest(&now.gradient);
                if falls || level {
                    break Some((trial, evaluation));
                }
                step *= 0.5;
                if step < 1e-12 {
                    break None;
                }
            };
            let Some((trial, evaluation)) = next else {
                // Only rounding errors are left: no better point can be found in f64.
                self.evaluate(&parameters, penalty)?;
                let converged = gradient_norm <= GRADIENT_TOLERANCE;
                return Ok(Optimum { parameters, converged, iterations, gradient_norm });
            };
            damped = step < 1.0;
            parameters = trial;
            now = evaluation;
        }
    }

    /// Returns the largest absolute component of the mean gradient at some parameters.
    pub(crate) fn gradient_norm(
        design: Design<'a>,
        labels: &'a [usize],
        outputs: usize,
        parameters: &[f64],
        penalty: f64,
    ) -> Result<f64, LinearError> {
        let mut newton = Self::new(design, labels, None, outputs, crate::prepare::gram::faer_gram);
        Ok(largest(&newton.evaluate(parameters, penalty)?.gradient) / design.n_rows as f64)
    }

    /// Computes objective and gradient, and stores the probabilities.
    fn evaluate(&mut self, parameters: &[f64], penalty: f64) -> Result<Evaluation, LinearError> {
        let (labels, outputs, width) = (self.labels, self.outputs, self.design.width());
        let row_weights = self.row_weights;
        self.passes_since_measured += 1;
        let visit = |first: usize, probabilities: &mut [f64], logits: &mut [f64]| {
            probabilities.copy_from_slice(logits);
            let mut loss = 0.0;
            for (offset, row) in probabilities.chunks_mut(outputs).enumerate() {
                let weight = row_weights.map_or(1.0, |weights| weights[first + offset]);
                loss += weight * probabilities_and_log_loss(row, labels[first + offset]);
            }
            logits.copy_from_slice(probabilities);
            for (offset, row) in logits.chunks_mut(outputs).enumerate() {
                let label = labels[first + offset];
                if outputs > 1 {
                    row[label] -= 1.0;
                } else {
                    row[0] -= label as f64;
                }
                if let Some(weights) = row_weights {
                    row.iter_mut().for_each(|residual| *residual *= weights[first + offset]);
                }
            }
            loss
        };
        let (loss, mut gradient) = self.design.sweep(parameters, outputs, &mut self.probabilities, visit)?;
        let mut squares = 0.0;
        for (gradient, parameters) in gradient.chunks_mut(width).zip(parameters.chunks(width)) {
            for (gradient, weight) in gradient.iter_mut().zip(parameters).take(width - 1) {
                *gradient += penalty * weight;
                squares += weight * weight;
            }
        }
        Ok(Evaluation { objective: loss + 0.5 * penalty * squares, gradient })
    }

    /// Returns the product of a direction with the Hessian at the last evaluated point.
    fn hessian_product(&mut self, direction: &[f64], penalty: f64) -> Result<Vec<f64>, LinearError> {
        let (outputs, width) = (self.outputs, self.design.width());
        let row_weights = self.row_weights;
        self.passes_since_measured += 1;
        let visit = |first: usize, probabilities: &mut [f64], changes: &mut [f64]| {
            let rows = probabilities.chunks(outputs).zip(changes.chunks_mut(outputs));
            for (offset, (p, change)) in rows.enumerate() {
                if outputs == 1 {
                    change[0] *= p[0] * (1.0 - p[0]);
                } else {
                    let mean = dot(p, change);
                    for (change, p) in change.iter_mut().zip(p) {
                        *change = p * (*change - mean);
                    }
                }
                if let Some(weights) = row_weights {
                    change.iter_mut().for_each(|change| *change *= weights[first + offset]);
                }
            }
            0.0
        };
        let (_, mut product) = self.design.sweep(direction, outputs, &mut self.probabilities, visit)?;
        for (product, direction) in product.chunks_mut(width).zip(direction.chunks(width)) {
            for (product, value) in product.iter_mut().zip(direction).take(width - 1) {
                *product += penalty * value;
            }
        }
        Ok(product)
    }

    /// Measures the curvature again if the passes since the last time have cost more than a new measurement would,
    /// unless the optimum is near.
    fn prepare_factor(&mut self, penalty: f64, far: bool, damped: bool) -> Result<(), LinearError> {
        let worth = if damped { 2 } else { (self.design.n_columns / COLUMNS_PER_PASS).max(2) };
        if self.curvature.is_none() || (far && self.passes_since_measured > worth) {
            let (probabilities, row_weights) = (&self.probabilities, self.row_weights);
            let measured =
                Curvature::measure(&self.design, self.product, probabilities, row_weights, self.outputs)?;
            self.curvature = Some(measured);
            self.factor = None;
            self.passes_since_measured = 0;
        }
        if self.factor.as_ref().is_none_or(|(factored, _)| factored.total_cmp(&penalty).is_ne())
            && let Some(curvature) = &self.curvature
        {
            self.factor = Some((penalty, curvature.factor(self.outputs, self.design.width(), penalty)?));
        }
        Ok(())
    }

    fn precondition(&self, residual: &[f64]) -> Vec<f64> {
        match &self.factor {
            Some((_, factor)) => factor.solve(residual, self.design.width()),
            None => residual.to_vec(),
        }
    }

    /// Solves `Hessian · direction = −gradient` by conjugate gradients. `preconditioned` is the preconditioned
    /// gradient.
    fn solve(
        &mut self,
        gradient: &[f64],
        preconditioned: &[f64],
        penalty: f64,
        gradient_norm: f64,
    ) -> Result<Vec<f64>, LinearError> {
        let wanted = gradient_norm.sqrt().clamp(1e-3, 0.05).powi(2);
        let mut direction = vec![0.0; gradient.len()];
        let mut residual: Vec<f64> = gradient.iter().map(|value| -value).collect();
        let mut search: Vec<f64> = preconditioned.iter().map(|value| -value).collect();
        let mut length = dot(&residual, &search);
        let first_length = length;
        for _ in 0..MAX_INNER_STEPS {
            let product = self.hessian_product(&search, penalty)?;
            let curvature = dot(&search, &product);
            if !(curvature > 0.0 && length > 0.0) {
                break;
            }
            let step = length / curvature;
            add_scaled(&mut direction, step, &search);
            add_scaled(&mut residual, -step, &product);
            let preconditioned = self.precondition(&residual);
            let next = dot(&residual, &preconditioned);
            if next <= wanted * first_length {
                break;
            }
            let keep = next / length;
            for (search, preconditioned) in search.iter_mut().zip(&preconditioned) {
                *search = preconditioned + keep * *search;
            }
            length = next;
        }
        if direction.iter().all(|&value| value == 0.0) {
            return Ok(search);
        }
        Ok(direction)
    }
}

fn largest(values: &[f64]) -> f64 {
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    values.iter().fold(0.0, |most, value| most.max(value.abs()))
}

fn add_scaled(target: &mut [f64], factor: f64, values: &[f64]) {
    for (target, value) in target.iter_mut().zip(values) {
        *target += factor * value;
    }
}
