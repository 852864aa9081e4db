//! The multilayer perceptron: two hidden layers with ReLU and dropout on one vector per row.

use crate::network::{Mode, linear};
use crate::parameters::{Parameters, Role, Specification, Start};
use crate::rows::Batch;
use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

/// The network's sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MlpNetwork {
    pub(crate) dim: usize,
    pub(crate) hidden: [usize; 2],
    pub(crate) outputs: usize,
    pub(crate) dropout: f64,
}

const NAMES: [(&str, &str); 3] = [
    ("hidden1/weight", "hidden1/bias"),
    ("hidden2/weight", "hidden2/bias"),
    ("output/weight", "output/bias"),
];

impl MlpNetwork {
    pub(crate) fn specifications(&self) -> Vec<Specification> {
        let sizes = [self.dim, self.hidden[0], self.hidden[1], self.outputs];
        let mut all = Vec::new();
        for (layer, (weight, bias)) in NAMES.into_iter().enumerate() {
            let (inputs, outputs) = (sizes[layer], sizes[layer + 1]);
            // He's uniform start before a ReLU; variance 1 / inputs at the output.
            let gain = if layer < 2 { 2.0 } else { 1.0 };
            let start = Start::Uniform((3.0 * gain / inputs.max(1) as f64).sqrt());
            let shape = vec![outputs as i64, inputs as i64];
            all.push(Specification { name: weight.into(), shape, role: Role::Weight, start });
            let (shape, start) = (vec![outputs as i64], Start::Constant(0.0));
            all.push(Specification { name: bias.into(), shape, role: Role::Offset, start });
        }
        all
    }

    /// # Shapes
    /// `batch.values [rows, 1, dim]` → `[rows, outputs]`
    pub(crate) fn forward(
        &self,
        parameters: &Parameters,
        batch: &Batch,
        mut mode: Mode<'_>,
    ) -> Result<Tensor, TchError> {
        let mut values = batch.values.f_view([batch.lengths.len() as i64, self.dim as i64])?;
        for name in &NAMES[..2] {
            values = linear(parameters, *name, &values)?.f_relu_()?;
            values = mode.drop_channels(values, self.dropout)?;
        }
        linear(parameters, NAMES[2], &values)
    }
}
