//! `seqprobe report`: render a finished run again.

use crate::cli::ReportArguments;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::print_line;
use seqprobe_files::write_whole;
use seqprobe_report::{read_run, render};

pub(crate) fn run(arguments: &ReportArguments) -> Result<(), Failure> {
    let record = read_run(&arguments.run).or_exit(ExitCode::Data)?;
    let text = render(&record, &arguments.format).or_exit(ExitCode::Usage)?;
    match &arguments.output {
        Some(path) => write_whole(path, text.as_bytes()).or_exit(ExitCode::Unexpected),
        None => print_line(text.trim_end()),
    }
}
