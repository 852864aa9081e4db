//! References of a suite: files of ready predictions, such as the scores of published models. They need no probe.

use crate::error::StudyError;
use crate::home::from_home;
use crate::suite::error::SuiteProblem;
use crate::suite::file::RepresentationEntry;
use crate::suite::imported::check_name;
use seqprobe_core::{Dataset, Split};
use seqprobe_data::{PredictionJoin, PredictionRequest, ReadyPredictions, find_file};
use std::path::{Path, PathBuf};

/// A file of predictions in a suite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reference {
    /// Name in results: the key `name`, or the file's name without its ending.
    pub(crate) name: String,
    /// The file as the suite has it.
    path: String,
    columns: Vec<String>,
    join: PredictionJoin,
    /// The dataset that it is for; `None` for all of the suite.
    dataset: Option<String>,
    /// Where the predictions come from, in the user's words.
    pub(crate) source: Option<String>,
}

/// A reference whose file was read.
pub(crate) struct PreparedReference {
    pub(crate) asked: Reference,
    pub(crate) predictions: ReadyPredictions,
}

/// Checks the keys of an entry with `predictions`.
pub(crate) fn check_reference(entry: &RepresentationEntry, path: &str) -> Result<Reference, SuiteProblem> {
    let foreign = [("pooling", entry.pooling.is_some()), ("values", entry.values.is_some())];
    let given =
        entry.model_keys().into_iter().chain(foreign).find_map(|(key, is_given)| is_given.then_some(key));
    if let Some(key) = given {
        return Err(SuiteProblem::Foreign {
            key,
            of: "ready predictions, which are not read by a probe".to_owned(),
            hint: "the columns of predictions are named with the key columns",
        });
    }
    let join = match (&entry.ids, &entry.sequences) {
        (Some(_), Some(_)) => return Err(SuiteProblem::TwoJoins),
        (Some(column), None) => PredictionJoin::Ids(column.clone()),
        (None, Some(column)) => PredictionJoin::Sequences(column.clone()),
        (None, None) => PredictionJoin::Found,
    };
    Ok(Reference {
        name: check_name(entry.name.as_deref(), path)?,
        path: path.to_owned(),
        columns: entry.columns.clone().unwrap_or_default(),
        join,
        dataset: entry.dataset.clone(),
        source: entry.source.clone(),
    })
}

impl Reference {
    /// Reads the file: relative to the suite's folder, or else in the data folders.
    pub(crate) fn read(&self, suite: &Path, data_dirs: &[PathBuf]) -> Result<PreparedReference, StudyError> {
        let own = suite.join(&*from_home(&self.path));
        let path = match find_file(data_dirs, &self.path) {
            Ok(found) if !own.exists() => found,
            _ => own,
        };
        let request = PredictionRequest { path, columns: self.columns.clone(), join: self.join.clone() };
        let predictions = ReadyPredictions::read(&request).map_err(StudyError::Data)?;
        Ok(PreparedReference { asked: self.clone(), predictions })
    }
}

impl PreparedReference {
    /// An error where examples of a dataset that it is for have no prediction.
    pub(crate) fn check(&self, dataset: &Dataset) -> Result<(), StudyError> {
        if self.is_for(dataset) {
            for split in [Split::Valid, Split::Test] {
                self.predictions.of(dataset, dataset.splits.rows(split)).map_err(StudyError::Data)?;
            }
        }
        Ok(())
    }

    /// True unless it is for another dataset.
    pub(crate) fn is_for(&self, dataset: &Dataset) -> bool {
        self.asked.dataset.as_ref().is_none_or(|wanted| *wanted == dataset.id)
    }

    /// What the run record says of where the values come from.
    pub(crate) fn digests(&self) -> String {
        let source = self.asked.source.as_deref().unwrap_or("not stated");
        let columns = self.predictions.columns().join(", ");
        let by = self.predictions.joined_by();
        format!("{}, predictions of {columns} joined by {by}, source: {source}", self.predictions.sha256())
    }
}
