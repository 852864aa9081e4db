//! Writing a finished run: the record with its renderings, the predictions of every cell, the fitted probes.

use crate::error::StudyError;
use crate::judge::filled_cell::FilledCell;
use crate::judge::independent_units::units_of;
use crate::judge::truth::truth_columns;
use crate::run::road::FinishedRun;
use crate::store::arrays::write_arrays;
use crate::store::error::StoreError;
use crate::store::stored_probe::{StoredCell, output_names};
use crate::suite::Suite;
use seqprobe_core::{Dataset, Split};
use seqprobe_files::write_whole;
use seqprobe_report::record::{ModelOrigin, RepresentationName};
use seqprobe_report::{CellPredictions, OutputName, SeedPredictions, SplitPredictions, write_run};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Folder of fitted probes within a run.
const PROBES: &str = "probes";

/// Writes a run folder; probes of an earlier run in it are removed.
pub(crate) fn write_run_folder(suite: &Suite, finished: &FinishedRun, out: &Path) -> Result<(), StudyError> {
    let mut predictions = Vec::new();
    for (dataset, cells) in &finished.datasets {
        let shared = SharedColumns::of(dataset);
        predictions.extend(cells.iter().filter_map(|cell| shared.predictions(cell)));
    }
    write_run(out, &finished.record, &predictions)?;
    let folder = out.join(PROBES);
    let mut stored = Vec::new();
    for (dataset, cells) in &finished.datasets {
        for cell in cells {
            stored.extend(store_probes(suite, dataset, cell, &finished.record.provenance.origins, &folder)?);
        }
    }
    remove_others(&folder, &stored)
}

/// Writes the fitted probes of a cell; returns the name of their folder.
fn store_probes(
    suite: &Suite,
    dataset: &Dataset,
    cell: &FilledCell,
    origins: &BTreeMap<String, ModelOrigin>,
    probes: &Path,
) -> Result<Option<String>, StudyError> {
    // Nobody wants to predict with what was fitted to noise.
    let is_noise = cell.record.id.representation == RepresentationName::ShuffledLabels;
    let result = cell.result.as_ref().filter(|result| !result.probes.is_empty() && !is_noise);
    let Some(result) = result else { return Ok(None) };
    let stored = StoredCell::new(suite, dataset, cell, result, origins)?;
    let name: String = cell.record.key.chars().take(16).collect();
    let folder = probes.join(&name);
    for (number, probe) in result.probes.iter().enumerate() {
        let bytes = write_arrays(&probe.arrays).map_err(StoreError::Arrays)?;
        write_whole(&folder.join(format!("probe-{number:04}.safetensors")), &bytes)?;
    }
    write_whole(&folder.join("cell.json"), &serde_json::to_vec_pretty(&stored)?)?;
    Ok(Some(name))
}

/// Removes the probes of an earlier run in the same folder.
fn remove_others(folder: &Path, keep: &[String]) -> Result<(), StudyError> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(|error| StudyError::io(folder, error))?;
        let is_ours = entry.path().join("cell.json").exists();
        if is_ours && !keep.iter().any(|name| entry.file_name() == name.as_str()) {
            std::fs::remove_dir_all(entry.path()).map_err(|error| StudyError::io(&entry.path(), error))?;
        }
    }
    Ok(())
}

/// Ids and true values that all cells of a dataset share.
struct SharedColumns {
    outputs: Vec<OutputName>,
    splits: Vec<SharedSplit>,
}

struct SharedSplit {
    split: Split,
    ids: Arc<[String]>,
    truth: Arc<[Option<f64>]>,
    clusters: Option<Arc<[u32]>>,
}

impl SharedColumns {
    fn of(dataset: &Dataset) -> Self {
        let shared = |split| {
            let rows = dataset.splits.rows(split);
            SharedSplit {
                split,
                ids: rows.iter().map(|&row| dataset.example_ids[row].clone()).collect(),
                truth: truth_columns(dataset, split).into(),
                clusters: units_of(dataset, split).map(Arc::from),
            }
        };
        Self { outputs: output_names(dataset), splits: [Split::Valid, Split::Test].map(shared).into() }
    }

    fn predictions(&self, cell: &FilledCell) -> Option<CellPredictions> {
        let result = cell.result.as_ref()?;
        let of_split = |shared: &SharedSplit| {
            let predictions = if shared.split == Split::Valid { &result.valid } else { &result.test };
            let of_seed = |(values, seed): (&[f64], u64)| SeedPredictions { seed, values: values.to_vec() };
            let seeds = result.fits.iter().map(|fit| fit.seed);
            SplitPredictions {
                split: shared.split.as_str().to_owned(),
                example_ids: shared.ids.clone(),
                truth: shared.truth.clone(),
                seeds: predictions.slices().into_iter().zip(seeds).map(of_seed).collect(),
                clusters: shared.clusters.clone(),
            }
        };
        let splits = self.splits.iter().map(of_split).collect();
        Some(CellPredictions { cell: cell.record.id.clone(), outputs: self.outputs.clone(), splits })
    }
}
