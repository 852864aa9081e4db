//! What the run found, in sentences. The words are the same in the terminal, the comment and the page.

use crate::record::{
    ComparisonRecord, DatasetRecord, EstimateRecord, ProbeScope, Role, RunRecord, ScoreValue, Verdict,
    VerdictRecord,
};
use crate::warning_words::gain_text;
use crate::words::{
    cell_name, headline, lower_is_better, metric_name, number, point, ranked, value, value_reason,
};
use seqprobe_stats::verdict::Tally;

/// One sentence of a dataset.
pub(crate) struct Sentence {
    /// The verdict it states, where it states one.
    pub(crate) verdict: Option<Verdict>,
    /// The sentence, without the dataset's name in front.
    pub(crate) text: String,
}

/// The sentences of a dataset: one per verdict, or the best representation where no model was asked about; then what
/// training gave to models.
pub(crate) fn of_dataset(record: &RunRecord, dataset: &DatasetRecord) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = record
        .verdicts
        .iter()
        .filter(|verdict| verdict.dataset == dataset.id)
        .map(|verdict| Sentence { verdict: Some(verdict.verdict), text: of_verdict(dataset, verdict) })
        .collect();
    if sentences.is_empty() {
        sentences.push(Sentence { verdict: None, text: without_verdict(record, dataset) });
    }
    sentences.extend(dataset.gains.iter().map(|gain| Sentence { verdict: None, text: gain_text(gain) }));
    sentences
}

/// What the suite says as a whole, one sentence per model; none for a single dataset.
///
/// `On 7 of 9 tasks nt-v2 with linear beats every baseline, and on 2 it loses; with cnn on 2 of 9, and on 3 we cannot tell`.
pub(crate) fn of_suite(record: &RunRecord) -> Vec<String> {
    if record.datasets.len() < 2 {
        return Vec::new();
    }
    let mut models: Vec<&str> = Vec::new();
    for verdict in &record.verdicts {
        if !models.contains(&verdict.model.as_str()) {
            models.push(&verdict.model);
        }
    }
    models.into_iter().map(|model| of_model(record, model)).collect()
}

fn of_model(record: &RunRecord, model: &str) -> String {
    let mut probes: Vec<&str> = Vec::new();
    for verdict in record.verdicts.iter().filter(|verdict| verdict.model == model) {
        if !probes.contains(&verdict.probe.as_str()) {
            probes.push(verdict.probe.as_str());
        }
    }
    let clause = |(place, probe): (usize, &&str)| {
        let rows = record.verdicts.iter().filter(|row| row.model == model && row.probe.as_str() == *probe);
        let tally = Tally::of(rows.map(|row| row.verdict));
        let name = if **probe == *"best" { "its best probe" } else { probe };
        let n = tally.total();
        let first = match place {
            0 => {
                let tasks = if n == 1 { "task" } else { "tasks" };
                format!("on {} of {n} {tasks} {model} with {name} beats every baseline", tally.beats)
            }
            _ => format!("with {name} on {} of {n}", tally.beats),
        };
        let rest: Vec<String> = [
            (tally.ties, "it ties with every one"),
            (tally.loses, "it loses to at least one"),
            (tally.unclear, "we cannot tell"),
        ]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("on {n} {what}"))
        .collect();
        match rest.split_last() {
            None => first,
            Some((last, [])) => format!("{first}, and {last}"),
            Some((last, others)) => format!("{first}, {}, and {last}", others.join(", ")),
        }
    };
    let clauses: Vec<String> = probes.iter().enumerate().map(clause).collect();
    clauses.join("; ")
}

/// A verdict in words, with the difference it rests on.
pub(crate) fn of_verdict(dataset: &DatasetRecord, verdict: &VerdictRecord) -> String {
    let subject = subject(dataset, verdict);
    let metric = metric_name(&verdict.metric);
    let margin = shortest(verdict.margin);
    match verdict.verdict {
        Verdict::Beats => {
            let smallest =
                estimates(verdict).min_by(|(_, left), (_, right)| left.point.total_cmp(&right.point));
            let evidence = smallest
                .map(|(comparison, _)| format!(" (smallest difference {})", against(verdict, comparison)));
            format!(
                "{subject} beats every baseline by more than {margin} {metric}{}",
                evidence.unwrap_or_default()
            )
        }
        Verdict::Loses => {
            let below: Vec<String> = estimates(verdict)
                .filter(|(_, estimate)| estimate.upper < -verdict.margin)
                .map(|(comparison, _)| against(verdict, comparison))
                .collect();
            let lowest =
                || estimates(verdict).min_by(|(_, left), (_, right)| left.point.total_cmp(&right.point));
            let evidence = match (below.is_empty(), lowest()) {
                (false, _) => format!(": {}", below.join("; ")),
                (true, Some((comparison, _))) => format!(": {}", against(verdict, comparison)),
                (true, None) => String::new(),
            };
            format!("{subject} loses by more than {margin} {metric}{evidence}")
        }
        Verdict::Ties => {
            let largest = estimates(verdict)
                .max_by(|(_, left), (_, right)| left.point.abs().total_cmp(&right.point.abs()));
            let evidence = largest
                .map(|(comparison, _)| format!(" (largest difference {})", against(verdict, comparison)));
            format!(
                "{subject} ties with every baseline, within {margin} {metric}{}",
                evidence.unwrap_or_default()
            )
        }
        Verdict::Unclear => format!("{subject}: cannot tell, {}", why_unclear(verdict, &metric, &margin)),
    }
}

