//! Simulated tasks whose best possible predictions are known: each dataset carries them as its `oracle`.

use crate::error::DataError;
use seqprobe_core::{Dataset, Seed, TaskKind};
use std::path::Path;

/// Rows per split and sequence length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Training rows.
    pub train: usize,
    /// Validation rows.
    pub valid: usize,
    /// Test rows.
    pub test: usize,
    /// Letters per sequence.
    pub length: usize,
}

impl Sizes {
    /// What a suite gets when it names only the task: 1500, 500 and 1000 rows of 100 letters.
    pub const USUAL: Self = Self { train: 1500, valid: 500, test: 1000, length: 100 };
}

/// One simulated task.
pub struct SimulatedTask {
    /// The name after `sim:`.
    pub name: &'static str,
    /// One line saying what it is.
    pub title: &'static str,
    /// What decides the target, and what the oracle is.
    pub description: &'static str,
    /// The kind of task.
    pub kind: TaskKind,
    /// Primary metric.
    pub metric: &'static str,
    /// Shortest sequence the task fits in.
    pub shortest: usize,
}

/// All simulated tasks.
pub static SIMULATED: &[SimulatedTask] = &[];

/// The name in a dataset id `sim:<name>`, `None` for other ids.
pub fn simulated_name(dataset_id: &str) -> Option<&str> {
    dataset_id.strip_prefix("sim:")
}

/// Generates a simulated dataset; the same arguments give the same bytes everywhere. Its id is `sim:<name>`.
///
/// # Errors
/// [`DataError::Simulation`] for an unknown name, with the nearest one as a hint, or sizes that are too small.
pub fn simulated(name: &str, seed: Seed, sizes: Sizes) -> Result<Dataset, DataError> {
    let _ = (seed, sizes);
    Err(DataError::Simulation(format!("simulated task {name:?} does not exist")))
}

/// Writes `train.csv`, `valid.csv`, `test.csv` (`example_id,sequence,<target>,oracle`) and the card
/// `sim-<name>.toml` into a folder, which is made when absent.
///
/// # Errors
/// [`DataError::Io`] when a file cannot be written.
pub fn write_csv(dataset: &Dataset, folder: &Path) -> Result<(), DataError> {
    let _ = dataset;
    Err(DataError::file(folder, "not written yet"))
}
