//! Standard output has results only, standard error everything else. A closed pipe is not an error of this program.

use crate::exit::Failure;
use std::io::Write;

/// Prints text and a line end to standard output.
pub(crate) fn print_line(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Prints a line to standard error.
pub(crate) fn print_error_line(text: &str) {
    // Nothing can be done if standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
