//! What a pretraining run is given, what it reports while it runs, and what it returns.

use crate::corpus::{CorpusReport, Places};
use crate::evaluate::Loss;
use serde::{Deserialize, Serialize};
use std::path::Path;
use tch::Device;

/// How to run.
pub struct Options<'a> {
    /// Folder for the model; created if it does not exist.
    pub out: &'a Path,
    /// Where data files and dataset cards are searched.
    pub places: Places,
    /// Device to compute on.
    pub device: Device,
    /// The command, for the model card.
    pub command: String,
    /// Threads of libtorch, for the model card; the caller sets them.
    pub threads: usize,
}

/// A row of the loss table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossRow {
    /// Steps done.
    pub step: u64,
    /// Tokens read.
    pub tokens: u64,
    /// Mean training loss since the previous row, weighted as in training, in bits per target.
    pub train_bits: Option<f64>,
    /// Validation loss, in bits per base.
    pub valid: Loss,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Tokens per second since this process started.
    pub tokens_per_second: Option<f64>,
}

/// What happens while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// A step that takes a while has started.
    Doing(&'a str),
    /// The corpus was read.
    Corpus(&'a CorpusReport),
    /// The run resumes from a checkpoint, after this many steps.
    Resumed(u64),
    /// A row of the loss table.
    Row {
        /// The row.
        row: &'a LossRow,
        /// Steps of the whole run.
        steps: u64,
        /// Seconds left at the current speed.
        seconds_left: Option<f64>,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// Steps done.
        step: u64,
        /// Seconds it took.
        seconds: f64,
    },
}

/// The result of a pretraining run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PretrainOutcome {
    /// Family of the model.
    pub family: String,
    /// Number of parameters, including the head.
    pub n_parameters: u64,
    /// Loss on all validation windows: every target masked, unweighted, without N.
    pub valid: Loss,
    /// Losses of models that count bases, on the same bases: name and loss.
    pub counts: Vec<(String, Loss)>,
    /// Loss on the same bases with the initial parameters.
    pub untrained: Loss,
    /// The loss table.
    pub rows: Vec<LossRow>,
    /// Seconds of training, summed over all processes.
    pub seconds: f64,
    /// Number of processes: one more than the number of resumptions.
    pub n_processes: u32,
    /// Tokens read during training.
    pub tokens: u64,
}
