//! A progress bar on standard error, with the time left; silent when that is not a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

/// Progress over the cells of a run.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar over some cells.
    pub(crate) fn new(cells: usize) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(4)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(cells as u64), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} cells, {eta} left  {wide_msg}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Says what is being done.
    pub(crate) fn note(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// A cell is done.
    pub(crate) fn step(&self, what: &str) {
        self.0.set_message(what.to_owned());
        self.0.inc(1);
    }

    /// Everything is done.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
