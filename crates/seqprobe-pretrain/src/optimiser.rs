//! AdamW (Loshchilov, Hutter 2019, arXiv:1711.05101) over named tensors on any device, with a bound on the
//! gradient's norm. Which rate a step takes is the schedule's business.

use seqprobe_models::TrainedTensor;
use tch::{TchError, Tensor};

const BETA: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;

/// The moments of every parameter.
pub(crate) struct Optimiser {
    pub(crate) weight_decay: f64,
    pub(crate) clip_norm: f64,
    /// In the order of the parameters: mean of the gradient and of its square.
    pub(crate) moments: Vec<(Tensor, Tensor)>,
    /// Steps done.
    pub(crate) steps: u64,
}

impl Optimiser {
    /// An optimiser that has not stepped yet.
    pub(crate) fn new(
        parameters: &[TrainedTensor],
        weight_decay: f64,
        clip_norm: f64,
    ) -> Result<Self, TchError> {
        let zeros = |one: &TrainedTensor| one.tensor.f_detach()?.f_zeros_like();
        let moments = parameters.iter().map(|one| Ok((zeros(one)?, zeros(one)?)));
        Ok(Self { weight_decay, clip_norm, moments: moments.collect::<Result<_, TchError>>()?, steps: 0 })
    }

    /// One step against the gradient of a loss; gives the gradient's norm before it was bounded. Where that is not
    /// finite nothing is changed.
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
        let scale = if norm > self.clip_norm { self.clip_norm / norm } else { 1.0 };
        self.steps += 1;
        let power = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let correction = (1.0 - BETA.0.powi(power), 1.0 - BETA.1.powi(power));
        for ((one, gradient), (first, second)) in parameters.iter().zip(gradients).zip(&mut self.moments) {
            let mut value = one.tensor.f_detach()?;
            if one.tensor.dim() > 1 {
                let _ = value.f_mul_scalar_(1.0 - rate * self.weight_decay)?;
            }
            let gradient = gradient.f_mul_scalar(scale)?;
            let _ = first.f_lerp_(&gradient, 1.0 - BETA.0)?;
            let mut square = gradient.f_square()?;
            let _ = second.f_mul_scalar_(BETA.1)?.f_add_(&square.f_mul_scalar_(1.0 - BETA.1)?)?;
            let root = second.f_sqrt()?.f_div_scalar_(correction.1.sqrt())?.f_add_scalar_(EPSILON)?;
            let step = first.f_div(&root)?.f_mul_scalar_(-rate / correction.0)?;
            let _ = value.f_add_(&step)?;
        }
        Ok(norm)
    }
}
