//! Why a study cannot be run. Each error knows its kind, from which a program makes an exit code.

use crate::models::device::DeviceError;
use crate::store::error::StoreError;
use crate::suite::error::{SuiteError, SuiteProblem};
use seqprobe_core::{FeatureError, LayerIndex, ProbeError};
use seqprobe_data::DataError;
use seqprobe_embed::EmbedError;
use seqprobe_files::FileError;
use seqprobe_models::ModelError;
use seqprobe_models::hub::HubError;
use seqprobe_report::ReportError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A suite, card or option.
    Usage,
    /// Data that cannot be read or do not fit their card.
    Data,
    /// A model that cannot be loaded or run.
    Model,
    /// A plan without cells.
    EmptyPlan,
    /// The system: files, memory.
    Unexpected,
}

/// Why a study cannot be run.
#[derive(Debug, Error)]
pub enum StudyError {
    /// The suite.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// A word of the command line that suites have too.
    #[error("{0}")]
    Option(SuiteProblem),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The number of threads.
    #[error("--threads {0} must be a number from 1 to 1024")]
    Threads(usize),
    /// The thread pool exists already.
    #[error("the threads cannot be started: {0}")]
    ThreadPool(String),
    /// No place for the cache.
    #[error(
        "no cache folder: HOME is not set\n  hint: give --cache-dir, or --no-cache where the command has it"
    )]
    NoCacheFolder,
    /// A card for data that came from a pipe.
    #[error(
        "--save: the data came from a pipe, which a saved suite could not read again\n  hint: write it to a file first"
    )]
    SavedPipe,
    /// A dataset that does not exist.
    #[error(transparent)]
    UnknownDataset(DataError),
    /// A dataset that cannot be read.
    #[error(transparent)]
    Data(DataError),
    /// A data file that cannot be downloaded.
    #[error("file {path:?}: {message}")]
    FetchData {
        /// Its path in the card.
        path: String,
        /// What is wrong, with a hint.
        message: String,
    },
    /// The same dataset twice.
    #[error("dataset {0:?} is named twice in the suite")]
    DatasetTwice(String),
    /// A metric that does not exist.
    #[error("dataset {dataset:?}: unknown metric {metric:?}\n  hint: {hint}")]
    UnknownMetric {
        /// Dataset.
        dataset: String,
        /// The metric of its card.
        metric: String,
        /// The nearest metric, or where they are listed.
        hint: String,
    },
    /// A metric of the command line that does not exist.
    #[error("unknown metric {metric:?}\n  hint: {hint}")]
    UnknownMetricName {
        /// The metric.
        metric: String,
        /// The nearest metric, or where they are listed.
        hint: String,
    },
    /// A metric of classes for numbers, or the other way round.
    #[error(
        "dataset {dataset:?}: metric {metric:?} does not fit a {task} task\n  hint: these fit: {}; or change the task, \
        with --task or the key task of the card",
        fitting.join(", "), task = task.as_str()
    )]
    UnfitMetric {
        /// Dataset.
        dataset: String,
        /// The metric.
        metric: String,
        /// The task.
        task: seqprobe_core::TaskKind,
        /// Metrics that fit.
        fitting: Vec<&'static str>,
    },
    /// A file of embeddings.
    #[error("embeddings {name:?}: {source}")]
    Embeddings {
        /// Their name in the suite.
        name: String,
        /// What is wrong.
        source: EmbedError,
    },
    /// Embeddings that do not fit a dataset.
    #[error("dataset {dataset:?}, embeddings {name:?}: {source}")]
    EmbeddingsOfDataset {
        /// Dataset.
        dataset: String,
        /// Their name in the suite.
        name: String,
        /// What is wrong.
        source: EmbedError,
    },
    /// A model.
    #[error("model {model:?}: {problem}")]
    Model {
        /// As it was named.
        model: String,
        /// What is wrong.
        problem: Box<ModelProblem>,
    },
    /// Every combination of the suite is not applicable.
    #[error("no cell of the plan can exist: nothing to run")]
    EmptyPlan,
    /// The embedding cache.
    #[error(transparent)]
    Cache(EmbedError),
    /// An extraction.
    #[error(transparent)]
    Extraction(EmbedError),
    /// The store of cells.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file or folder that cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The run folder.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A value that cannot be written as JSON.
    #[error("cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A value that cannot be written as TOML.
    #[error("cannot be written as TOML: {0}")]
    Toml(#[from] toml::ser::Error),
    /// An error about one sequence of a file, with its id.
    #[error("sequence {id:?}: {source}")]
    OfSequence {
        /// Its id.
        id: String,
        /// The error; it counts rows from 0.
        source: Box<StudyError>,
    },
    /// Features that cannot be read.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A probe that cannot be applied.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// A stored probe of a run folder.
    #[error("{}: {reason}", path.display())]
    StoredProbe {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A fitted cell that the suite does not have.
    #[error("{0}: the cell does not belong to its suite")]
    ForeignCell(String),
    /// The folder for the results has those of something else.
    #[error(
        "{} contains {what}\n  hint: --out names another folder, --force replaces what is in this one", path.display()
    )]
    TakenFolder {
        /// The folder.
        path: PathBuf,
        /// What it has.
        what: String,
    },
    /// No stored probes where they should be.
    #[error("{}: {source}\n  hint: give the folder of a finished run with fitted probes", path.display())]
    NoProbes {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Cells that were fitted on imported embeddings.
    #[error(
        "the cell reads imported embeddings ({}), and new sequences have none\n  hint: put the new sequences into a dataset with embeddings and run the suite on it",
        file.display()
    )]
    ImportedOnly {
        /// The file of embeddings.
        file: PathBuf,
    },
    /// A name of a cell that no stored probe has.
    #[error("no cell {cell:?} in this run\n  hint: {hint}")]
    UnknownCell {
        /// The name.
        cell: String,
        /// The nearest name, or where they are listed.
        hint: String,
    },
    /// Digits that several keys start with.
    #[error("{cell:?} fits {n} cells\n  hint: give more digits")]
    SeveralCells {
        /// The digits.
        cell: String,
        /// Cells that they fit.
        n: usize,
    },
}

