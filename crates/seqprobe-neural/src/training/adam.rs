//! Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101), for the probes and for pretraining.
//!
//! Both share the rule: settings, clipping, step count and bias corrections are in [`Adam`]. The update of the values
//! exists twice: for one flat slice of `f32` on the CPU ([`Adam::update_values`], used by the probes), and for a
//! tensor on any device ([`Adam::update_tensor`], used by pretraining). The two round differently, so that replacing
//! one by the other would change the last bits of every fit.

use crate::settings::OptimiserKind;
use tch::{TchError, Tensor};

/// Decay rates of the two moments, rounded to single precision: those of the probes.
pub(crate) const SINGLE_BETAS: (f64, f64) = (0.9_f32 as f64, 0.999_f32 as f64);

/// Decay rates of the two moments in double precision: those of pretraining.
pub const DOUBLE_BETAS: (f64, f64) = (0.9, 0.999);

/// The rule of a step, and the number of steps taken. Values and moments belong to the caller.
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

/// The factors of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Factor of decaying values (AdamW).
    pub kept: f64,
    /// Learning rate, corrected for the first moment's start at 0.
    pub length: f64,
    /// Divisor of the second moment's root: its own correction.
    pub root: f64,
}

/// Values, gradient and moments, as flat slices of one length.
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
    /// The factor that scales a gradient of this Euclidean norm down to the maximum; `None` if it is not too long.
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

    /// Takes one step on flat values, in one pass over values, moments and gradient.
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

    /// Applies a step of AdamW to one tensor on any device; `decays` says whether weight decay applies to it.
    ///
    /// # Shapes
    /// `value`, `gradient` and both `moments` (of the gradient and of its square) have one shape
    ///
    /// # Errors
    /// An error of libtorch.
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::iter::repeat_with;

    const SIZE: usize = 1003;
    const DECAYED: usize = 700;

    /// First values, 200 gradients and their learning rates, from a generator of its own.
    fn example() -> (Vec<f32>, Vec<(Vec<f32>, f64)>) {
        let mut state = 12_345_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let start = repeat_with(&mut next).take(SIZE).collect();
        let gradients: Vec<Vec<f32>> =
            (0..200).map(|_| repeat_with(&mut next).map(|value| value * 0.3).take(SIZE).collect()).collect();
        let rate = |step: usize| 1e-3 * (1.0 + step as f64 / 77.0);
        (start, gradients.into_iter().enumerate().map(|(step, gradient)| (gradient, rate(step))).collect())
    }

    fn after_all_steps(adam: &mut Adam) -> Vec<f32> {
        let (mut values, gradients) = example();
        let (mut first, mut second) = (vec![0.0; SIZE], vec![0.0; SIZE]);
        for (mut gradient, rate) in gradients {
            let of = AdamValues {
                values: &mut values,
                gradient: &mut gradient,
                first: &mut first,
                second: &mut second,
                n_decayed: DECAYED,
            };
            adam.update_values(rate, of);
        }
        assert_eq!(adam.steps, 200);
        values
    }

    /// The bits that versions before this file gave: stored scores depend on them.
    #[test]
    fn flat_values_keep_their_bits() {
        use OptimiserKind::{Adam as Coupled, AdamW as Decoupled};
        let cases = [
            (Coupled, None, 0.01, 1e-8, [0xbf72_0173, 0x3c99_eb37]),
            (Coupled, Some(1.0), 0.3, 1e-8, [0xbf0e_9a37, 0x3c98_f343]),
            (Coupled, None, 0.0, 1e-7, [0xbf78_90fb, 0x3c99_eb32]),
            (Decoupled, None, 0.01, 1e-8, [0xbf77_6c57, 0x3c99_eb37]),
            (Decoupled, Some(1.0), 0.3, 1e-8, [0xbf58_6b01, 0x3c98_f343]),
            (Decoupled, Some(1e9), 0.01, 1e-8, [0xbf77_6c57, 0x3c99_eb37]),
        ];
        for (kind, clip_norm, weight_decay, epsilon, bits) in cases {
            let mut adam = Adam { kind, betas: SINGLE_BETAS, epsilon, weight_decay, clip_norm, steps: 0 };
            let values = after_all_steps(&mut adam);
            let found = [values[0].to_bits(), values[900].to_bits()];
            assert_eq!(found, bits, "{kind:?} {clip_norm:?} {weight_decay} {epsilon}: {found:x?}");
        }
    }

    #[test]
    fn a_tensor_takes_the_same_steps_up_to_rounding() {
        let kind = OptimiserKind::AdamW;
        let mut adam = Adam {
            kind,
            betas: DOUBLE_BETAS,
            epsilon: 1e-8,
            weight_decay: 0.3,
            clip_norm: Some(1.0),
            steps: 0,
        };
        let expected = after_all_steps(&mut Adam { betas: SINGLE_BETAS, ..adam.clone() });
        let (start, gradients) = example();
        let split = |values: &[f32]| {
            [Tensor::from_slice(&values[..DECAYED]).view([7, 100]), Tensor::from_slice(&values[DECAYED..])]
        };
        let values = split(&start);
        let mut moments = values.each_ref().map(|value| (value.zeros_like(), value.zeros_like()));
        for (gradient, rate) in gradients {
            let norm = gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
            let factor = adam.clip_factor(norm).unwrap();
            let step = adam.next_step(rate);
            for ((value, gradient), (first, second)) in values.iter().zip(split(&gradient)).zip(&mut moments)
            {
                let decays = value.dim() > 1;
                adam.update_tensor(step, (value, decays), &(gradient * factor), (first, second)).unwrap();
            }
        }
        let found = Tensor::cat(&values.map(|value| value.view(-1)), 0);
        for (found, expected) in Vec::<f32>::try_from(found).unwrap().iter().zip(&expected) {
            approx::assert_relative_eq!(found, expected, max_relative = 1e-4, epsilon = 1e-5);
        }
    }
}
