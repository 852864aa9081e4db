//! Progress bars on standard error, with the time left. Where that is not a terminal there is no bar, and one
//! line per file that is downloaded.

use crate::output::tell;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use seqprobe_models::hub;
use std::io::IsTerminal;

/// Progress over the cells of a run, or the sequences of a file.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar over so many of what `unit` names.
    pub(crate) fn new(total: usize, unit: &str) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(4)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let template = format!("{{bar:30}} {{pos}}/{{len}} {unit}, {{eta}} left  {{wide_msg}}");
        if let Ok(style) = ProgressStyle::with_template(&template) {
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

    /// So many are done.
    pub(crate) fn reach(&self, done: usize) {
        self.0.set_position(done as u64);
    }

    /// Whether nobody sees it.
    pub(crate) fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// Everything is done.
    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// Progress over downloads, one bar per file.
#[derive(Default)]
pub(crate) struct Downloads {
    file: String,
    bar: Option<ProgressBar>,
}

impl Downloads {
    /// Takes the hub's word.
    pub(crate) fn hear(&mut self, progress: hub::Progress<'_>) {
        match progress {
            hub::Progress::Waiting { file } => {
                tell(&format!("waiting for another process that downloads {file}"));
            }
            hub::Progress::Bytes { file, bytes, total } => {
                if self.file != file {
                    self.finish();
                    file.clone_into(&mut self.file);
                    self.start(bytes, total);
                }
                if let Some(bar) = &self.bar {
                    bar.set_position(bytes);
                }
            }
        }
    }

    /// Removes the last bar.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn start(&mut self, bytes: u64, total: Option<u64>) {
        let file = &self.file;
        if !std::io::stderr().is_terminal() {
            let size = total.map_or_else(String::new, |total| format!(" ({})", HumanBytes(total)));
            let resumed = if bytes > 0 { format!(", {} are here", HumanBytes(bytes)) } else { String::new() };
            tell(&format!("downloading {file}{size}{resumed}"));
            return;
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(4));
        let template = "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(file.clone());
        bar.set_position(bytes);
        bar.reset_eta();
        self.bar = Some(bar);
    }
}
