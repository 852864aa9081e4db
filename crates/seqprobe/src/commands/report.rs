//! The short commands: `report`.

use crate::cli::ReportArguments;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::write_whole;
use crate::output::say;
use seqprobe_report::{read_run, render};

/// `seqprobe report`
pub(crate) fn report(arguments: &ReportArguments) -> Result<(), Failure> {
    let record = read_run(&arguments.run).or_exit(ExitCode::Data)?;
    let text = render(&record, &arguments.format).or_exit(ExitCode::Usage)?;
    match &arguments.output {
        Some(path) => write_whole(path, text.as_bytes()),
        None => say(text.trim_end()),
    }
}
