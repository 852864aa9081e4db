//! How often each model of a suite beats, ties and loses, probe by probe.

use crate::record::{ProbeScope, RunRecord, Verdict};
use seqprobe_stats::verdict::Tally;

/// The verdicts in the order of reports.
pub(crate) const REPORTED_VERDICTS: [Verdict; 4] =
    [Verdict::Beats, Verdict::Ties, Verdict::Loses, Verdict::Unclear];

/// The verdicts of one model.
pub(crate) struct ModelTally<'a> {
    /// The model.
    pub(crate) model: &'a str,
    /// Verdicts over datasets for each probe, in the order of the record.
    pub(crate) probes: Vec<(&'a ProbeScope, Tally)>,
}

/// The tallies of a run's models, in the order of its verdicts; none for a single dataset.
pub(crate) fn of_models(record: &RunRecord) -> Vec<ModelTally<'_>> {
    if record.datasets.len() < 2 {
        return Vec::new();
    }
    let mut models: Vec<&str> = Vec::new();
    for verdict in &record.verdicts {
        if !models.contains(&verdict.model.as_str()) {
            models.push(&verdict.model);
        }
    }
    models.into_iter().map(|model| ModelTally { model, probes: probes_of(record, model) }).collect()
}

fn probes_of<'a>(record: &'a RunRecord, model: &str) -> Vec<(&'a ProbeScope, Tally)> {
    let rows = || record.verdicts.iter().filter(|verdict| verdict.model == model);
    let mut probes: Vec<&ProbeScope> = Vec::new();
    for verdict in rows() {
        if !probes.contains(&&verdict.probe) {
            probes.push(&verdict.probe);
        }
    }
    let tally = |probe: &'a ProbeScope| {
        (probe, Tally::of(rows().filter(|row| row.probe == *probe).map(|row| row.verdict)))
    };
    probes.into_iter().map(tally).collect()
}
