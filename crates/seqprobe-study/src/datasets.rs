//! The datasets of a study: by id or path of a card, or simulated.

use crate::error::StudyError;
use crate::suite::Suite;
use crate::suite::file::SimulateEntry;
use seqprobe_core::config::nearest;
use seqprobe_core::{Dataset, Seed};
use seqprobe_data::audit::without_leaks;
use seqprobe_data::simulate::{Sizes, simulated_name};
use seqprobe_data::{DataFolders, find_card, load};
use std::path::{Path, PathBuf};

/// Loads the datasets of a suite.
pub(crate) fn load_datasets(suite: &Suite, data_dirs: &[PathBuf]) -> Result<Vec<Dataset>, StudyError> {
    let mut datasets: Vec<Dataset> = Vec::new();
    for name in &suite.datasets {
        let dataset = load_dataset(name, &suite.folder, data_dirs, suite.simulate)?;
        let dataset = match suite.drop_leaks {
            Some(kind) => without_leaks(dataset, kind, seqprobe_core::audit::NEAR_THRESHOLD)
                .map_err(StudyError::Data)?,
            None => dataset,
        };
        if datasets.iter().any(|other| other.id == dataset.id) {
            return Err(StudyError::DatasetTwice(dataset.id));
        }
        check_metric(&dataset)?;
        datasets.push(dataset);
    }
    Ok(datasets)
}

/// Loads a dataset by the id or the path of its card; `sim:NAME` is simulated.
///
/// # Errors
/// [`StudyError::UnknownDataset`] where there is no such card or task, [`StudyError::Data`] where it cannot be read.
pub fn load_dataset(
    name: &str,
    relative_to: &Path,
    data_dirs: &[PathBuf],
    simulate: SimulateEntry,
) -> Result<Dataset, StudyError> {
    if let Some(task) = simulated_name(name) {
        return simulate_dataset(task, simulate);
    }
    let by_path = relative_to.join(name);
    let asked = if name.ends_with(".toml") && by_path.exists() {
        by_path.display().to_string()
    } else {
        name.to_owned()
    };
    let card = find_card(&asked, &card_folders(relative_to)).map_err(StudyError::UnknownDataset)?;
    load(&card, &DataFolders::new(data_dirs.to_vec())).map_err(StudyError::Data)
}

/// Where cards of an id are looked for: next to the suite, in `datasets` next to its folder, in `datasets` here.
pub fn card_folders(relative_to: &Path) -> Vec<PathBuf> {
    vec![relative_to.to_owned(), relative_to.join("..").join("datasets"), PathBuf::from("datasets")]
}

/// Simulates a task; sizes that are not given are the usual ones.
///
/// # Errors
/// [`StudyError::UnknownDataset`] where there is no such task.
pub fn simulate_dataset(name: &str, entry: SimulateEntry) -> Result<Dataset, StudyError> {
    let usual = Sizes::DEFAULT;
    let sizes = Sizes {
        train: entry.train.unwrap_or(usual.train),
        valid: entry.valid.unwrap_or(usual.valid),
        test: entry.test.unwrap_or(usual.test),
        length: entry.length.unwrap_or(usual.length),
    };
    seqprobe_data::simulated(name, Seed(entry.seed.unwrap_or(0)), sizes).map_err(StudyError::UnknownDataset)
}

/// The primary metric must exist.
pub(crate) fn check_metric(dataset: &Dataset) -> Result<(), StudyError> {
    let known: Vec<&str> = seqprobe_stats::METRICS.iter().map(|metric| metric.id).collect();
    if known.contains(&dataset.metric.as_str()) {
        return Ok(());
    }
    let hint = match nearest(&dataset.metric, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "`seqprobe list metrics` lists them".to_owned(),
    };
    Err(StudyError::UnknownMetric { dataset: dataset.id.clone(), metric: dataset.metric.clone(), hint })
}
