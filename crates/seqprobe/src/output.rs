//! Standard output: results only. A closed pipe is no error of ours.

use crate::exit::Failure;
use std::io::Write;

/// Writes text and a line end to standard output.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Writes a line to standard error.
pub(crate) fn tell(text: &str) {
    // Nothing can be done when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
