//! `seqprobe data audit`: what a dataset shows without any model.

use crate::cli::{ListFormat, PathArgs};
use crate::commands::cards::cards_here;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::print_line;
use seqprobe_report::{audit_lines, shift_lines, value};
use seqprobe_study::{DatasetAudit, SimulateEntry, audit_dataset, load_dataset};
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
    lines
}
