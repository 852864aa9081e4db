//! One `[[probe]]` of a suite: its keys as written and their check. Which keys a probe takes stands in its line
//! of the registry.

use crate::probes::{PROBES, probe_family};
use crate::suite::unknown;
use serde::{Deserialize, Serialize};

/// One `[[probe]]` as written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbeEntry {
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) solver: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) penalties: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epochs: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) steps: Option<usize>,
}

/// Checks the keys of an entry.
pub(crate) fn check_probe(entry: &ProbeEntry) -> Result<(), String> {
    let Some(family) = probe_family(&entry.id) else {
        let known: Vec<&str> = PROBES.iter().map(|family| family.id).collect();
        return Err(unknown("probe", &entry.id, &known));
    };
    let given = [
        ("solver", entry.solver.is_some()),
        ("penalties", entry.penalties.is_some()),
        ("epochs", entry.epochs.is_some()),
        ("steps", entry.steps.is_some()),
    ];
    if let Some((key, _)) = given.iter().find(|(key, is_given)| *is_given && !family.keys.contains(key)) {
        return Err(format!(
            "{key} does not belong to {:?}\n  hint: its keys are {}",
            entry.id,
            family.keys.join(", ")
        ));
    }
    if entry.epochs == Some(0) || entry.steps == Some(0) {
        return Err("epochs and steps must be at least 1".into());
    }
    if let Some(solver) = &entry.solver
        && !["exact", "linfa"].contains(&solver.as_str())
    {
        return Err(unknown("solver", solver, &["exact", "linfa"]));
    }
    if let Some(penalties) = &entry.penalties
        && (penalties.is_empty() || penalties.iter().any(|penalty| !(penalty.is_finite() && *penalty > 0.0)))
    {
        return Err("penalties must be positive numbers".into());
    }
    Ok(())
}
