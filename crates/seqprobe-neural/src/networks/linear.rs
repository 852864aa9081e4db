//! The linear layer that all networks share.

use crate::networks::parameters::NetworkParameters;
use tch::{TchError, Tensor};

/// `values · weightᵀ + bias`.
///
/// # Shapes
/// `values [rows, inputs]`, `weight [outputs, inputs]`, `bias [outputs]` → `[rows, outputs]`
pub(crate) fn linear(
    parameters: &NetworkParameters,
    name: (&str, &str),
    values: &Tensor,
) -> Result<Tensor, TchError> {
    parameters.get(name.1)?.f_addmm(values, &parameters.get(name.0)?.f_transpose(0, 1)?)
}
