//! AdamW over named tensors on any device, with a bound on the gradient's norm. The rule of a step is
//! [`seqprobe_neural::optimisation::Adam`]; the learning rate is in `schedule.rs`.

use seqprobe_models::TrainedTensor;
use seqprobe_neural::OptimiserKind;
use seqprobe_neural::optimisation::{Adam, DOUBLE_BETAS};
use tch::{TchError, Tensor};

/// Added to the root of the second moment, as in PyTorch.
const EPSILON: f64 = 1e-8;

/// AdamW with the moments of every parameter.
pub(crate) struct TensorOptimiser {
    /// The rule, and the number of steps taken.
    pub(crate) adam: Adam,
    /// In the order of the parameters: the mean of the gradient and of its square.
    pub(crate) moments: Vec<(Tensor, Tensor)>,
}

impl TensorOptimiser {
    /// An optimiser that has not stepped yet.
    pub(crate) fn new(
        parameters: &[TrainedTensor],
        weight_decay: f64,
        clip_norm: f64,
    ) -> Result<Self, TchError> {
        let zeros = |one: &TrainedTensor| one.tensor.f_detach()?.f_zeros_like();
        let moments = parameters.iter().map(|one| Ok((zeros(one)?, zeros(one)?)));
        let adam = Adam {
            kind: OptimiserKind::AdamW,
            betas: DOUBLE_BETAS,
            epsilon: EPSILON,
            weight_decay,
            clip_norm: Some(clip_norm),
            steps: 0,
        };
        Ok(Self { adam, moments: moments.collect::<Result<_, TchError>>()? })
    }

    /// Takes one step against the gradient of a loss. Returns the gradient's norm before it was bounded; if the norm is
    /// not finite, nothing changes.
    pub(crate) fn step(
        &mut self,
        parameters: &[TrainedTensor],
        loss: &Tensor,
        rate: f64,
    ) -> Result<f64, TchError> {
        let leaves: Vec<&Tensor> = parameters.iter().map(|one| &one.tensor).collect();
        let gradients = Tensor::f_run_backward(&[loss], &leaves, false, false)?;
        tch::no_grad(|| self.update(parameters, &gradients, rate))
    }

    fn update(
        &mut self,
        parameters: &[TrainedTensor],
        gradients: &[Tensor],
        rate: f64,
    ) -> Result<f64, TchError> {
        let squares =
            gradients.iter().map(|gradient| gradient.f_norm()?.f_square()).collect::<Result<Vec<_>, _>>()?;
        let norm = f64::try_from(Tensor::f_stack(&squares, 0)?.f_sum(tch::Kind::Double)?)?.sqrt();
        if !norm.is_finite() {
            return Ok(norm);
        }
        let factor = self.adam.clip_factor(norm).unwrap_or(1.0);
        let step = self.adam.next_step(rate);
        for ((one, gradient), (first, second)) in parameters.iter().zip(gradients).zip(&mut self.moments) {
            let gradient = gradient.f_mul_scalar(factor)?;
            let decays = one.tensor.dim() > 1; // weights, but not norms and biases
            self.adam.update_tensor(step, (&one.tensor, decays), &gradient, (first, second))?;
        }
        Ok(norm)
    }
}
