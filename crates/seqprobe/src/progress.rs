//! Progress on standard error, with the time left. Where that is not a terminal there is no bar, but a line per file that is
//! downloaded and per large part of a file that is embedded.

use crate::output::print_error_line;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use seqprobe_models::hub;
use seqprobe_report::quantities;
use seqprobe_study::{StudyEvent, StudyEvents};
use std::io::IsTerminal;

/// Sequences between two lines of progress without a terminal.
const ROWS_PER_LINE: usize = 1 << 15;

/// Shows the events of a study.
#[derive(Default)]
pub(crate) struct ShownEvents {
    /// Over the cells of a run, or over the sequences of a file.
    bar: Option<ProgressBar>,
    /// Whether the bar is over cells: what happens within a cell is then a message.
    over_cells: bool,
    /// The dataset whose cells are filled.
    dataset: String,
    downloads: Downloads,
    lines: usize,
}

impl ShownEvents {
    /// Removes all bars.
    pub(crate) fn finish(&mut self) {
        self.downloads.finish();
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn note(&self, message: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(message);
        }
    }

    /// Progress over the sequences of a file.
    fn reach(&mut self, done: usize, total: usize) {
        let bar = self.bar.get_or_insert_with(|| new_bar(total, "sequences"));
        bar.set_position(done as u64);
        let is_rest = done == total && !done.is_multiple_of(ROWS_PER_LINE);
        let lines = done / ROWS_PER_LINE + usize::from(is_rest);
        if bar.is_hidden() && total > ROWS_PER_LINE && lines > self.lines {
            self.lines = lines;
            print_error_line(&format!("{done} of {total} sequences"));
        }
    }
}

impl StudyEvents for ShownEvents {
    fn event(&mut self, event: StudyEvent<'_>) {
        match event {
            StudyEvent::OldKey { old, new } => {
                print_error_line(&format!("warning: the key {old} is now called {new}; please rename it"));
            }
            StudyEvent::Remark { dataset, remark } => print_error_line(&format!("note: {dataset}: {remark}")),
            StudyEvent::Planned { cells } => {
                self.over_cells = true;
                self.bar = Some(new_bar(cells, "cells"));
            }
            StudyEvent::Fitting(id) => self.note(id.to_string()),
            StudyEvent::DescriptionLength(id) => self.note(format!("{id}: description length")),
            StudyEvent::Done(id) => {
                self.note(id.to_string());
                if let Some(bar) = &self.bar {
                    bar.inc(1);
                }
            }
            StudyEvent::Dataset { id } => id.clone_into(&mut self.dataset),
            StudyEvent::Extracting { model, done, total } if self.over_cells => {
                let dataset = &self.dataset;
                self.note(format!("{dataset}: {done} of {total} sequences through {model}"));
            }
            StudyEvent::Extracting { done, total, .. } => self.reach(done, total),
            StudyEvent::Damaged { reason } => {
                print_error_line(&format!("damaged, not used and computed again: {reason}"));
            }
            StudyEvent::Download(progress) => self.downloads.take(progress),
            StudyEvent::Downloaded { reference, commit } => {
                self.downloads.finish();
                print_error_line(&format!("{reference} is commit {commit}"));
            }
        }
    }
}

fn new_bar(total: usize, unit: &str) -> ProgressBar {
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
    bar
}

/// Progress over downloads, one bar per file.
#[derive(Default)]
struct Downloads {
    file: String,
    bar: Option<ProgressBar>,
}

impl Downloads {
    fn take(&mut self, progress: hub::Progress<'_>) {
        match progress {
            hub::Progress::Waiting { file } => {
                print_error_line(&format!("waiting for another process that downloads {file}"));
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
    fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn start(&mut self, bytes: u64, total: Option<u64>) {
        let file = &self.file;
        if !std::io::stderr().is_terminal() {
            let size = total.map_or_else(String::new, |total| format!(" ({})", quantities::bytes(total)));
            let resumed = if bytes > 0 {
                format!(", {} are here already", quantities::bytes(bytes))
            } else {
                String::new()
            };
            print_error_line(&format!("downloading {file}{size}{resumed}"));
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
