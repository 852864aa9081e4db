//! The door of this crate: a study that was read and checked, and what can be done with it.

use crate::datasets::{check_metric, check_metric_name, metric_of, remarks_of_dataset};
use crate::error::StudyError;
use crate::events::StudyEvents;
use crate::forecast::{StudyForecast, forecast};
use crate::options::StudyOptions;
use crate::plan::Work;
use crate::run::road::{plan_study, run_study};
use crate::store::run_folder::write_run_folder;
use crate::suite::Suite;
use crate::suite::one_file::{OneFile, suite_file, write_card_and_suite};
use seqprobe_core::{Dataset, Seed};
use seqprobe_data::{Card, FileTask, card_for_file, card_for_folder, load};
use seqprobe_report::RunRecord;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A suite that was read and checked.
pub struct Study {
    suite: Suite,
    /// The datasets, where they do not come from the suite's cards.
    datasets: Option<Vec<Arc<Dataset>>>,
}

/// The study of one file of labelled sequences, and the card and suite that do the same.
pub struct OneFileStudy {
    /// The study.
    pub study: Study,
    /// What was guessed about the file.
    pub guesses: Vec<String>,
    /// What was left out of the dataset, and which letters became N, one sentence each.
    pub remarks: Vec<String>,
    card: Card,
    file: crate::suite::file::SuiteFile,
    /// The file is a pipe: a saved card could not name it.
    is_spooled: bool,
}

impl Study {
    /// Reads and checks a suite file. Data and models are not looked at yet.
    ///
    /// # Errors
    /// [`StudyError::Suite`] naming the file, the key and what is allowed.
    pub fn open(suite: &Path) -> Result<Self, StudyError> {
        Ok(Self { suite: Suite::read(suite)?, datasets: None })
    }

    /// The suite's name.
    pub fn name(&self) -> &str {
        &self.suite.name
    }

    /// Runs the study and returns its record; writes the run folder if `options.out` names one.
    ///
    /// A cell that cannot be fitted is a row of the record with its reason, not an error.
    ///
    /// # Errors
    /// [`StudyError`] where a dataset or model cannot be loaded, or a file cannot be written.
    ///
    /// # Examples
    /// ```
    /// use seqprobe_study::{CacheChoice, Study, StudyOptions};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let folder = tempfile::tempdir()?;
    /// let suite = folder.path().join("suite.toml");
    /// std::fs::write(
    ///     &suite,
    ///     r#"
    ///     schema = 1
    ///     name = "example"
    ///     datasets = ["sim:gc"]
    ///     controls = false
    ///     replicates = 100
    ///     simulate = { train = 60, valid = 20, test = 40, length = 30 }
    ///     [[representation]]
    ///     id = "kmer-2"
    ///     [[probe]]
    ///     id = "linear"
    ///     "#,
    /// )?;
    /// let options = StudyOptions { cache: CacheChoice::None, ..StudyOptions::default() };
    /// let record = Study::open(&suite)?.run(&options, &mut |_: seqprobe_study::StudyEvent<'_>| {})?;
    /// assert_eq!(record.cells[0].id.to_string(), "sim:gc/kmer-2/-/-/mean/linear/1");
    /// # Ok(())
    /// # }
    /// ```
    pub fn run(&self, options: &StudyOptions, events: &mut dyn StudyEvents) -> Result<RunRecord, StudyError> {
        let finished = run_study(&self.suite, self.datasets.clone(), options, events)?;
        if let Some(out) = &options.out {
            write_run_folder(&self.suite, &finished, out)?;
        }
        Ok(finished.record)
    }

    /// The plan as JSON: every cell with its id and role, and why it cannot exist where it cannot.
    ///
    /// # Errors
    /// As [`Study::run`], up to the first fit.
    pub fn plan(
        &self,
        options: &StudyOptions,
        events: &mut dyn StudyEvents,
    ) -> Result<serde_json::Value, StudyError> {
        let planned = plan_study(&self.suite, self.datasets.clone(), options, events)?;
        let mut cells = Vec::new();
        for (dataset, plan) in planned.datasets.iter().zip(&planned.plans) {
            for cell in plan {
                let (state, reason) = match &cell.work {
                    Work::NotApplicable(reason) => ("not-applicable", Some(&reason.0)),
                    _ => ("planned", None),
                };
                cells.push(serde_json::json!({
                    "id": cell.id, "role": cell.role, "state": state, "reason": reason,
                    "train": dataset.splits.train.len(), "valid": dataset.splits.valid.len(),
                    "test": dataset.splits.test.len(), "bases": dataset.letters.total,
                }));
            }
        }
        let Suite { name, seeds, .. } = &self.suite;
        Ok(serde_json::json!({ "schema_version": 1, "suite": name, "seeds": seeds, "cells": cells }))
    }

    /// Forecasts what would be extracted, from a measured sample.
    ///
    /// # Errors
    /// As [`Study::run`], up to the first fit.
    pub fn forecast(
        &self,
        options: &StudyOptions,
        events: &mut dyn StudyEvents,
    ) -> Result<StudyForecast, StudyError> {
        forecast(&self.suite, self.datasets.clone(), options, events)
    }
}

impl OneFileStudy {
    /// Makes the card and the suite of a file, and loads it.
    ///
    /// # Errors
    /// [`StudyError::Data`] where the file cannot be read, [`StudyError::Suite`] for words that do not exist.
    pub fn new(request: &OneFile) -> Result<Self, StudyError> {
        if let Some(metric) = &request.metric {
            check_metric_name(metric)?;
        }
        let task = FileTask {
            path: request.file.clone(),
            layout: request.layout.clone(),
            targets: request.targets.clone(),
            task: request.task,
            positive: request.positive.clone(),
            metric: metric_of(request.metric.as_deref()),
            split: request.split.clone(),
            group: request.group.clone(),
            chromosome: request.chromosome,
            seed: Seed(0),
        };
        let made = if request.file.is_dir() { card_for_folder(&task) } else { card_for_file(&task) };
        let made = made.map_err(StudyError::Data)?;
        let folders = made.folders();
        let is_spooled = made.is_spooled();
        let mut card = made.card;
        if let Some(metric) = &request.metric {
            card.metric.clone_from(metric);
        }
        let dataset = load(&card, &folders).map_err(StudyError::Data)?;
        check_metric(&dataset)?;
        let file = suite_file(request, &card.id);
        let toml = toml::to_string_pretty(&file)?;
        let suite = Suite::check(&file, PathBuf::new(), "command line", toml)?;
        let remarks = remarks_of_dataset(&dataset);
        let study = Study { suite, datasets: Some(vec![Arc::new(dataset)]) };
        Ok(Self { study, guesses: made.guesses, remarks, card, file, is_spooled })
    }

    /// Writes the card and a suite that names it; returns their paths. Paths of models and embeddings become absolute.
    ///
    /// # Errors
    /// [`StudyError::File`] where they cannot be written; [`StudyError::SavedPipe`] where the data came from a pipe.
    pub fn save(&self, folder: &Path) -> Result<[PathBuf; 2], StudyError> {
        if self.is_spooled {
            return Err(StudyError::SavedPipe);
        }
        write_card_and_suite(folder, &self.card, self.file.clone())
    }
}
