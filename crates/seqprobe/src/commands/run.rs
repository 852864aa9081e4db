//! `seqprobe run`, and what `probe` shares with it: showing a finished run.

use crate::cli::RunArguments;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::{print_error_line, print_line};
use crate::progress::ShownEvents;
use seqprobe_embed::ExtractionForecast;
use seqprobe_report::quantities::{bytes, duration};
use seqprobe_report::record::Status;
use seqprobe_report::{RunRecord, render_table};
use seqprobe_study::{Study, StudyForecast, StudyOptions};
use std::path::{Path, PathBuf};

pub(crate) fn run(arguments: &RunArguments, command: String) -> Result<(), Failure> {
    let study = Study::open(&arguments.suite)?;
    let options = arguments.compute.options(command)?;
    let mut events = ShownEvents::default();
    if arguments.plan {
        let plan = study.plan(&options, &mut events)?;
        return print_line(&serde_json::to_string_pretty(&plan).or_exit(ExitCode::Unexpected)?);
    }
    if arguments.dry_run {
        return print_forecast(&study.forecast(&options, &mut events)?);
    }
    let options = StudyOptions { overwrite: arguments.force, ..options };
    run_and_show(&study, options, arguments.out.clone())
}

/// Runs a study into a folder (`reports/NAME` where none is given), and prints table and verdicts. Failed cells have their
/// own exit code.
pub(crate) fn run_and_show(
    study: &Study,
    options: StudyOptions,
    out: Option<PathBuf>,
) -> Result<(), Failure> {
    let out = out.unwrap_or_else(|| Path::new("reports").join(study.name()));
    let options = StudyOptions { out: Some(out.clone()), ..options };
    let mut events = ShownEvents::default();
    let record = study.run(&options, &mut events)?;
    events.finish();
    show(&record, &out)
}

fn show(record: &RunRecord, out: &Path) -> Result<(), Failure> {
    print_line(&render_table(record))?;
    let n_cells = record.cells.len();
    let n_reused = record.cells.iter().filter(|cell| cell.reused).count();
    print_line(&format!(
        "{n_cells} cells, {n_reused} read from the cache, {:.1} s",
        record.provenance.seconds
    ))?;
    print_line(&format!("report: {}", out.join("report.html").display()))?;
    let failed: Vec<_> = record.cells.iter().filter(|cell| cell.status == Status::Failed).collect();
    for cell in &failed {
        let reason = cell.reason.as_deref().unwrap_or("no reason");
        print_error_line(&format!("failed: {}: {reason}", cell.id));
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(ExitCode::CellsFailed, format!("{} of {n_cells} cells failed", failed.len())))
}

fn print_forecast(forecast: &StudyForecast) -> Result<(), Failure> {
    for (dataset, model, extraction) in &forecast.extractions {
        print_line(&format!("{dataset}, {model}: {}", forecast_text(extraction)))?;
    }
    print_line(&format!(
        "{} cells; extraction: about {}, {} to store; the time of fitting probes is not included",
        forecast.n_cells,
        duration(forecast.seconds()),
        bytes(forecast.n_bytes())
    ))
}

/// One sentence of what an extraction would do.
pub(crate) fn forecast_text(found: &ExtractionForecast) -> String {
    let ExtractionForecast { n_rows, n_distinct, n_missing, n_tokens, n_bytes, seconds, n_sampled } = found;
    let head = format!("{n_rows} sequences, {n_distinct} distinct");
    if *n_missing == 0 {
        return format!("{head}: all in the cache, nothing to compute");
    }
    format!(
        "{head}: {n_missing} to compute ({n_tokens} tokens), {} in the cache; about {} by a sample of {n_sampled}; {} to store",
        n_distinct - n_missing,
        duration(*seconds),
        bytes(*n_bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_says_what_is_to_do() {
        let found = ExtractionForecast {
            n_rows: 10,
            n_distinct: 8,
            n_missing: 6,
            n_tokens: 300,
            n_bytes: 4096,
            seconds: 130.0,
            n_sampled: 3,
        };
        assert_eq!(
            forecast_text(&found),
            "10 sequences, 8 distinct: 6 to compute (300 tokens), 2 in the cache; about 2 min 10 s by a sample of 3; 4.1 kB to store"
        );
        let nothing = ExtractionForecast { n_missing: 0, ..found };
        assert_eq!(forecast_text(&nothing), "10 sequences, 8 distinct: all in the cache, nothing to compute");
    }
}
