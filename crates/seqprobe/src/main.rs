//! The program: parses the command line, calls the libraries, prints, and turns errors into exit codes.

mod byte_size;
mod cli;
mod commands;
mod environment;
mod exit;
mod output;
mod progress;

use clap::Parser;
use cli::{Cli, Command};
use exit::{ExitCode, Failure};

fn main() -> std::process::ExitCode {
    environment::set_library_defaults();
    let cli = Cli::parse();
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let command: Vec<String> = words.collect();
    let code = match execute(cli, command.join(" ")) {
        Ok(()) => ExitCode::Ok,
        Err(failure) => {
            output::print_error_line(&format!("error: {}", failure.text()));
            failure.code
        }
    };
    std::process::ExitCode::from(code as u8)
}

fn execute(cli: Cli, command: String) -> Result<(), Failure> {
    match cli.command {
        Command::Probe(arguments) => commands::probe::run(&arguments, command),
        Command::Run(arguments) => commands::run::run(&arguments, command),
        Command::Predict(arguments) => commands::predict::run(&arguments),
        Command::Embed(arguments) => commands::embed::run(&arguments),
        Command::Pretrain(arguments) => commands::pretrain::run(&arguments, command),
        Command::Report(arguments) => commands::report::run(&arguments),
        Command::Compare(arguments) => commands::gate::compare(&arguments),
        Command::Check(arguments) => commands::gate::check(&arguments),
        Command::Accept(arguments) => commands::gate::accept(&arguments),
        Command::Data(arguments) => commands::data::run(arguments.command),
        Command::Fetch(arguments) => commands::fetch::run(&arguments),
        Command::List { what, format } => commands::list::run(what, format),
        Command::Cache(arguments) => commands::cache::run(&arguments.command),
        Command::Doctor(folders) => commands::doctor::run(&folders),
    }
}
