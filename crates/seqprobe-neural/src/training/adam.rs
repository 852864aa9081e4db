//! Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101): the one implementation, for the
//! probes and for pretraining.
//!
//! The rule is the same for both: what a step multiplies and divides by follows from [`Adam`]. The loop over the values
//! exists twice, because the two callers hold their values differently and each must keep its bits: the probes on one
//! flat slice of `f32` ([`Adam::update_values`]), pretraining on tensors of any device ([`Adam::update_tensor`]).
//! They round differently, so neither can replace the other without a change in the last bit of every fit.

use crate::settings::OptimiserKind;
use tch::{TchError, Tensor};

/// Decay rates of the two moments, as single precision has them: what the probes use.
pub(crate) const SINGLE_BETAS: (f64, f64) = (0.9_f32 as f64, 0.999_f32 as f64);

/// Decay rates of the two moments in double precision: what pretraining uses.
pub const DOUBLE_BETAS: (f64, f64) = (0.9, 0.999);

/// The rule of a step, and how many steps were taken. It holds no values.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    /// Adam adds the weight decay to the gradient; AdamW multiplies the values instead.
    pub kind: OptimiserKind,
    /// Decay rates of the mean of the gradient and of the mean of its square, in 0…1.
    pub betas: (f64, f64),
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Weight decay, at least 0.
    pub weight_decay: f64,
    /// Maximum Euclidean norm of the gradient; a longer gradient is scaled down to it.
    pub clip_norm: Option<f64>,
    /// Steps taken.
    pub steps: u64,
}

/// What one step multiplies and divides by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Factor of decaying values (AdamW).
    pub kept: f64,
    /// Learning rate, corrected for the first moment's start at 0.
    pub length: f64,
    /// Divisor of the second moment's root: its own correction.
    pub root: f64,
}

/// The values of an optimiser and their moments, as flat slices of one length.
pub(crate) struct AdamValues<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) gradient: &'a mut [f32],
    /// Mean of the gradient.
    pub(crate) first: &'a mut [f32],
    /// Mean of the gradient's square.
    pub(crate) second: &'a mut [f32],
    /// How many of the first values decay.
    pub(crate) n_decayed: usize,
}

impl Adam {
    /// The factor that a gradient of this Euclidean norm is multiplied by; `None` leaves it unchanged.
    pub fn clip_factor(&self, norm: f64) -> Option<f64> {
        self.clip_norm.filter(|&limit| norm > limit).map(|limit| limit / norm)
    }

    /// Counts a step at this learning rate and returns its factors.
    pub fn next_step(&mut self, rate: f64) -> AdamStep {
        self.steps += 1;
        let power = i32::try_from(self.steps).unwrap_or(i32::MAX);
        AdamStep {
            kept: 1.0 - rate * self.weight_decay,
            length: rate / (1.0 - self.betas.0.powi(power)),
            root: (1.0 - self.betas.1.powi(power)).sqrt(),
        }
    }

    /// Takes one step on flat values: each value, moment and gradient is touched once.
    pub(crate) fn update_values(&mut self, rate: f64, of: AdamValues<'_>) {
        if self.clip_norm.is_some() {
            let norm = of.gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            if let Some(factor) = self.clip_factor(norm) {
                let factor = factor as f32;
                of.gradient.iter_mut().for_each(|g| *g *= factor);
            }
        }
        let step = self.next_step(rate);
        let (decayed, gradient) = (&mut of.values[..of.n_decayed], &mut of.gradient[..of.n_decayed]);
        match self.kind {
            OptimiserKind::AdamW => {
                let kept = step.kept as f32;
                decayed.iter_mut().for_each(|value| *value *= kept);
            }
            OptimiserKind::Adam => {
                let decay = self.weight_decay as f32;
                decayed.iter().zip(gradient).for_each(|(value, g)| *g += decay * value);
            }
        }
        let (length, root) = (step.length as f32, (1.0 / step.root) as f32);
        let epsilon = self.epsilon as f32;
        let (rest, second_beta) = ((1.0 - self.betas.0) as f32, self.betas.1 as f32);
        let second_rest = (1.0 - self.betas.1) as f32;
        let moments = of.first.iter_mut().zip(of.second);
        for ((value, &mut g), (first, second)) in of.values.iter_mut().zip(of.gradient).zip(moments) {
            *first += (g - *first) * rest;
            *second = *second * second_beta + g * g * second_rest;
            *value -= length * *first / (second.sqrt() * root + epsilon);
        }
    }

    /// Takes the step on one tensor of any device; `decays` where the weight decay applies (AdamW only).
    ///
    /// # Shapes
    /// `value`, `gradient` and both `moments` (of the gradient and of its square) have one shape
    ///
    /// # Errors
    /// libtorch's.
    pub fn update_tensor(
        &self,
        step: AdamStep,
        (value, decays): (&Tensor, bool),
        gradient: &Tensor,
        (first, second): (&mut Tensor, &mut Tensor),
    ) -> Result<(), TchError> {
        let mut value = value.f_detach()?;
        if decays {
            let _ = value.f_mul_scalar_(step.kept)?;
        }
        let _ = first.f_lerp_(gradient, 1.0 - self.betas.0)?;
        let mut square = gradient.f_square()?;
        let _ = second.f_mul_scalar_(self.betas.1)?.f_add_(&square.f_mul_scalar_(1.0 - self.betas.1)?)?;
        let root = second.f_sqrt()?.f_div_scalar_(step.root)?.f_add_scalar_(self.epsilon)?;
        let _ = value.f_add_(&first.f_div(&root)?.f_mul_scalar_(-step.length)?)?;
        Ok(())
    }
}
