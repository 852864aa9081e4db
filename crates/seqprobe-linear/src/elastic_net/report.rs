//! What lasso and elastic net report of their settings and fits.

use crate::elastic_net::choice::SparseChoice;
use crate::solvers::elastic_net_path::{ElasticNetPath, PenaltyPath};
use seqprobe_core::FitReport;
use std::collections::BTreeMap;

/// Returns the settings of a path, as JSON, for the key of a cell.
pub(crate) fn path_settings(path: &ElasticNetPath) -> serde_json::Value {
    let penalties = match &path.penalties {
        PenaltyPath::Given(penalties) => serde_json::json!(penalties),
        PenaltyPath::Automatic(n) => serde_json::json!({ "automatic": n }),
    };
    serde_json::json!({ "l1_ratio": path.l1_ratio, "penalties": penalties, "tolerance": path.tolerance })
}

/// Returns the report on the fits of all outputs. `name`: the name of an output.
pub(crate) fn sparse_report(
    choices: &[SparseChoice],
    path: &ElasticNetPath,
    name: impl Fn(usize) -> String,
) -> FitReport {
    let mut warnings = Vec::new();
    for (index, choice) in choices.iter().enumerate() {
        for warning in &choice.warnings {
            warnings.push(if choices.len() > 1 {
                format!("target {:?}: {warning}", name(index))
            } else {
                warning.clone()
            });
        }
    }
    let show = |value: &dyn Fn(&SparseChoice) -> String| match choices {
        [one] => value(one),
        _ => {
            let pairs = choices
                .iter()
                .enumerate()
                .map(|(index, choice)| format!("{}={}", name(index), value(choice)));
            pairs.collect::<Vec<_>>().join(", ")
        }
    };
    let penalty = |choice: &SparseChoice| match &path.penalties {
        PenaltyPath::Given(_) => choice.model.penalty.to_string(),
        PenaltyPath::Automatic(_) => format!("{:.3e}", choice.model.penalty),
    };
    FitReport {
        n_parameters: choices.iter().map(|choice| choice.model.n_selected() as u64 + 1).sum(),
        converged: Some(choices.iter().all(|choice| choice.model.converged)),
        iterations: Some(choices.iter().map(|choice| choice.iterations).sum()),
        duality_gap: Some(choices.iter().map(|choice| choice.model.duality_gap).fold(0.0, f64::max)),
        validation_loss: Some(
            choices.iter().map(|choice| choice.validation_loss).sum::<f64>() / choices.len().max(1) as f64,
        ),
        chosen: BTreeMap::from([
            ("penalty".to_owned(), show(&penalty)),
            ("non-zero weights".to_owned(), show(&|choice| choice.model.n_selected().to_string())),
        ]),
        warnings,
        ..FitReport::default()
    }
}
