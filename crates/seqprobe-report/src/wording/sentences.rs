//! The findings of a run in sentences. The terminal, the comment and the page have the same ones.

use super::names::{cell_name, metric_name, probe_name};
use super::qualifications::{but, to_settle};
use super::quantities::{margin, number, signed, value};
use super::warnings::gain_text;
use crate::derive::RunView;
use crate::derive::dataset_view::{DatasetView, VerdictView};
use crate::derive::direction::lower_is_better;
use crate::derive::evidence::Evidence;
use crate::derive::oracle_gap::OracleGap;
use crate::derive::tallies::ModelTally;
use crate::record::choice::{point, primary_test_score};
use crate::record::{COVERED_ROWS, Role, ScoreRecord, ScoreValue};
use crate::record::{CellRecord, ComparisonRecord, DatasetRecord, ProbeScope, Verdict, VerdictRecord};
use seqprobe_core::{PublishedScore, Split};
use seqprobe_stats::verdict::Tally;

/// One sentence of a dataset.
pub(crate) struct Sentence {
    /// The verdict that it states, if any.
    pub(crate) verdict: Option<Verdict>,
    /// The sentence, without the dataset's name at its start.
    pub(crate) text: String,
}

/// The sentences of a dataset: one per verdict, or the best representation if there is no verdict; then the models
/// against each other, and the gains of models over their random initialisations.
pub(crate) fn of_dataset(dataset: &DatasetView<'_>) -> Vec<Sentence> {
    let mut sentences: Vec<Sentence> = dataset
        .verdicts
        .iter()
        .map(|verdict| Sentence {
            verdict: Some(verdict.record.verdict),
            text: of_verdict(dataset.record, verdict),
        })
        .collect();
    if sentences.is_empty() {
        sentences.push(Sentence { verdict: None, text: without_verdict(dataset) });
    }
    let between_models = super::model_pairs::sentences(&dataset.model_comparisons);
    sentences.extend(between_models.into_iter().map(|text| Sentence { verdict: None, text }));
    let about_rule = best_rule(dataset).into_iter().chain(published_by_rule(dataset));
    sentences.extend(about_rule.map(|text| Sentence { verdict: None, text }));
    let gains = &dataset.record.gains;
    sentences.extend(gains.iter().map(|gain| Sentence { verdict: None, text: gain_text(gain) }));
    sentences
}

/// `the best rule without a model is composition-twins (MCC 0.944 [0.917, 0.962]; it says something about 734 of 810 test
/// rows)`.
fn best_rule(dataset: &DatasetView<'_>) -> Option<String> {
    let cell = dataset.whole_cells.iter().find(|cell| cell.role == Role::Rule)?;
    let covered = cell.fits.first()?.report.chosen.get(COVERED_ROWS)?;
    let metric = metric_name(&dataset.record.metric);
    Some(format!(
        "the best rule without a model is {} ({metric} {}; it says something about {covered} test rows)",
        cell.chosen_rule()?,
        primary_score(cell)
    ))
}

/// One sentence for each published score that the best rule without a model is better than.
fn published_by_rule(dataset: &DatasetView<'_>) -> Vec<String> {
    let Some(rule) = dataset.whole_cells.iter().find(|cell| cell.role == Role::Rule) else {
        return Vec::new();
    };
    // The mean over targets comes first where there are several.
    let test_score = |metric: &str| {
        let is_it = |score: &&ScoreRecord| score.split == Split::Test && score.metric == metric;
        point(&rule.scores.iter().find(is_it)?.value)
    };
    let sentence = |published: &PublishedScore| {
        let found = test_score(&published.metric)?;
        let is_more = match lower_is_better(&published.metric) {
            true => found < published.value,
            false => found > published.value,
        };
        let (metric, model, protocol) =
            (metric_name(&published.metric), &published.model, &published.protocol);
        is_more.then(|| {
            format!(
                "the rule {} reaches more than a published score: {metric} {} against {} of {model}, {protocol} \
                 (another protocol, not paired)",
                rule.chosen_rule().unwrap_or_default(),
                number(found),
                number(published.value)
            )
        })
    };
    dataset.record.published.iter().filter_map(sentence).collect()
}

