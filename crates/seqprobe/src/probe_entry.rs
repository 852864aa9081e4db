//! One `[[probe]]` of a suite: its keys as written and their check. Which keys a probe takes stands in its line
//! of the registry.

use crate::probes::{PROBES, probe_family, training_of};
use crate::suite::unknown;
use seqprobe_linear::Align;
use seqprobe_linear::FoldGrouping;
use seqprobe_neural::{ClassWeight, Loss, OptimiserKind, Schedule, Search, TrainingSettings};
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
    pub(crate) l1_ratio: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) align: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bins: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) longest: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gain: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) beam: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heads: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) epochs: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) steps: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch_size: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) learning_rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weight_decay: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) optimiser: Option<OptimiserKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) schedule: Option<Schedule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) warm_up_epochs: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) patience: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clip_norm: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) loss: Option<Loss>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) class_weight: Option<ClassWeight>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) search: Option<Search>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) selection: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) folds: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fold_by: Option<String>,
}

/// Folds and what they keep together, where `selection` is `k-fold`.
fn check_selection(entry: &ProbeEntry) -> Result<(), String> {
    let selection = entry.selection.as_deref().unwrap_or("validation");
    if !["validation", "k-fold"].contains(&selection) {
        return Err(unknown("selection", selection, &["validation", "k-fold"]));
    }
    if selection == "validation" && (entry.folds.is_some() || entry.fold_by.is_some()) {
        return Err("folds and fold_by belong to selection = \"k-fold\"".into());
    }
    if entry.folds.is_some_and(|folds| folds < 2) {
        return Err("folds must be at least 2".into());
    }
    let words = FoldGrouping::ALL.map(FoldGrouping::as_str);
    match &entry.fold_by {
        Some(fold_by) if !words.contains(&fold_by.as_str()) => Err(unknown("fold_by", fold_by, &words)),
        _ => Ok(()),
    }
}

/// Checks the keys of the search for words.
fn check_search(entry: &ProbeEntry) -> Result<(), String> {
    if let Some(align) = &entry.align
        && Align::parse(align).is_none()
    {
        return Err(unknown("align", align, &["left", "right"]));
    }
    if entry.bins == Some(0) || entry.beam == Some(0) {
        return Err("bins and beam must be at least 1".into());
    }
    if let Some(longest) = entry.longest
        && !(1..=15).contains(&longest)
    {
        return Err(format!("longest is {longest}, expected words of 1 to 15 letters"));
    }
    if let Some(gain) = entry.gain
        && !(gain.is_finite() && gain >= 0.0)
    {
        return Err(format!("gain is {gain}, expected a number of at least 0"));
    }
    Ok(())
}

/// Checks the keys of an entry.
pub(crate) fn check_probe(entry: &ProbeEntry) -> Result<(), String> {
    let Some(family) = probe_family(&entry.id) else {
        let known: Vec<&str> = PROBES.iter().map(|family| family.id).collect();
        return Err(unknown("probe", &entry.id, &known));
    };
    let written = serde_json::to_value(entry).map_err(|error| error.to_string())?;
    let mut given = written.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    if let Some(key) = given.find(|key| *key != "id" && !family.keys.contains(key)) {
        return Err(format!(
            "{key} does not belong to {:?}\n  hint: its keys are {}",
            entry.id,
            family.keys.join(", ")
        ));
    }
    if [entry.heads, entry.epochs, entry.steps].contains(&Some(0)) {
        return Err("heads, epochs and steps must be at least 1".into());
    }
    training_of(entry, &TrainingSettings::default()).check().map_err(|error| error.to_string())?;
    if let Some(solver) = &entry.solver
        && !["exact", "linfa"].contains(&solver.as_str())
    {
        return Err(unknown("solver", solver, &["exact", "linfa"]));
    }
    check_selection(entry)?;
    check_search(entry)?;
    if let Some(l1_ratio) = entry.l1_ratio
        && !(l1_ratio > 0.0 && l1_ratio <= 1.0)
    {
        return Err(format!(
            "l1_ratio is {l1_ratio}, expected a number above 0 and at most 1\n  hint: without an L1 penalty use the probe linear"
        ));
    }
    if let Some(penalties) = &entry.penalties
        && (penalties.is_empty() || penalties.iter().any(|penalty| !(penalty.is_finite() && *penalty > 0.0)))
    {
        return Err("penalties must be positive numbers".into());
    }
    Ok(())
}