/// What is wrong with a model.
#[derive(Debug, Error)]
pub enum ModelProblem {
    /// A name that is no model.
    #[error("{0}")]
    Reference(String),
    /// It cannot be loaded.
    #[error(transparent)]
    Load(#[from] ModelError),
    /// It cannot be loaded since the cache has only a part of it.
    #[error("{error}\n  hint: `seqprobe fetch hf:{repository}` completes what the cache has of it")]
    Incomplete {
        /// What is missing.
        error: ModelError,
        /// The repository on the hub.
        repository: String,
    },
    /// The hub.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// It is on the hub and not in the cache, and downloads are not allowed.
    #[error(
        "{reference} is not in the cache {}\n  hint: --allow-download fetches its {needed} from {address}; so does `seqprobe fetch {reference}`",
        cache.display()
    )]
    NotInCache {
        /// The model on the hub.
        reference: String,
        /// The hub's cache folder.
        cache: PathBuf,
        /// What would be downloaded.
        needed: String,
        /// Where it would be downloaded from.
        address: String,
    },
    /// A folder does not need to be fetched.
    #[error("{} is on this machine already", .0.display())]
    IsLocal(PathBuf),
    /// A model of the program does not need to be fetched.
    #[error("is part of the program, so it needs no download")]
    IsBundled,
    /// A layer that it does not have.
    #[error("layer {layer} does not exist\n  hint: it has layers 0 to {n_blocks} and final")]
    Layer {
        /// The layer asked for.
        layer: LayerIndex,
        /// Blocks of the model.
        n_blocks: u32,
    },
    /// No weights were asked for.
    #[error("it has no initialisation")]
    NoDraws,
    /// Other weights than those of the run.
    #[error(
        "the weights are not those of the run\n  expected {expected}\n  got      {found}\n  hint: put the model of the run back into {}",
        folder.display()
    )]
    OtherWeights {
        /// Digests that the run recorded.
        expected: String,
        /// Digests found.
        found: String,
        /// Where the model should be.
        folder: PathBuf,
    },
    /// A sequence that it cannot score.
    #[error("sequence {id:?}: {error}")]
    Sequence {
        /// The example's id.
        id: String,
        /// What is wrong.
        error: ModelError,
    },
}

