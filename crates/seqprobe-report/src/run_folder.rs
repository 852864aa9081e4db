//! A run folder: written as a whole or not at all, and read back with errors that say what is wrong.

pub(crate) mod prediction_file;
pub mod predictions;

use crate::derive::RunView;
use crate::error::ReportError;
use crate::formats::FORMATS;
use crate::formats::html;
use crate::record::finite;
use crate::record::{CellId, RunRecord, SCHEMA_VERSION};
use predictions::{CellPredictions, is_predictions_file_name, predictions_file_name};
use rayon::prelude::*;
use seqprobe_files::{AtomicFile, StagedFile};
use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Folder of the predictions within a run folder.
const PREDICTIONS: &str = "predictions";
/// Folder of the drawings within a run folder.
const FIGURES: &str = "figures";

/// Writes a run: every format of [`crate::FORMATS`] that has a file, `figures/*.svg` and `predictions/*.parquet`.
///
/// All files are first written under temporary names in the same folder; then they are renamed, `run.json` last. The
/// files of an earlier run in the folder are replaced, and its prediction files of other cells are removed.
///
/// # Errors
/// [`ReportError`] when a number of the record is not finite, predictions do not fit their shape or belong to no cell
/// of the record, or the folder cannot be written. The files of an earlier run are then unchanged.
pub fn write_run(
    folder: &Path,
    record: &RunRecord,
    predictions: &[CellPredictions],
) -> Result<(), ReportError> {
    finite::check(record)?;
    check_predictions(record, predictions)?;
    let view = RunView::of(record);
    let mut rendered = Vec::new();
    for format in FORMATS {
        if let Some(file_name) = format.file_name {
            rendered.push((folder.join(file_name), format.render_view(&view)?));
        }
    }

    let figures_folder = folder.join(FIGURES);
    let figures = html::figures(&view);
    let predictions_folder = folder.join(PREDICTIONS);
    for folder in [&predictions_folder, &figures_folder] {
        fs::create_dir_all(folder).map_err(|error| ReportError::io(folder, "create", error))?;
    }
    for (name, drawing) in &figures {
        rendered.push((figures_folder.join(name), drawing.clone()));
    }
    let staged: Result<Vec<StagedFile>, ReportError> = predictions
        .par_iter()
        .map(|predictions| stage_predictions(&predictions_folder, predictions))
        .collect();
    let mut staged = staged?;
    for (path, text) in &rendered {
        staged.push(stage(path, text.as_bytes())?);
    }

    let current: HashSet<String> = predictions.iter().map(|cell| predictions_file_name(&cell.cell)).collect();
    remove_stale(&predictions_folder, &current, is_predictions_file_name)?;
    let current: HashSet<String> = figures.into_iter().map(|(name, _)| name).collect();
    remove_stale(&figures_folder, &current, html::is_figure_name)?;
    for file in staged {
        file.put_in_place()?;
    }
    Ok(())
}

/// Reads `run.json` of a run folder; `folder` can also be the path of that file.
///
/// # Errors
/// [`ReportError::NoRun`], [`ReportError::CutOff`], [`ReportError::NewerSchema`] or [`ReportError::NotARun`].
pub fn read_run(folder: &Path) -> Result<RunRecord, ReportError> {
    let path = if folder.is_file() { folder.to_owned() } else { folder.join("run.json") };
    let text = fs::read(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            ReportError::NoRun(folder.to_owned())
        }
        _ => ReportError::io(&path, "read", error),
    })?;
    let head: Head = serde_json::from_slice(&text).map_err(|error| not_a_run(&path, &error))?;
    if head.schema_version > u64::from(SCHEMA_VERSION) {
        let program = head.provenance.and_then(|provenance| provenance.program);
        return Err(ReportError::NewerSchema {
            path,
            found: head.schema_version,
            supported: SCHEMA_VERSION,
            writer: program.map(|program| format!(" ({program})")).unwrap_or_default(),
        });
    }
    serde_json::from_slice(&text).map_err(|error| not_a_run(&path, &error))
}

