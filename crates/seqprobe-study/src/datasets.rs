//! The datasets of a study: by id or path of a card, or simulated.

use crate::error::StudyError;
use crate::events::{StudyEvent, StudyEvents};
use crate::home::from_home;
use crate::suite::Suite;
use crate::suite::file::SimulateEntry;
use seqprobe_core::config::nearest;
use seqprobe_core::{Dataset, Seed, TaskKind};
use seqprobe_data::audit::without_leaks;
use seqprobe_data::simulate::{Sizes, simulated_name};
use seqprobe_data::{DataFolders, LetterCounts, MetricOf, find_card, load};
use seqprobe_stats::{METRICS, Metric, MetricTask, metric};
use std::path::{Path, PathBuf};

/// Loads the datasets of a suite.
pub(crate) fn load_datasets(
    suite: &Suite,
    data_dirs: &[PathBuf],
    events: &mut dyn StudyEvents,
) -> Result<Vec<Dataset>, StudyError> {
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
        let is_simulated = simulated_name(name).is_some();
        for remark in remarks_of_dataset(&dataset).iter().filter(|_| !is_simulated) {
            events.event(StudyEvent::Remark { dataset: &dataset.id, remark });
        }
        datasets.push(dataset);
    }
    Ok(datasets)
}

/// Loads a dataset by the id or the path of its card; `sim:NAME` is simulated.
///
/// # Errors
/// [`StudyError::UnknownDataset`] where there is no such card or task, [`StudyError::Data`] where it cannot be read,
/// [`StudyError::UnknownMetric`] and [`StudyError::UnfitMetric`] for its metric.
pub fn load_dataset(
    name: &str,
    relative_to: &Path,
    data_dirs: &[PathBuf],
    simulate: SimulateEntry,
) -> Result<Dataset, StudyError> {
    if let Some(task) = simulated_name(name) {
        return simulate_dataset(task, simulate);
    }
    let dataset = load_card(name, relative_to, data_dirs)?;
    check_metric(&dataset)?;
    Ok(dataset)
}

fn load_card(name: &str, relative_to: &Path, data_dirs: &[PathBuf]) -> Result<Dataset, StudyError> {
    let name = &*from_home(name);
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

/// The metric must exist and fit the task.
pub(crate) fn check_metric(dataset: &Dataset) -> Result<(), StudyError> {
    let metric = known_metric(&dataset.metric).map_err(|hint| StudyError::UnknownMetric {
        dataset: dataset.id.clone(),
        metric: dataset.metric.clone(),
        hint,
    })?;
    let is_regression = dataset.task.kind == TaskKind::Regression;
    if (metric.task == MetricTask::Regression) == is_regression {
        return Ok(());
    }
    let fitting = METRICS.iter().filter(|other| other.task != metric.task).map(|other| other.id).collect();
    Err(StudyError::UnfitMetric {
        dataset: dataset.id.clone(),
        metric: dataset.metric.clone(),
        task: dataset.task.kind,
        fitting,
    })
}

/// The metric of the command line must exist.
pub(crate) fn check_metric_name(name: &str) -> Result<(), StudyError> {
    known_metric(name)
        .map(|_| ())
        .map_err(|hint| StudyError::UnknownMetricName { metric: name.to_owned(), hint })
}

/// The metric with this identifier, or the hint to it.
fn known_metric(name: &str) -> Result<&'static Metric, String> {
    let known = || METRICS.iter().map(|metric| metric.id);
    if let Some(metric) = METRICS.iter().find(|metric| metric.id == name) {
        return Ok(metric);
    }
    let near = metric(&name.to_lowercase().replace([' ', '_'], "-")).map(|metric| metric.id);
    Err(match near.or_else(|| nearest(name, known())) {
        Some(near) => format!("did you mean {near:?}?"),
        None => "`seqprobe list metrics` lists them".to_owned(),
    })
}

/// What a metric is of, to decide between classes and numbers.
pub(crate) fn metric_of(name: Option<&str>) -> Option<MetricOf> {
    let metric = METRICS.iter().find(|metric| Some(metric.id) == name)?;
    Some(if metric.task == MetricTask::Regression { MetricOf::Numbers } else { MetricOf::Classes })
}

/// What was left out of a dataset, and which letters became N, one sentence each.
pub fn remarks_of_dataset(dataset: &Dataset) -> Vec<String> {
    let mut remarks = dataset.notes.clone();
    remarks.extend(LetterCounts::of(&dataset.sequences, dataset.letters).remarks());
    remarks
}
