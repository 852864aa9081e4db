//! What is reported about the fit of a probe.

use crate::selected_element::SelectedElement;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is reported about a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// Fitted numbers without those of the reduction.
    pub n_parameters: u64,
    /// Fitted numbers of the first linear reduction to a fixed width; 0 if there is none.
    pub reduction_parameters: u64,
    /// Whether the optimiser met its own criterion; `None` if it has none.
    pub converged: Option<bool>,
    /// Iterations or epochs used: 0 for a closed form, `None` if the solver does not report them.
    #[serde(default)]
    pub iterations: Option<u64>,
    /// Optimiser steps on mini-batches, if the fit uses them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Largest absolute gradient component of the mean objective at the end, if it is defined.
    pub gradient_norm: Option<f64>,
    /// Objective at the end less a lower bound of the optimum, over the objective of the constant model: no
    /// model can be better by more than this share. Solvers with a dual problem (lasso, elastic net) report it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duality_gap: Option<f64>,
    /// Validation loss of the chosen model: log loss in nats, mean squared error or mean Poisson deviance.
    pub validation_loss: Option<f64>,
    /// What was chosen on validation, for example `penalty = "0.1"`.
    pub chosen: BTreeMap<String, String>,
    /// Warnings for the reader of a report.
    pub warnings: Vec<String>,
    /// K-mers in regions of the sequence that the probe selected, if it selects k-mers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selected_elements: Vec<SelectedElement>,
}

impl Default for FitReport {
    /// A closed form without parameters, choices or warnings.
    fn default() -> Self {
        Self {
            n_parameters: 0,
            reduction_parameters: 0,
            converged: None,
            iterations: Some(0),
            steps: None,
            gradient_norm: None,
            duality_gap: None,
            validation_loss: None,
            chosen: BTreeMap::new(),
            warnings: Vec::new(),
            selected_elements: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_of_earlier_versions_are_read_and_written_as_they_are() {
        let text = concat!(
            r#"{"n_parameters":3,"reduction_parameters":0,"converged":true,"iterations":31,"#,
            r#""gradient_norm":null,"validation_loss":0.5,"chosen":{"penalty":"1"},"warnings":[]}"#
        );
        let report: FitReport = serde_json::from_str(text).unwrap();
        assert_eq!(report.iterations, Some(31));
        assert_eq!(serde_json::to_string(&report).unwrap(), text);
        assert!(serde_json::to_string(&FitReport::default()).unwrap().contains(r#""iterations":0,"#));
        let unknown = serde_json::to_string(&FitReport { iterations: None, ..report }).unwrap();
        assert_eq!(serde_json::from_str::<FitReport>(&unknown).unwrap().iterations, None);
    }
}
