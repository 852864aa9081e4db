//! Exit codes, and errors that know theirs. The codes are a contract: scripts and CI distinguish causes by them.

use seqprobe_study::{ErrorKind, StudyError};
use std::fmt;

/// Exit codes of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ExitCode {
    /// Everything asked for was done; all of it from the cache is fine too.
    Ok = 0,
    /// Something that should not happen.
    Unexpected = 1,
    /// A wrong argument, suite or card.
    Usage = 2,
    /// Data that cannot be read or do not fit their card.
    Data = 3,
    /// A model that cannot be loaded or run.
    Model = 4,
    /// A plan without cells.
    EmptyPlan = 5,
    /// A score regressed.
    Regressed = 10,
    /// Cells failed.
    CellsFailed = 11,
}

/// An error with the exit code it leads to.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: ExitCode,
    pub(crate) error: anyhow::Error,
}

impl Failure {
    pub(crate) fn new(code: ExitCode, message: impl fmt::Display) -> Self {
        Self { code, error: anyhow::anyhow!("{message}") }
    }

    /// The error and its causes, each said once.
    pub(crate) fn text(&self) -> String {
        let mut text = self.error.to_string();
        for cause in self.error.chain().skip(1).map(ToString::to_string) {
            if !text.contains(&cause) {
                text.push_str(": ");
                text.push_str(&cause);
            }
        }
        text
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(ExitCode::Usage, message)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self { code: ExitCode::Unexpected, error: error.into() }
    }
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        let code = match error.kind() {
            ErrorKind::Usage => ExitCode::Usage,
            ErrorKind::Data => ExitCode::Data,
            ErrorKind::Model => ExitCode::Model,
            ErrorKind::EmptyPlan => ExitCode::EmptyPlan,
            ErrorKind::Unexpected => ExitCode::Unexpected,
        };
        Self { code, error: error.into() }
    }
}

impl From<seqprobe_study::DeviceError> for Failure {
    fn from(error: seqprobe_study::DeviceError) -> Self {
        StudyError::from(error).into()
    }
}

/// Says which exit code an error leads to.
pub(crate) trait OrExit<T> {
    /// Attaches the code.
    fn or_exit(self, code: ExitCode) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, code: ExitCode) -> Result<T, Failure> {
        self.map_err(|error| Failure { code, error: error.into() })
    }
}
