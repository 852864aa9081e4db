//! The outputs of a network for many rows, without training.

use crate::error::torch;
use crate::networks::ProbeNetwork;
use crate::networks::mode::Mode;
use crate::networks::parameters::NetworkParameters;
use crate::training::rows::Rows;
use ndarray::Array2;
use seqprobe_core::ProbeError;
use tch::Kind;

/// Tokens in a batch where nothing is trained.
const PREDICTION_TOKENS: usize = 16_384;

/// Returns the outputs of all rows, in their order.
///
/// # Shapes
/// `[rows, outputs]`, logits or standardised values
pub(crate) fn network_outputs(
    network: &ProbeNetwork,
    parameters: &NetworkParameters,
    rows: &Rows<'_>,
) -> Result<Array2<f64>, ProbeError> {
    let n_outputs = network.n_outputs();
    let mut outputs = Array2::zeros((rows.n_rows(), n_outputs));
    let parts = rows.order().prediction(PREDICTION_TOKENS);
    rows.visit(&parts, |indices, batch| {
        let output = tch::no_grad(|| network.forward(parameters, batch, Mode::Predict)).map_err(torch)?;
        let output = output.f_to_kind(Kind::Double).and_then(|output| output.f_reshape(-1)).map_err(torch)?;
        let values = Vec::<f64>::try_from(&output).map_err(torch)?;
        for (&row, values) in indices.iter().zip(values.chunks_exact(n_outputs.max(1))) {
            outputs.row_mut(row).iter_mut().zip(values).for_each(|(place, &value)| *place = value);
        }
        Ok(())
    })?;
    Ok(outputs)
}