/// Path of a cell's predictions in a run folder; there may be no such file.
pub fn predictions_path(folder: &Path, cell: &CellId) -> PathBuf {
    folder.join(PREDICTIONS).join(predictions_file_name(cell))
}

/// Reads the stored predictions of one cell of a run folder.
///
/// # Errors
/// [`ReportError`] when there is no such file or it is not what [`write_run`] wrote.
pub fn read_predictions(folder: &Path, cell: &CellId) -> Result<CellPredictions, ReportError> {
    let path = predictions_path(folder, cell);
    let file = File::open(&path).map_err(|error| ReportError::io(&path, "read", error))?;
    let predictions = prediction_file::read(file).map_err(|error| parquet_error(&path, &error))?;
    let problem = if predictions.cell == *cell {
        prediction_file::problem(&predictions)
    } else {
        Some(format!("the file has those of {}", predictions.cell))
    };
    match problem {
        Some(message) => Err(ReportError::Predictions { cell: cell.to_string(), message }),
        None => Ok(predictions),
    }
}

/// The part of a record that is read before its version is known.
#[derive(serde::Deserialize)]
struct Head {
    schema_version: u64,
    provenance: Option<HeadProvenance>,
}

#[derive(serde::Deserialize)]
struct HeadProvenance {
    program: Option<String>,
}

fn not_a_run(path: &Path, error: &serde_json::Error) -> ReportError {
    if error.is_eof() {
        return ReportError::CutOff { path: path.to_owned(), line: error.line(), column: error.column() };
    }
    ReportError::NotARun { path: path.to_owned(), message: error.to_string() }
}

fn parquet_error(path: &Path, error: &parquet::errors::ParquetError) -> ReportError {
    ReportError::Parquet { path: path.to_owned(), message: error.to_string() }
}

fn check_predictions(record: &RunRecord, predictions: &[CellPredictions]) -> Result<(), ReportError> {
    let known: HashSet<&CellId> = record.cells.iter().map(|cell| &cell.id).collect();
    let mut seen = HashSet::new();
    for predictions in predictions {
        let problem = if !known.contains(&predictions.cell) {
            Some("the run record has no such cell".to_owned())
        } else if !seen.insert(&predictions.cell) {
            Some("they are given twice".to_owned())
        } else {
            prediction_file::problem(predictions)
        };
        if let Some(message) = problem {
            return Err(ReportError::Predictions { cell: predictions.cell.to_string(), message });
        }
    }
    Ok(())
}

fn stage_predictions(folder: &Path, predictions: &CellPredictions) -> Result<StagedFile, ReportError> {
    let place = folder.join(predictions_file_name(&predictions.cell));
    let file = AtomicFile::create(&place)?;
    let file = prediction_file::write(file, predictions).map_err(|error| parquet_error(&place, &error))?;
    Ok(file.stage()?)
}

/// Writes a file that [`StagedFile::put_in_place`] names later.
pub(crate) fn stage(path: &Path, bytes: &[u8]) -> Result<StagedFile, ReportError> {
    let mut file = AtomicFile::create(path)?;
    file.append(bytes)?;
    Ok(file.stage()?)
}

/// Removes the files of an earlier run that this run does not have; other files stay.
fn remove_stale(
    folder: &Path,
    current: &HashSet<String>,
    is_ours: fn(&str) -> bool,
) -> Result<(), ReportError> {
    for entry in fs::read_dir(folder).map_err(|error| ReportError::io(folder, "read", error))? {
        let entry = entry.map_err(|error| ReportError::io(folder, "read", error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_ours(&name) && !current.contains(&name) {
            let path = entry.path();
            fs::remove_file(&path).map_err(|error| ReportError::io(&path, "remove", error))?;
        }
    }
    Ok(())
}