/// `models/x with linear (final · mean)`; the target where the dataset has several.
fn subject(dataset: &DatasetRecord, verdict: &VerdictRecord) -> String {
    let probe = match &verdict.probe {
        ProbeScope::Best => "its best probe",
        ProbeScope::Probe(probe) => probe,
    };
    let place = verdict.settings();
    let place = if place.is_empty() { String::new() } else { format!(" ({})", place.join(" · ")) };
    let target =
        if dataset.targets.len() > 1 { format!(" on target {}", verdict.target) } else { String::new() };
    format!("{} with {probe}{place}{target}", verdict.model)
}

/// `+0.034 [0.021, 0.047], against kmer-4`.
fn against(verdict: &VerdictRecord, comparison: &ComparisonRecord) -> String {
    let sign = if point(&comparison.delta).is_some_and(|delta| delta > 0.0) { "+" } else { "" };
    let probe = comparison.baseline.probe_word();
    let probe = if probe == verdict.probe.as_str() { String::new() } else { format!(" with {probe}") };
    format!("{sign}{} against {}{probe}", value(&comparison.delta), comparison.baseline.representation)
}

fn why_unclear(verdict: &VerdictRecord, metric: &str, margin: &str) -> String {
    if let Some(reason) = &verdict.reason {
        return reason.clone();
    }
    let missing = verdict.comparisons.iter().find_map(|comparison| {
        let reason = value_reason(&comparison.delta)?;
        Some(format!("the difference to {} has no interval: {reason}", comparison.baseline.representation))
    });
    if let Some(missing) = missing {
        return missing;
    }
    let crossing = estimates(verdict).find(|(_, estimate)| crosses(estimate, verdict.margin));
    match crossing.or_else(|| estimates(verdict).next()) {
        Some((comparison, estimate)) if crosses(estimate, verdict.margin) => format!(
            "the difference of {} may lie on either side of the margin of {margin} {metric}",
            against(verdict, comparison)
        ),
        Some(_) => format!(
            "the baselines disagree or the difference does not outlast correction for several tests: {}",
            all(verdict)
        ),
        None => "there was no baseline to compare with".to_owned(),
    }
}

/// True when an interval lies on both sides of +margin or of −margin.
fn crosses(estimate: &EstimateRecord, margin: f64) -> bool {
    [margin, -margin].iter().any(|edge| estimate.lower <= *edge && *edge <= estimate.upper)
}

fn all(verdict: &VerdictRecord) -> String {
    let all: Vec<String> =
        verdict.comparisons.iter().map(|comparison| against(verdict, comparison)).collect();
    all.join("; ")
}

fn estimates(verdict: &VerdictRecord) -> impl Iterator<Item = (&ComparisonRecord, &EstimateRecord)> {
    verdict.comparisons.iter().filter_map(|comparison| match &comparison.delta {
        ScoreValue::Estimate(estimate) => Some((comparison, estimate)),
        _ => None,
    })
}

fn without_verdict(record: &RunRecord, dataset: &DatasetRecord) -> String {
    let ranked = ranked(record, dataset);
    let best = ranked.iter().find(|(cell, _)| matches!(cell.role, Role::Model | Role::Baseline));
    let asked = record.cells.iter().any(|cell| cell.id.dataset == dataset.id && cell.role == Role::Model);
    let why =
        if asked { "no verdict was reached" } else { "no model in the suite, so no verdict was asked for" };
    match best.and_then(|(cell, _)| headline(cell).map(|score| (cell, score))) {
        Some((cell, score)) => format!(
            "{} with {} scored best, {} {} ({why})",
            cell_name(&cell.id),
            cell.id.probe_word(),
            metric_name(&score.metric),
            value(&score.value)
        ),
        None => format!("no representation has a score on test ({why})"),
    }
}

/// A margin as the user wrote it: `0.01`.
fn shortest(margin: f64) -> String {
    let short = format!("{margin}");
    if short.len() <= 8 { short } else { number(margin) }
}

/// The gap between the best probe and the oracle of a simulated dataset, or `None` where there is no oracle.
pub(crate) fn oracle_gap(record: &RunRecord, dataset: &DatasetRecord) -> Option<OracleGap> {
    let ranked = ranked(record, dataset);
    let (oracle, ceiling) = *ranked.iter().find(|(cell, _)| cell.role == Role::Oracle)?;
    let (best, reached) =
        *ranked.iter().find(|(cell, _)| matches!(cell.role, Role::Model | Role::Baseline))?;
    let within = match headline(best).map(|score| &score.value) {
        Some(ScoreValue::Estimate(estimate)) => Some(estimate.lower <= ceiling && ceiling <= estimate.upper),
        _ => None,
    };
    let sign = if lower_is_better(&dataset.metric) { -1.0 } else { 1.0 };
    Some(OracleGap {
        oracle: value(&headline(oracle)?.value),
        best: format!("{} with {}", cell_name(&best.id), best.id.probe_word()),
        score: value(&headline(best)?.value),
        gap: number((ceiling - reached).abs()),
        reached: within == Some(true) || sign * (reached - ceiling) >= 0.0,
    })
}

/// How far the best probe stays from what can be reached.
pub(crate) struct OracleGap {
    /// The oracle's score.
    pub(crate) oracle: String,
    /// The best representation and probe.
    pub(crate) best: String,
    /// Its score.
    pub(crate) score: String,
    /// Distance between the two points.
    pub(crate) gap: String,
    /// True when the oracle's point lies within the best probe's interval, or is passed.
    pub(crate) reached: bool,
}

impl OracleGap {
    /// The gap in words.
    pub(crate) fn sentence(&self) -> String {
        let Self { oracle, best, score, gap, reached } = self;
        if *reached {
            return format!("{best} at {score} reaches the oracle at {oracle}");
        }
        format!("{best} at {score} stays {gap} short of the oracle at {oracle}")
    }
}
