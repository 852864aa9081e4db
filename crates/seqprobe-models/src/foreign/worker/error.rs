//! Why a worker process cannot be used.

use super::limits::{MAX_HEADER, MAX_PAYLOAD, PROTOCOL};
use std::process::ExitStatus;
use thiserror::Error;

/// A frame that cannot be written or read.
#[derive(Debug, Error)]
pub(super) enum FrameError {
    #[error("a request cannot be encoded: {0}")]
    Encode(serde_json::Error),
    #[error("a request header of {0} bytes is too long")]
    RequestHeader(usize),
    #[error("a request of {0} bytes is too long")]
    RequestPayload(usize),
    #[error("its output ended within a frame")]
    Truncated,
    #[error("its output cannot be read: {0}")]
    Read(std::io::Error),
    #[error(
        "it sent a header of {0} bytes, expected 1 to {MAX_HEADER}\n  hint: only frames may be written to standard output"
    )]
    HeaderSize(u32),
    #[error("it sent the header {start:?}: {source}")]
    Header { start: String, source: serde_json::Error },
    #[error("it sent a payload of {0} bytes, expected at most {MAX_PAYLOAD}")]
    PayloadSize(u64),
}

/// A description of a worker's model that cannot be used.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum HelloError {
    #[error("it uses protocol {0}, expected {PROTOCOL}")]
    Protocol(u32),
    #[error("its {key} is {size}, expected at least 1")]
    Size { key: &'static str, size: usize },
    #[error("its n_blocks is {0}, expected at most 100000")]
    Blocks(u32),
    #[error("its pad_id is {pad_id}, expected 0 to {largest}")]
    PadId { pad_id: i64, largest: usize },
    #[error("its {key} has {length} bytes, expected 1 to 1024")]
    Text { key: &'static str, length: usize },
}

/// Why a worker gave no usable answer.
#[derive(Debug, Error)]
pub(super) enum WorkerError {
    #[error("the command is empty")]
    NoCommand,
    #[error(
        "it cannot be started: {0}\n  hint: a program with a slash in its path is looked for in the manifest's folder"
    )]
    Start(std::io::Error),
    #[error("it has no standard input or output")]
    NoPipes,
    #[error("it ended{}", with_status(.0))]
    Ended(Option<ExitStatus>),
    #[error("{source}{}", with_status(.status))]
    Frame { source: FrameError, status: Option<ExitStatus> },
    #[error("it sent nothing for {seconds} s")]
    Silent { seconds: u64 },
    #[error("{0}")]
    Reported(String),
    #[error(transparent)]
    Hello(#[from] HelloError),
    #[error("it answered {request} with {reply}")]
    WrongReply { request: String, reply: String },
    #[error("after a restart it is another model: expected {expected}, got {got}")]
    OtherModel { expected: String, got: String },
    #[error("its answer of {0} bytes does not fit one sequence's tokens")]
    TokenBytes(usize),
    #[error("it tokenized a sequence to id {id}, its vocabulary has ids 0 to {largest}")]
    TokenId { id: i64, largest: usize },
    #[error("it returned no token for a sequence of {0} bases")]
    NoToken(usize),
    #[error("it sent states of shape {got:?} in {n_bytes} bytes, expected {expected:?} in {n_expected}")]
    StateShape { got: Vec<usize>, n_bytes: usize, expected: [usize; 4], n_expected: usize },
    #[error("a state of layer {layer} is not a finite number")]
    NotFinite { layer: String },
    #[error(
        "the states of one sequence of {tokens} tokens take {n_bytes} bytes, a frame has at most {MAX_PAYLOAD}\n  hint: ask for fewer layers or use shorter windows"
    )]
    TooManyStates { tokens: usize, n_bytes: usize },
    #[error(
        "{last}; it failed {times} times on the same request\n  hint: finished parts are kept: repair the worker and run again, and the run continues from there"
    )]
    GivenUp { last: Box<WorkerError>, times: u32 },
}

impl From<FrameError> for WorkerError {
    fn from(source: FrameError) -> Self {
        Self::Frame { source, status: None }
    }
}

fn with_status(status: &Option<ExitStatus>) -> String {
    status.map_or(String::new(), |status| format!(" ({status})"))
}
