//! A fitted network: predicting, storing, restoring.

use crate::error::torch;
use crate::networks::ProbeNetwork;
use crate::networks::input_checks::{check_kind, check_lengths};
use crate::networks::parameters::NetworkParameters;
use crate::training::outputs::network_outputs;
use crate::training::rows::Rows;
use crate::training::standardisation::Standardisation;
use crate::training::task_loss::TaskLoss;
use ndarray::Array2;
use seqprobe_core::{FeatureView, FittedProbe, NamedArray, ProbeError, StoredProbe};
use serde::{Deserialize, Serialize};

const MEAN: &str = "input/mean";
const INVERSE_DEVIATION: &str = "input/inverse-deviation";

/// A network with its parameter values, the scaling of its inputs and the loss that gives its outputs a meaning.
pub(crate) struct FittedNetwork {
    network: ProbeNetwork,
    parameters: NetworkParameters,
    /// A copy of the parameter values, so that storing cannot fail.
    values: Vec<f32>,
    standardisation: Standardisation,
    objective: TaskLoss,
}

impl FittedNetwork {
    pub(crate) fn new(
        network: ProbeNetwork,
        parameters: NetworkParameters,
        standardisation: Standardisation,
        objective: TaskLoss,
    ) -> Result<Self, ProbeError> {
        let values = parameters.values().map_err(torch)?;
        Ok(Self { network, parameters, values, standardisation, objective })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredConfig {
    network: ProbeNetwork,
    objective: TaskLoss,
}

impl FittedProbe for FittedNetwork {
    fn predict(&self, features: &FeatureView<'_>) -> Result<Array2<f64>, ProbeError> {
        check_kind(self.network.kind(), self.network.reads(), &[features])?;
        if let ProbeNetwork::Layered(network) = &self.network {
            check_lengths(network, features, "given")?;
        }
        // No row is kept in memory: each is read once.
        let rows = Rows::new(features, &self.standardisation, 0, true)?;
        let outputs = network_outputs(&self.network, &self.parameters, &rows)?;
        if let Some(((row, _), value)) = outputs.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(ProbeError::NotFinite(format!("the output of row {row} of the view is {value}")));
        }
        Ok(self.objective.predictions(outputs))
    }

    fn store(&self) -> StoredProbe {
        let vector = |name: &str, values: &[f32]| NamedArray {
            name: name.to_owned(),
            shape: vec![values.len()],
            values: values.iter().map(|&value| f64::from(value)).collect(),
        };
        let mut arrays = vec![
            vector(MEAN, &self.standardisation.mean),
            vector(INVERSE_DEVIATION, &self.standardisation.inverse_deviation),
        ];
        let mut rest = self.values.as_slice();
        for specification in self.parameters.specifications() {
            let (own, after) = rest.split_at(rest.len().min(specification.size() as usize));
            let shape = specification.shape.iter().map(|&n| n as usize).collect();
            arrays.push(NamedArray { shape, ..vector(&specification.name, own) });
            rest = after;
        }
        StoredProbe {
            kind: self.network.kind().to_owned(),
            config: serde_json::json!({ "network": self.network, "objective": self.objective }),
            arrays,
        }
    }
}

/// Rebuilds a stored network.
pub(crate) fn restore(stored: &StoredProbe) -> Result<FittedNetwork, ProbeError> {
    let StoredConfig { network, objective } = serde_json::from_value(stored.config.clone())
        .map_err(|error| ProbeError::Stored(format!("its settings: {error}")))?;
    if network.kind() != stored.kind {
        return Err(ProbeError::Stored(format!("kind {:?} holds a {} network", stored.kind, network.kind())));
    }
    if network.n_outputs() != objective.outputs() {
        return Err(ProbeError::Stored(format!(
            "the network has {} outputs, its objective {}",
            network.n_outputs(),
            objective.outputs()
        )));
    }
    let take = |name: &str, shape: &[usize]| -> Result<Vec<f32>, ProbeError> {
        let array =
            stored.array(name).ok_or_else(|| ProbeError::Stored(format!("array {name:?} is missing")))?;
        if array.shape != shape || array.values.len() != shape.iter().product::<usize>() {
            return Err(ProbeError::Stored(format!(
                "array {name:?} has shape {:?} and {} values, expected shape {shape:?}",
                array.shape,
                array.values.len()
            )));
        }
        Ok(array.values.iter().map(|&value| value as f32).collect())
    };
    let standardisation = Standardisation {
        mean: take(MEAN, &[network.dim()])?,
        inverse_deviation: take(INVERSE_DEVIATION, &[network.dim()])?,
    };
    let specifications = network.specifications();
    let mut values = std::collections::HashMap::new();
    for specification in &specifications {
        let shape: Vec<usize> = specification.shape.iter().map(|&n| n as usize).collect();
        values.insert(specification.name.clone(), take(&specification.name, &shape)?);
    }
    let parameters = NetworkParameters::build(specifications, |specification| {
        values.remove(&specification.name).unwrap_or_default()
    })
    .map_err(torch)?;
    FittedNetwork::new(network, parameters, standardisation, objective)
}
