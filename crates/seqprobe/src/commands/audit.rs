//! `seqprobe data audit`: what a dataset shows without any model.

use crate::cli::{ListFormat, PathArgs};
use crate::commands::cards::cards_here;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::print_line;
use seqprobe_core::Split;
use seqprobe_report::{audit_lines, shift_lines, value};
use seqprobe_study::{
    DatasetAudit, RuleAudit, RuleFinding, RuleWord, SimulateEntry, audit_dataset, load_dataset,
};
use std::path::Path;

pub(crate) fn run(
    mut datasets: Vec<String>,
    threshold: f64,
    format: ListFormat,
    folders: &PathArgs,
) -> Result<(), Failure> {
    if !(threshold > 0.0 && threshold <= 1.0) {
        return Err(Failure::usage(format!(
            "--threshold {threshold} must be a number above 0 and at most 1"
        )));
    }
    if datasets.is_empty() {
        datasets = cards_here()?;
    }
    let mut all = Vec::new();
    for name in &datasets {
        let dataset = load_dataset(name, Path::new(""), &folders.data_folders(), SimulateEntry::default())?;
        let audit = audit_dataset(&dataset, threshold);
        match format {
            ListFormat::Table => print_line(&lines(&audit).join("\n"))?,
            ListFormat::Json => all.push(audit),
        }
    }
    match format {
        ListFormat::Table => Ok(()),
        ListFormat::Json => print_line(&serde_json::to_string_pretty(&all).or_exit(ExitCode::Unexpected)?),
    }
}

fn lines(found: &DatasetAudit) -> Vec<String> {
    let mut lines = vec![found.audit.dataset.clone()];
    let audit = audit_lines(&found.audit).into_iter().chain(shift_lines(&found.audit));
    lines.extend(audit.map(|line| format!("  {line}")));
    match &found.composition {
        Err(reason) => lines.push(format!("  composition and length alone: {}", reason.0)),
        Ok(scores) => lines.extend(scores.iter().map(|score| {
            format!(
                "  composition and length alone, {} of a linear probe on test: {}",
                score.metric,
                value(&score.value)
            )
        })),
    }
    lines.extend(rule_lines(&found.rules).into_iter().map(|line| format!("  {line}")));
    lines
}

/// How the set was put together, a line for each rule, and the verdict.
fn rule_lines(found: &RuleAudit) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(partners) = found.partners {
        let n = partners.negatives;
        for (rows, what) in [
            (partners.shuffles, "a dinucleotide shuffle"),
            (partners.altered, "a copy with replaced segments"),
        ] {
            if rows == n {
                lines.push(format!("every negative is {what} of a positive that is also here"));
            } else if 100 * rows > n {
                lines.push(format!("{rows} of {n} negatives are {what} of a positive that is also here"));
            }
        }
    }
    lines.extend(found.shared.iter().filter(|shared| shared.word > RuleWord::Pass).map(|shared| {
        let share = 100.0 * shared.share;
        format!("{}: {share:.1}% of test rows are {} of train", shared.word.as_str(), shared.what)
    }));
    lines.extend(found.rules.iter().map(rule_line));
    let chosen = found.rules.iter().find(|rule| Some(rule.rule) == found.chosen.as_deref());
    lines.extend(chosen.and_then(|rule| {
        let score = rule.scores.iter().find(|score| score.primary && score.split == Split::Test)?;
        let (metric, shown) = (&score.metric, value(&score.value));
        Some(format!("best rule on validation: {}, {metric} on test: {shown}", rule.rule))
    }));
    lines.push(format!("rules without a model: {}", found.verdict.as_str()));
    lines
}

fn rule_line(rule: &RuleFinding) -> String {
    let Some(coverage) = rule.coverage else {
        return format!("rule {}: not applicable: {}", rule.rule, rule.found);
    };
    let primary = rule.scores.iter().find(|score| score.primary).map(|score| score.metric.as_str());
    let mut metrics = vec!["mcc", "pearson"];
    if let Some(primary) = primary.filter(|primary| !metrics.contains(primary)) {
        metrics.insert(0, primary);
    }
    let scores: Vec<String> = metrics
        .into_iter()
        .filter_map(|metric| Some(format!("{metric} {:.3}", rule.point(metric, Split::Test)?)))
        .collect();
    let pairs = rule.pairs.filter(|pairs| pairs.compared > 0).map_or_else(String::new, |pairs| {
        format!(", {} of {} pairs have different labels", pairs.disagreeing, pairs.compared)
    });
    format!(
        "{} rule {}: {:.1}% of test rows{pairs}; {} ({})",
        rule.word.as_str(),
        rule.rule,
        100.0 * coverage,
        scores.join(", "),
        rule.found
    )
}
