//! The program: parses the command line, hands over to one file per command, and turns errors into exit
//! codes. Nothing is computed here.

mod audit_command;
mod cache_command;
mod cache_size;
mod cells;
mod cli;
mod constant;
mod control_checks;
mod controls;
mod cost;
mod data_command;
mod description;
mod device;
mod diagnostics;
mod doctor;
#[cfg(test)]
mod documented;
mod dry_run;
mod embed_command;
mod environment;
mod exit;
mod features;
mod fetch_command;
mod files;
mod fill;
mod fit;
mod gate_commands;
mod imports;
mod letter_scores;
mod list_command;
#[cfg(test)]
mod made;
mod model_finder;
mod models;
mod other_tests;
mod output;
mod plan;
mod predict_command;
mod pretrain_command;
mod probe_command;
mod probe_entry;
mod probes;
mod progress;
mod provenance;
mod run;
mod run_command;
mod score;
mod search;
mod small_commands;
mod stored_cell;
mod suite;
#[cfg(test)]
mod suite_mutated;
mod training_rows;
mod verdicts;
mod warnings;

use clap::Parser;
use cli::{Cli, Command};
use exit::{ExitCode, Failure};

fn main() -> std::process::ExitCode {
    environment::tell_libraries();
    let cli = Cli::parse();
    let command: Vec<String> = std::env::args().collect();
    let code = match execute(cli, command.join(" ")) {
        Ok(()) => ExitCode::Ok,
        Err(failure) => {
            output::tell(&format!("error: {}", failure.text()));
            failure.code
        }
    };
    std::process::ExitCode::from(code as u8)
}

fn execute(cli: Cli, command: String) -> Result<(), Failure> {
    match cli.command {
        Command::Probe(arguments) => probe_command::run(&arguments, command),
        Command::Run(arguments) => run_command::run(&arguments, command),
        Command::Predict(arguments) => predict_command::run(&arguments),
        Command::Embed(arguments) => embed_command::run(&arguments),
        Command::Pretrain(arguments) => pretrain_command::run(&arguments, command),
        Command::Report(arguments) => small_commands::report(&arguments),
        Command::Compare(arguments) => gate_commands::compare(&arguments),
        Command::Check(arguments) => gate_commands::check(&arguments),
        Command::Accept(arguments) => gate_commands::accept(&arguments),
        Command::Data(arguments) => data_command::run(arguments.command),
        Command::Fetch(arguments) => fetch_command::run(&arguments),
        Command::List { what, format } => list_command::run(what, format),
        Command::Cache(arguments) => cache_command::run(&arguments.command),
        Command::Doctor(folders) => doctor::run(&folders),
    }
}
