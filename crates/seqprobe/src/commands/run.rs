//! `seqprobe run` and what `probe` shares with it: writing a finished run and telling its result.

use crate::cells::write_arrays;
use crate::cli::RunArguments;
use crate::controls::SHUFFLED_LABELS;
use crate::dry_run::dry_run;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::write_whole;
use crate::imports::load_imports;
use crate::model_finder::ModelFinder;
use crate::output::{say, tell};
use crate::plan::Work;
use crate::run::{FinishedRun, default_out, load_datasets, load_models, plan_all, run_suite, set_threads};
use crate::stored_cell::StoredCell;
use crate::suite::Suite;
use crate::verdicts::FilledCell;
use seqprobe_core::{Dataset, Split, Targets, TaskKind};
use seqprobe_report::record::{ModelOrigin, Status};
use seqprobe_report::{
    CellPredictions, OutputName, SeedPredictions, SplitPredictions, render_table, write_run,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Folder of fitted probes within a run.
const PROBES: &str = "probes";

pub(crate) fn run(arguments: &RunArguments, command: String) -> Result<(), Failure> {
    let suite = Suite::read(&arguments.suite)?;
    let threads = set_threads(arguments.computing.machine.threads)?;
    let datasets = load_datasets(&suite, &arguments.computing.folders.data_dirs)?;
    if arguments.plan {
        return print_plan(&suite, &datasets, &ModelFinder::new(&arguments.computing)?);
    }
    if arguments.dry_run {
        return dry_run(&suite, &datasets, &arguments.computing);
    }
    let out = arguments.out.clone().unwrap_or_else(|| default_out(&suite.name));
    let finished = run_suite(&suite, datasets, &arguments.computing, threads, command)?;
    finish(&suite, &finished, &out)
}

fn print_plan(suite: &Suite, datasets: &[Dataset], finder: &ModelFinder) -> Result<(), Failure> {
    load_imports(suite, datasets)?;
    let models = load_models(suite, finder)?;
    let plans = plan_all(suite, datasets, &models)?;
    let cells: Vec<serde_json::Value> = plans
        .iter()
        .flatten()
        .zip(plans.iter().zip(datasets).flat_map(|(plan, dataset)| plan.iter().map(move |_| dataset)))
        .map(|(cell, dataset)| {
            let (state, reason) = match &cell.work {
                Work::NotApplicable(reason) => ("not-applicable", Some(reason.clone())),
                _ => ("planned", None),
            };
            serde_json::json!({
                "id": cell.id, "role": cell.role, "state": state, "reason": reason,
                "train": dataset.splits.train.len(), "valid": dataset.splits.valid.len(), "test": dataset.splits.test.len(),
                "bases": dataset.letters.letters,
            })
        })
        .collect();
    let plan =
        serde_json::json!({ "schema_version": 1, "suite": suite.name, "seeds": suite.seeds, "cells": cells });
    say(&serde_json::to_string_pretty(&plan).or_exit(ExitCode::Unexpected)?)
}

/// Writes the run, prints table and verdicts, and turns failed cells into the exit code.
pub(crate) fn finish(suite: &Suite, finished: &FinishedRun, out: &Path) -> Result<(), Failure> {
    let mut predictions = Vec::new();
    for (dataset, cells) in &finished.datasets {
        let shared = SharedColumns::of(dataset);
        predictions.extend(cells.iter().filter_map(|cell| shared.predictions(cell)));
    }
    write_run(out, &finished.record, &predictions).or_exit(ExitCode::Unexpected)?;
    let mut stored = Vec::new();
    for (dataset, cells) in &finished.datasets {
        for cell in cells {
            stored.extend(store_probes(suite, dataset, cell, &finished.record.provenance.origins, out)?);
        }
    }
    remove_others(&out.join(PROBES), &stored)?;
    say(&render_table(&finished.record))?;
    let n_cells = finished.record.cells.len();
    say(&format!(
        "{n_cells} cells, {} read from the cache, {:.1} s",
        finished.n_reused, finished.record.provenance.seconds
    ))?;
    say(&format!("report: {}", out.join("report.html").display()))?;
    let failed: Vec<_> = finished.record.cells.iter().filter(|cell| cell.status == Status::Failed).collect();
    for cell in &failed {
        tell(&format!("failed: {}: {}", cell.id, cell.reason.as_deref().unwrap_or("no reason")));
    }
    if !failed.is_empty() {
        return Err(Failure::new(
            ExitCode::CellsFailed,
            format!("{} of {n_cells} cells failed", failed.len()),
        ));
    }
    Ok(())
}

/// Puts the fitted probes of a cell into the run folder, for `seqprobe predict`; tells the name of their folder.
fn store_probes(
    suite: &Suite,
    dataset: &Dataset,
    cell: &FilledCell,
    origins: &BTreeMap<String, ModelOrigin>,
    out: &Path,
) -> Result<Option<String>, Failure> {
    let Some(result) = cell.result.as_ref().filter(|result| !result.probes.is_empty()) else {
        return Ok(None);
    };
    if cell.record.id.representation == SHUFFLED_LABELS {
        // Nobody wants to predict with what was fitted to noise.
        return Ok(None);
    }
    let name = cell.record.key.chars().take(16).collect::<String>();
    let folder = out.join(PROBES).join(&name);
    for (number, probe) in result.probes.iter().enumerate() {
        write_whole(&folder.join(format!("probe-{number:04}.safetensors")), &write_arrays(&probe.arrays)?)?;
    }
    let stored = StoredCell::new(suite, dataset, cell, origins)?;
    write_whole(
        &folder.join("cell.json"),
        &serde_json::to_vec_pretty(&stored).or_exit(ExitCode::Unexpected)?,
    )?;
    Ok(Some(name))
}

/// Removes the probes of an earlier run in the same folder.
fn remove_others(folder: &Path, keep: &[String]) -> Result<(), Failure> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let is_ours = entry.path().join("cell.json").exists();
        if is_ours && !keep.iter().any(|name| entry.file_name() == name.as_str()) {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Names of the output columns of a task.
pub(crate) fn output_names(dataset: &Dataset) -> Vec<OutputName> {
    let task = &dataset.task;
    let name =
        |target: &str, output: &str| OutputName { target: target.to_owned(), output: output.to_owned() };
    match task.kind {
        TaskKind::Binary => vec![name(&task.targets[0], task.classes.last().map_or("1", String::as_str))],
        TaskKind::Multiclass => task.classes.iter().map(|class| name(&task.targets[0], class)).collect(),
        TaskKind::Multilabel | TaskKind::Regression => {
            task.targets.iter().map(|target| name(target, target)).collect()
        }
    }
}

type Ids = Arc<[String]>;
type Truth = Arc<[Option<f64>]>;
type ClusterNumbers = Arc<[u32]>;

/// Ids and true values that all cells of a dataset share.
struct SharedColumns {
    outputs: Vec<OutputName>,
    splits: Vec<(Split, Ids, Truth, Option<ClusterNumbers>)>,
}

impl SharedColumns {
    fn of(dataset: &Dataset) -> Self {
        let splits = [Split::Valid, Split::Test]
            .into_iter()
            .map(|split| {
                let rows = dataset.splits.rows(split);
                let ids: Ids = rows.iter().map(|&row| dataset.example_ids[row].clone()).collect();
                let truth: Truth = match dataset.targets.select(rows) {
                    Targets::Classes { labels, .. } if dataset.task.kind == TaskKind::Binary => {
                        labels.iter().map(|&label| Some(f64::from(label))).collect()
                    }
                    Targets::Classes { labels, n_classes } => labels
                        .iter()
                        .flat_map(|&label| {
                            (0..n_classes)
                                .map(move |class| Some(if class == label as usize { 1.0 } else { 0.0 }))
                        })
                        .collect(),
                    Targets::Values { values } => values.iter().copied().collect(),
                };
                let clusters = dataset
                    .clusters
                    .as_ref()
                    .map(|clusters| rows.iter().map(|&row| clusters.ids()[row]).collect());
                (split, ids, truth, clusters)
            })
            .collect();
        Self { outputs: output_names(dataset), splits }
    }

    fn predictions(&self, cell: &FilledCell) -> Option<CellPredictions> {
        let result = cell.result.as_ref()?;
        let splits = self
            .splits
            .iter()
            .map(|(split, ids, truth, clusters)| {
                let matrices = if *split == Split::Valid { &result.valid } else { &result.test };
                let seeds = matrices
                    .iter()
                    .zip(&result.fits)
                    .map(|(matrix, fit)| SeedPredictions {
                        seed: fit.seed,
                        values: matrix.iter().copied().collect(),
                    })
                    .collect();
                SplitPredictions {
                    split: split.as_str().to_owned(),
                    example_ids: ids.clone(),
                    truth: truth.clone(),
                    seeds,
                    clusters: clusters.clone(),
                }
            })
            .collect();
        Some(CellPredictions { cell: cell.record.id.clone(), outputs: self.outputs.clone(), splits })
    }
}
