//! Batch norm of the presets, with the constants of their sources and running statistics among the parameters.

use crate::networks::layer::Convention;
use crate::networks::mode::Mode;
use crate::networks::parameters::NetworkParameters;
use tch::{TchError, Tensor};

/// Normalises each channel; in training it also moves the running statistics of the layer.
///
/// # Shapes
/// `values [rows, channels, …]` → as `values`
pub(crate) fn batch_norm(
    convention: Convention,
    layer: &str,
    parameters: &NetworkParameters,
    values: &Tensor,
    mode: &Mode<'_>,
) -> Result<Tensor, TchError> {
    let get = |what: &str| parameters.get(&format!("{layer}/{what}"));
    let (epsilon, share) = convention.constants();
    let (gain, offset) = (get("gain")?, get("offset")?);
    if matches!(mode, Mode::Predict) {
        let running = (Some(get("running-mean")?), Some(get("running-variance")?));
        return values.f_batch_norm(
            Some(gain),
            Some(offset),
            running.0,
            running.1,
            false,
            0.0,
            epsilon,
            false,
        );
    }
    let none = None::<&Tensor>;
    let (normed, batch_mean, inverse) =
        values.f_native_batch_norm(Some(gain), Some(offset), none, none, true, 0.0, epsilon)?;
    let batch_variance = tch::no_grad(|| inverse.f_pow_tensor_scalar(-2)?.f_sub_scalar(epsilon))?;
    move_running(parameters, layer, share, (&batch_mean, &batch_variance))?;
    Ok(normed)
}

/// Moves a norm's running mean and variance towards those of a batch.
pub(crate) fn move_running(
    parameters: &NetworkParameters,
    layer: &str,
    share: f64,
    (mean, variance): (&Tensor, &Tensor),
) -> Result<(), TchError> {
    // As data: all parameters are windows of one tensor, and a gradient needs those of this layer unchanged.
    tch::no_grad(|| {
        let running = |what: &str| parameters.get(&format!("{layer}/{what}"))?.f_data();
        let _ = running("running-mean")?.f_lerp_(mean, share)?;
        let _ = running("running-variance")?.f_lerp_(variance, share)?;
        Ok(())
    })
}