/// The findings over all datasets, one sentence per model; none for a single dataset.
pub(crate) fn of_suite(view: &RunView<'_>) -> Vec<String> {
    view.tallies.iter().map(of_model).collect()
}

/// `nt-v2 with linear beats every baseline on 7 of 9 tasks and is unclear on 2; with cnn it beats every baseline on 2
/// of 9 and loses to at least one baseline on 7`.
fn of_model(tally: &ModelTally<'_>) -> String {
    let clause = |(index, (probe, tally)): (usize, &(&ProbeScope, Tally))| {
        let name = probe_name(probe);
        let n = tally.total();
        let tasks = if n == 1 { "task" } else { "tasks" };
        let mut parts = vec![match index {
            0 => format!("beats every baseline on {} of {n} {tasks}", tally.beats),
            _ => format!("beats every baseline on {} of {n}", tally.beats),
        }];
        let others = [
            (tally.ties, "ties with the best baseline on"),
            (tally.loses, "loses to at least one baseline on"),
            (tally.unclear, "is unclear on"),
        ];
        parts.extend(others.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{what} {n}")));
        let parts = match parts.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        };
        if index == 0 { format!("with {name} {parts}") } else { format!("with {name} it {parts}") }
    };
    let clauses: Vec<String> = tally.probes.iter().enumerate().map(clause).collect();
    format!("{} {}", tally.model, clauses.join("; "))
}

/// A verdict in words, with what qualifies it; if it is unclear, with what would settle it.
fn of_verdict(dataset: &DatasetRecord, view: &VerdictView<'_>) -> String {
    let decided = decided(dataset, view);
    let settle = view.settling.map(|power| format!(" ({})", to_settle(power))).unwrap_or_default();
    format!("{decided}{settle}{}", but(view.record))
}

/// A verdict in words, with the differences that decide it.
fn decided(dataset: &DatasetRecord, view: &VerdictView<'_>) -> String {
    let verdict = view.record;
    let subject = subject(dataset, verdict);
    let threshold = threshold(verdict);
    let in_brackets = |what: &str, comparison: &Option<&ComparisonRecord>| {
        let shown =
            comparison.map(|comparison| format!(" ({what} difference {})", against(verdict, comparison)));
        shown.unwrap_or_default()
    };
    match &view.evidence {
        Evidence::Smallest(comparison) => {
            format!(
                "{subject} beats every baseline by more than {threshold}{}",
                in_brackets("smallest", comparison)
            )
        }
        Evidence::ToTheBest(comparison) => {
            format!(
                "{subject} ties with the best baseline, within {threshold}{}",
                in_brackets("its", comparison)
            )
        }
        Evidence::Below(comparisons) => {
            let shown = if comparisons.is_empty() {
                String::new()
            } else {
                format!(": {}", all(verdict, comparisons))
            };
            format!("{subject} loses by more than {threshold}{shown}")
        }
        Evidence::Reason(reason) => format!("{subject}: unclear, {reason}"),
        Evidence::NoInterval(comparison, reason) => format!(
            "{subject}: unclear, the difference to {} has no interval: {reason}",
            comparison.baseline.representation
        ),
        Evidence::CrossesMargin(comparison) => format!(
            "{subject}: unclear, the interval of the difference contains the margin of {threshold}: {}",
            against(verdict, comparison)
        ),
        Evidence::NotSignificant(comparisons) => format!(
            "{subject}: unclear, the baselines disagree or no difference is significant after multiple-testing \
            correction: {}",
            all(verdict, comparisons)
        ),
        Evidence::NoBaseline => format!("{subject}: unclear, there is no baseline to compare with"),
    }
}

