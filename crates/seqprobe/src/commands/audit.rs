//! `seqprobe data audit`: what a dataset gives away before any model is asked: copies and near-duplicates between
//! splits, contradicting labels, and how far composition and length alone go.

use crate::cli::{Folders, ListFormat};
use crate::data_command::{cards_here, load_dataset};
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::say;
use crate::score::score_split;
use crate::suite::{DEFAULT_REPLICATES, SimulateEntry};
use seqprobe_core::audit::Audit;
use seqprobe_core::{Dataset, FeatureView, LabelledView, Pooling, Probe, Seed, Split};
use seqprobe_data::audit::audit;
use seqprobe_embed::PlainRepresentation;
use seqprobe_linear::LinearProbe;
use seqprobe_report::record::ScoreRecord;
use seqprobe_report::{audit_lines, shift_lines, value};
use serde::Serialize;
use std::path::Path;

/// What is told of one dataset.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    audit: Audit,
    /// Test scores of a linear probe on composition and length alone, or why there are none.
    composition: Result<Vec<ScoreRecord>, String>,
}

pub(crate) fn run(
    mut datasets: Vec<String>,
    threshold: f64,
    format: ListFormat,
    folders: &Folders,
) -> Result<(), Failure> {
    if !(threshold > 0.0 && threshold <= 1.0) {
        return Err(Failure::usage(format!("--threshold {threshold} must lie above 0 and at most at 1")));
    }
    if datasets.is_empty() {
        datasets = cards_here()?;
    }
    let mut all = Vec::new();
    for name in &datasets {
        let dataset = load_dataset(name, Path::new(""), &folders.data_dirs, SimulateEntry::default())?;
        let told = Told { audit: audit(&dataset, threshold), composition: composition_scores(&dataset) };
        match format {
            ListFormat::Table => say(&lines(&told).join("\n"))?,
            ListFormat::Json => all.push(told),
        }
    }
    match format {
        ListFormat::Table => Ok(()),
        ListFormat::Json => say(&serde_json::to_string_pretty(&all).or_exit(ExitCode::Unexpected)?),
    }
}

fn lines(told: &Told) -> Vec<String> {
    let mut lines = vec![told.audit.dataset.clone()];
    lines.extend(
        audit_lines(&told.audit).into_iter().chain(shift_lines(&told.audit)).map(|line| format!("  {line}")),
    );
    match &told.composition {
        Err(reason) => lines.push(format!("  composition and length alone: {reason}")),
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

/// AUROC on test (the primary metric for numbers) of a linear probe that knows composition and length only.
fn composition_scores(dataset: &Dataset) -> Result<Vec<ScoreRecord>, String> {
    let rows = &dataset.splits;
    let features = PlainRepresentation::Composition
        .features(&dataset.sequences, Pooling::Mean, &rows.train)
        .map_err(|error| error.to_string())?;
    let (train_targets, valid_targets) =
        (dataset.targets.select(&rows.train), dataset.targets.select(&rows.valid));
    let fit = || {
        let labelled = |split, targets| {
            FeatureView::new(features.as_ref(), split).map(|features| LabelledView {
                features,
                targets,
                groups: None,
            })
        };
        let train = labelled(rows.train.as_slice(), &train_targets)?;
        let valid = labelled(rows.valid.as_slice(), &valid_targets)?;
        let fit = LinearProbe::default().fit(&dataset.task, train, valid, Seed(0))?;
        fit.fitted.predict(&FeatureView::new(features.as_ref(), &rows.test)?)
    };
    let outputs: Result<_, seqprobe_core::ProbeError> = fit();
    let outputs = outputs.map_err(|error| error.to_string())?;
    let mut scores = score_split(dataset, Split::Test, &[outputs], DEFAULT_REPLICATES);
    let by_auroc = scores.iter().any(|score| score.metric == "auroc");
    scores.retain(|score| if by_auroc { score.metric == "auroc" } else { score.primary });
    scores.truncate(1);
    Ok(scores)
}
