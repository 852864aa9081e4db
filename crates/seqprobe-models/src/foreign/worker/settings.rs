//! How a worker is run, as its manifest says.

use std::path::PathBuf;
use std::time::Duration;

/// How to run a worker.
pub(crate) struct WorkerSettings {
    /// The manifest, which errors name.
    pub(crate) manifest: PathBuf,
    /// The folder in which the command runs.
    pub(crate) folder: PathBuf,
    /// Program and arguments.
    pub(crate) command: Vec<String>,
    /// The longest time without a message.
    pub(crate) timeout: Duration,
    /// The number of times that a request is tried again.
    pub(crate) restarts: u32,
}
