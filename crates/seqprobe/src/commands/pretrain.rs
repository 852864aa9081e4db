//! `seqprobe pretrain`: from a config to a model folder. `seqprobe-pretrain` does the training.

use crate::cli::PretrainArguments;
use crate::exit::{ExitCode, Failure};
use crate::output::{print_error_line, print_line};
use seqprobe_pretrain::corpus::Places;
use seqprobe_pretrain::{Event, Options, PretrainConfig, PretrainError, pretrain};
use std::path::PathBuf;

pub(crate) fn run(arguments: &PretrainArguments, command: String) -> Result<(), Failure> {
    let hardware = arguments.hardware.set_up()?;
    let config = PretrainConfig::read(&arguments.config).map_err(failure)?;
    let out = arguments.out.clone().unwrap_or_else(|| PathBuf::from("models").join(&config.name));
    let options = Options {
        out: &out,
        places: Places { data: arguments.paths.data_folders(), cards: card_folders(&config) },
        device: hardware.device,
        command,
        threads: hardware.threads,
    };
    let outcome =
        pretrain(&config, &options, &mut |event| print_error_line(&event_text(&event))).map_err(failure)?;
    for (name, loss) in &outcome.counts {
        print_line(&format!("{:.4} bits per base: counts of {name}", loss.bits))?;
    }
    let valid = &outcome.valid;
    let error = valid.standard_error.map_or_else(String::new, |error| format!(" ± {:.4}", 1.96 * error));
    print_line(&format!(
        "{:.4}{error} bits per base on {} held-out bases: {} ({} parameters), in {}",
        valid.bits,
        valid.n_bases,
        config.name,
        outcome.n_parameters,
        out.display()
    ))
}

/// Next to the config, and where suites look.
fn card_folders(config: &PretrainConfig) -> Vec<PathBuf> {
    vec![config.folder.join("datasets"), PathBuf::from("datasets"), config.folder.join("../datasets")]
}

fn event_text(event: &Event<'_>) -> String {
    match event {
        Event::Doing(what) => (*what).to_owned(),
        Event::Corpus(report) => {
            let left_out: Vec<String> = report
                .left_out
                .iter()
                .map(|one| format!("\n  {} windows left out: {}", one.windows, one.reason))
                .collect();
            format!(
                "{} training windows ({} bases), {} validation windows; {:.2}% of the held-out 31-mers are in training windows{}",
                report.n_train,
                report.train_bases,
                report.n_valid,
                100.0 * report.shared_after,
                left_out.concat()
            )
        }
        Event::Resumed(step) => format!("continuing after step {step}"),
        Event::Row { row, steps, seconds_left } => {
            let train = row.train_bits.map_or_else(String::new, |bits| format!("training {bits:.4}, "));
            let error = row.valid.standard_error.map_or_else(String::new, |e| format!(" ± {:.4}", 1.96 * e));
            let speed =
                row.tokens_per_second.map_or_else(String::new, |speed| format!(", {speed:.0} tokens/s"));
            let left = seconds_left.map_or_else(String::new, |left| format!(", {:.0} min left", left / 60.0));
            let step = row.step;
            format!("step {step}/{steps}: {train}validation {:.4}{error} bits{speed}{left}", row.valid.bits)
        }
        Event::Checkpoint { step, seconds } => format!("checkpoint after step {step} ({seconds:.2} s)"),
    }
}

/// Errors of data are data errors, and so on.
fn failure(error: PretrainError) -> Failure {
    let code = match &error {
        PretrainError::Toml(_) | PretrainError::Config { .. } | PretrainError::Folder { .. } => {
            ExitCode::Usage
        }
        PretrainError::Data(_) | PretrainError::Corpus(_) => ExitCode::Data,
        PretrainError::Model(_) | PretrainError::NotFinite { .. } => ExitCode::Model,
        PretrainError::Torch(_) | PretrainError::Io { .. } => ExitCode::Unexpected,
    };
    Failure { code, error: error.into() }
}
