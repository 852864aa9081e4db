//! What a reader must know before believing a verdict: flags of its intervals, copies and near-duplicates in train,
//! controls that the model is not better than.

use crate::judge::control_checks::ControlFindings;
use seqprobe_core::Split;
use seqprobe_core::audit::Shared;
use seqprobe_report::record::{
    DatasetRecord, ProbeScope, Qualification, ScoreValue, Verdict, VerdictRecord, Warning,
};

/// Copies and near-duplicates qualify a verdict from this share of the test rows.
const LEAKS: f64 = 0.01;

/// Adds the qualifications to verdicts. `findings`: one per dataset, in the order of `datasets`.
pub(crate) fn qualify(
    verdicts: &mut [VerdictRecord],
    datasets: &[DatasetRecord],
    findings: &[ControlFindings],
) {
    for (dataset, findings) in datasets.iter().zip(findings) {
        let leaks = leaks(dataset);
        for verdict in verdicts.iter_mut().filter(|verdict| verdict.dataset == dataset.id) {
            let mut found = flags(verdict);
            found.extend(leaks.iter().cloned());
            // A model that does not even beat the baselines needs no control.
            if matches!(verdict.verdict, Verdict::Beats | Verdict::Ties) {
                found.extend(controls(verdict, findings));
            }
            verdict.qualifications = found;
        }
    }
}

/// Each flag of an interval once.
fn flags(verdict: &VerdictRecord) -> Vec<Qualification> {
    let mut found = Vec::new();
    for comparison in &verdict.comparisons {
        let ScoreValue::Estimate(estimate) = &comparison.delta else { continue };
        for flag in &estimate.flags {
            let flag = Qualification::Interval { flag: flag.clone() };
            if !found.contains(&flag) {
                found.push(flag);
            }
        }
    }
    found
}

/// Copies and near-duplicates of test rows in train.
fn leaks(dataset: &DatasetRecord) -> Vec<Qualification> {
    let mut shared = dataset.audit.iter().flat_map(|audit| &audit.against_train);
    let Some(shared) = shared.find(|shared| shared.split == Split::Test) else { return Vec::new() };
    let rows = shared.n_rows;
    let (copies, near) = (shared.copied_rows(), shared.near.rows);
    let copies = is_large(copies, shared).then_some(Qualification::CopiesInTrain { copies, rows });
    let near = is_large(near, shared).then_some(Qualification::NearDuplicatesInTrain { near, rows });
    copies.into_iter().chain(near).collect()
}

/// Whether so many rows of a split are worth a warning.
pub(crate) fn is_large(rows: usize, shared: &Shared) -> bool {
    rows > 0 && rows as f64 >= LEAKS * shared.n_rows as f64
}

/// The controls that a model is not clearly better than, and shuffled labels above chance.
fn controls(verdict: &VerdictRecord, findings: &ControlFindings) -> Vec<Qualification> {
    let mut found: Vec<Qualification> = Vec::new();
    let probe_of_model = match &verdict.probe {
        ProbeScope::Probe(probe) => Some(probe.as_str()),
        ProbeScope::Best => None,
    };
    for warning in &findings.controls_not_beaten {
        let Warning::ControlsNotBeaten { model, probe, controls, .. } = warning else { continue };
        if *model == verdict.model && probe_of_model.is_none_or(|wanted| wanted == probe) {
            found.extend(controls.iter().cloned().map(|comparison| Qualification::Control { comparison }));
        }
    }
    if !findings.shuffled_label_leaks.is_empty() {
        found.push(Qualification::ShuffledLabels);
    }
    found
}
