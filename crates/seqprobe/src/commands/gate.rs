//! `seqprobe compare`, `check` and `accept`: compare two runs, and the regression gate. Nothing is fitted.

use crate::cli::{AcceptArguments, CheckArguments, CompareArguments};
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::{print_error_line, print_line};
use seqprobe_files::write_whole;
use seqprobe_report::{
    GateOptions, GateReport, Outcome, accept as accept_run, check as check_run, compare_runs, read_baseline,
};

/// `seqprobe compare`
pub(crate) fn compare(arguments: &CompareArguments) -> Result<(), Failure> {
    let comparison = compare_runs(&arguments.run_a, &arguments.run_b).or_exit(ExitCode::Data)?;
    let text = match arguments.format.as_str() {
        "table" => comparison.to_text(),
        "json" => serde_json::to_string_pretty(&comparison).or_exit(ExitCode::Unexpected)?,
        other => {
            return Err(Failure::usage(format!(
                "no comparison format {other:?}\n  hint: the formats are table, json"
            )));
        }
    };
    match &arguments.output {
        Some(path) => write_whole(path, format!("{text}\n").as_bytes()).or_exit(ExitCode::Unexpected),
        None => print_line(&text),
    }
}

/// `seqprobe check`
pub(crate) fn check(arguments: &CheckArguments) -> Result<(), Failure> {
    let baseline = read_baseline(&arguments.baseline).or_exit(ExitCode::Data)?;
    let options =
        GateOptions { exact: arguments.exact, lenient: arguments.lenient, margin: arguments.margin };
    if arguments.margin.is_some_and(|margin| !(margin.is_finite() && margin >= 0.0)) {
        return Err(Failure::usage("--margin must be a number of at least 0"));
    }
    let report =
        check_run(&arguments.run, &arguments.baseline, &baseline, options).or_exit(ExitCode::Data)?;
    print_error_line(&report.to_text());
    if let Some(path) = &arguments.junit {
        let text = report.to_junit().or_exit(ExitCode::Unexpected)?;
        write_whole(path, text.as_bytes()).or_exit(ExitCode::Unexpected)?;
    }
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&report).or_exit(ExitCode::Unexpected)?;
        write_whole(path, format!("{text}\n").as_bytes()).or_exit(ExitCode::Unexpected)?;
    }
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        for line in report.to_github_annotations() {
            print_line(&line)?;
        }
    }
    verdict(&report)
}

/// A regression has its own exit code; cells without an answer have that of failed cells.
fn verdict(report: &GateReport) -> Result<(), Failure> {
    let regressed = report.count(Outcome::Regressed);
    if regressed > 0 {
        return Err(Failure::new(
            ExitCode::Regressed,
            format!(
                "{regressed} cells regressed\n  hint: if that is intended, accept the run: seqprobe accept RUN --baseline FILE --reason TEXT"
            ),
        ));
    }
    match report.n_unanswered() {
        0 => Ok(()),
        n => Err(Failure::new(
            ExitCode::CellsFailed,
            format!(
                "{n} cells of the baseline have no answer\n  hint: --lenient ignores cells that the run does not have"
            ),
        )),
    }
}

/// `seqprobe accept`
pub(crate) fn accept(arguments: &AcceptArguments) -> Result<(), Failure> {
    if arguments.reason.trim().is_empty() {
        return Err(Failure::usage("--reason is empty\n  hint: one sentence for the reviewer"));
    }
    if !(arguments.margin.is_finite() && arguments.margin >= 0.0) {
        return Err(Failure::usage("--margin must be a number of at least 0"));
    }
    let accepted = accept_run(&arguments.run, &arguments.baseline, arguments.margin, &arguments.reason)
        .or_exit(ExitCode::Data)?;
    for line in &accepted.changes {
        print_line(line)?;
    }
    let predictions = match accepted.predictions_bytes {
        Some(bytes) => format!("{bytes} bytes of predictions next to it"),
        None => "no predictions, because they are larger than 2 MB: checks will be unpaired".to_owned(),
    };
    print_line(&format!(
        "accepted {} cells, {} changed, into {}; {predictions}",
        accepted.n_cells,
        accepted.changes.len(),
        arguments.baseline.display()
    ))
}