/// `0.01 AUROC`; `0.0123 RMSE, 0.01 of the standard deviation of the target`.
fn threshold(verdict: &VerdictRecord) -> String {
    let name = metric_name(&verdict.metric);
    match verdict.margin_unit {
        Some(unit) if unit > 0.0 => {
            // The suite's margin; rounded, because it was multiplied and divided.
            let share = (1e9 * verdict.margin / unit).round() / 1e9;
            let spread = if verdict.metric == "mse" { "variance" } else { "standard deviation" };
            format!("{} {name}, {} of the {spread} of the target", number(verdict.margin), margin(share))
        }
        _ => format!("{} {name}", margin(verdict.margin)),
    }
}

/// `models/x with linear (final · mean)`; with the target if the dataset has several.
fn subject(dataset: &DatasetRecord, verdict: &VerdictRecord) -> String {
    let settings = verdict.settings();
    let settings = if settings.is_empty() { String::new() } else { format!(" ({})", settings.join(" · ")) };
    let partial = verdict.comparisons.iter().find_map(|comparison| partial_mean(&comparison.delta));
    let target = match (dataset.targets.len() > 1, partial) {
        (true, Some(partial)) => format!(" on target {} ({partial})", verdict.target),
        (true, None) => format!(" on target {}", verdict.target),
        (false, Some(partial)) => format!(" on {partial}"),
        (false, None) => String::new(),
    };
    format!("{} with {}{settings}{target}", verdict.model, probe_name(&verdict.probe))
}

/// `1 of 2 targets`, the flag of a mean that leaves targets or classes out.
fn partial_mean(value: &ScoreValue) -> Option<&str> {
    let ScoreValue::Estimate(estimate) = value else { return None };
    let is_partial =
        |flag: &&String| flag.contains(" of ") && (flag.ends_with(" targets") || flag.ends_with(" classes"));
    estimate.flags.iter().find(is_partial).map(String::as_str)
}

/// `+0.034 [0.021, 0.047] against kmer-4`.
fn against(verdict: &VerdictRecord, comparison: &ComparisonRecord) -> String {
    // A rule has no probe.
    let other = comparison.baseline.probe.as_deref().filter(|probe| *probe != verdict.probe.as_str());
    let probe = other.map_or_else(String::new, |probe| format!(" with {probe}"));
    format!("{} against {}{probe}", signed(&comparison.delta), comparison.baseline.representation)
}

fn all(verdict: &VerdictRecord, comparisons: &[&ComparisonRecord]) -> String {
    let all: Vec<String> = comparisons.iter().map(|comparison| against(verdict, comparison)).collect();
    all.join("; ")
}

fn without_verdict(dataset: &DatasetView<'_>) -> String {
    let why = if dataset.has_model { "no verdict was reached" } else { "there is no model to compare" };
    match dataset.best_scored.and_then(|cell| primary_test_score(cell).map(|score| (cell, score))) {
        Some((cell, score)) => format!(
            "{} scored best, {} {} ({why})",
            with_probe(cell),
            metric_name(&score.metric),
            value(&score.value)
        ),
        None => format!("no representation has a score on test ({why})"),
    }
}

/// `models/x (final · mean) with linear`.
pub(crate) fn with_probe(cell: &CellRecord) -> String {
    match &cell.id.probe {
        Some(probe) => format!("{} with {probe}", cell_name(&cell.id)),
        None => cell_name(&cell.id),
    }
}

/// The primary score of a cell on test.
pub(crate) fn primary_score(cell: &CellRecord) -> String {
    primary_test_score(cell).map(|score| value(&score.value)).unwrap_or_default()
}

/// The gap to the oracle.
pub(crate) fn of_gap(gap: &OracleGap<'_>) -> String {
    let (best, score, oracle) = (with_probe(gap.best), primary_score(gap.best), primary_score(gap.oracle));
    if gap.is_reached {
        return format!("{best} ({score}) reaches the oracle ({oracle})");
    }
    format!("{best} ({score}) is {} short of the oracle ({oracle})", number(gap.gap))
}
