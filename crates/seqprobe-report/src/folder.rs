//! A run folder: all of it written or none of it, and read back with errors that say what is wrong.

use crate::error::ReportError;
use crate::finite;
use crate::format::FORMATS;
use crate::html;
use crate::prediction_file;
use crate::predictions::{CellPredictions, is_predictions_file_name, predictions_file_name};
use crate::record::{CellId, RunRecord, SCHEMA_VERSION};
use crate::staged::StagedFile;
use rayon::prelude::*;
use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Folder of the predictions within a run folder.
const PREDICTIONS: &str = "predictions";
/// Folder of the drawings within a run folder.
const FIGURES: &str = "figures";

/// Writes a run: every format of [`crate::FORMATS`] that has a file, `figures/*.svg` and `predictions/*.parquet`.
///
/// Everything is first written in full under temporary names in the same folder; only then are the files
/// renamed, `run.json` last. A folder that holds an earlier run is replaced file by file, and prediction files
/// of cells that are no longer there are removed.
///
/// # Errors
/// [`ReportError`] when the record holds a number that is not finite, predictions do not fit their shape or
/// belong to no cell of the record, or the folder cannot be written; what was there before is then untouched.
pub fn write_run(
    folder: &Path,
    record: &RunRecord,
    predictions: &[CellPredictions],
) -> Result<(), ReportError> {
    finite::check(record)?;
    check_predictions(record, predictions)?;
    let mut rendered = Vec::new();
    for format in FORMATS {
        if let Some(file_name) = format.file_name {
            rendered.push((folder.join(file_name), (format.render)(record)?));
        }
    }

    let figures_folder = folder.join(FIGURES);
    let figures = html::figures(record);
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
        staged.push(StagedFile::write(path, text.as_bytes())?);
    }

    let current: HashSet<String> = predictions.iter().map(|cell| predictions_file_name(&cell.cell)).collect();
    remove_stale(&predictions_folder, &current, is_predictions_file_name)?;
    let current: HashSet<String> = figures.into_iter().map(|(name, _)| name).collect();
    remove_stale(&figures_folder, &current, html::is_figure_name)?;
    for file in staged {
        file.put_in_place()?;
    }
    // A rename lasts once its folder is on disk; not every file system can sync a folder, and none needs to.
    for folder in [predictions_folder.as_path(), &figures_folder, folder] {
        if let Ok(folder) = File::open(folder) {
            drop(folder.sync_all());
        }
    }
    Ok(())
}

/// Reads `run.json` of a run folder; the path of the file itself is taken too.
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

/// Path of a cell's predictions in a run folder, whether or not they are there.
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
        Some(format!("the file holds those of {}", predictions.cell))
    };
    match problem {
        Some(message) => Err(ReportError::Predictions { cell: cell.to_string(), message }),
        None => Ok(predictions),
    }
}

/// What is read of a record before its version is known.
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
            Some("given twice".to_owned())
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
    StagedFile::write_with(&place, |file| {
        prediction_file::write(file, predictions).map_err(|error| parquet_error(&place, &error))
    })
}

/// Removes what an earlier run left here and this one does not have; files that are not of the kind stay.
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
