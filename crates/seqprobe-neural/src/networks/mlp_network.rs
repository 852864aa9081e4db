//! The multilayer perceptron on one vector per row: a linear reduction to a fixed width, which is the only part that
//! depends on `dim`, then two hidden layers with ReLU and dropout.

use crate::networks::batch::Batch;
use crate::networks::linear::linear;
use crate::networks::mode::Mode;
use crate::networks::parameters::{NetworkParameters, ParameterRole, Specification, Start};
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// The network's sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MlpNetwork {
    pub(crate) dim: usize,
    pub(crate) width: usize,
    pub(crate) hidden: [usize; 2],
    pub(crate) outputs: usize,
    pub(crate) dropout: f64,
    pub(crate) reduction_is_fixed: bool,
}

const REDUCTION: &str = "reduction/weight";

const NAMES: [(&str, &str); 3] = [
    ("hidden1/weight", "hidden1/bias"),
    ("hidden2/weight", "hidden2/bias"),
    ("output/weight", "output/bias"),
];

impl MlpNetwork {
    pub(crate) fn specifications(&self) -> Vec<Specification> {
        let sizes = [self.width, self.hidden[0], self.hidden[1], self.outputs];
        let mut all = vec![Specification {
            name: REDUCTION.into(),
            shape: vec![self.width as i64, self.dim as i64],
            role: if self.reduction_is_fixed { ParameterRole::Fixed } else { ParameterRole::Weight },
            // Variance 1 / inputs.
            start: Start::Uniform((3.0 / self.dim.max(1) as f64).sqrt()),
        }];
        for (layer, (weight, bias)) in NAMES.into_iter().enumerate() {
            let (inputs, outputs) = (sizes[layer], sizes[layer + 1]);
            // He's uniform start before a ReLU; variance 1 / inputs at the output.
            let gain = if layer < 2 { 2.0 } else { 1.0 };
            let start = Start::Uniform((3.0 * gain / inputs.max(1) as f64).sqrt());
            let shape = vec![outputs as i64, inputs as i64];
            all.push(Specification { name: weight.into(), shape, role: ParameterRole::Weight, start });
            let (shape, start) = (vec![outputs as i64], Start::Constant(0.0));
            all.push(Specification { name: bias.into(), shape, role: ParameterRole::Offset, start });
        }
        all
    }

    /// # Shapes
    /// `batch.values [rows, 1, dim]` → `[rows, outputs]`
    pub(crate) fn forward(
        &self,
        parameters: &NetworkParameters,
        batch: &Batch,
        mut mode: Mode<'_>,
    ) -> Result<Tensor, TchError> {
        let mut values = batch.values.f_view([batch.lengths.len() as i64, self.dim as i64])?;
        values = values.f_matmul(&parameters.get(REDUCTION)?.f_transpose(0, 1)?)?;
        for name in &NAMES[..2] {
            values = linear(parameters, *name, &values)?.f_relu_()?;
            values = mode.drop_channels(values, self.dropout)?;
        }
        linear(parameters, NAMES[2], &values)
    }
}