impl StudyError {
    /// What the error is about.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::OfSequence { source, .. } => source.kind(),
            Self::Suite(SuiteError::Empty { .. }) | Self::EmptyPlan => ErrorKind::EmptyPlan,
            Self::Suite(_)
            | Self::Option(_)
            | Self::Device(_)
            | Self::Threads(_)
            | Self::NoCacheFolder
            | Self::SavedPipe
            | Self::UnknownDataset(_)
            | Self::DatasetTwice(_)
            | Self::UnknownMetric { .. }
            | Self::UnknownMetricName { .. }
            | Self::UnfitMetric { .. }
            | Self::NoProbes { .. }
            | Self::TakenFolder { .. }
            | Self::UnknownCell { .. }
            | Self::SeveralCells { .. } => ErrorKind::Usage,
            Self::Model { problem, .. }
                if matches!(**problem, ModelProblem::IsLocal(_) | ModelProblem::IsBundled) =>
            {
                ErrorKind::Usage
            }
            Self::Data(_)
            | Self::FetchData { .. }
            | Self::Embeddings { .. }
            | Self::EmbeddingsOfDataset { .. }
            | Self::Probe(_)
            | Self::StoredProbe { .. }
            | Self::ImportedOnly { .. } => ErrorKind::Data,
            Self::Model { .. } | Self::Extraction(_) => ErrorKind::Model,
            Self::ThreadPool(_)
            | Self::ForeignCell(_)
            | Self::Cache(_)
            | Self::Store(_)
            | Self::File(_)
            | Self::Io { .. }
            | Self::Report(_)
            | Self::Json(_)
            | Self::Toml(_)
            | Self::Features(_) => ErrorKind::Unexpected,
        }
    }

    /// The error with the id of the sequence that it is about. `ids`: those of rows from `first_row` on.
    #[must_use]
    pub fn naming(self, ids: &[String], first_row: usize) -> Self {
        match self.row().and_then(|row| ids.get(row.checked_sub(first_row)?)) {
            Some(id) => Self::OfSequence { id: id.clone(), source: Box::new(self) },
            None => self,
        }
    }

    /// True if a sequence is too long for the model or the probe.
    pub fn is_too_long(&self) -> bool {
        let is_not_read =
            matches!(self, Self::Extraction(EmbedError::Sequence { .. } | EmbedError::NoKmer { .. }));
        self.row().is_some() && !is_not_read
    }

    /// The row of the sequence that the error is about, where it is about one.
    pub fn row(&self) -> Option<usize> {
        match self {
            Self::Extraction(
                EmbedError::TooLong { row, .. }
                | EmbedError::Sequence { row, .. }
                | EmbedError::NoKmer { row, .. }
                | EmbedError::Features(FeatureError::TooLong { row, .. }),
            )
            | Self::Features(FeatureError::TooLong { row, .. })
            | Self::Probe(ProbeError::Features(FeatureError::TooLong { row, .. })) => Some(*row),
            _ => None,
        }
    }

    /// An error about a model, which it names first.
    pub fn model(model: &str, problem: impl Into<ModelProblem>) -> Self {
        Self::Model { model: model.to_owned(), problem: Box::new(problem.into()) }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
