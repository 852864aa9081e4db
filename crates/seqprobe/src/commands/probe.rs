//! `seqprobe probe`: one file and a target column, from there to the verdict.

use crate::cli::ProbeArguments;
use crate::commands::run::run_and_show;
use crate::exit::Failure;
use crate::output::print_error_line;
use seqprobe_study::{OneFile, OneFileStudy, StudyOptions};

pub(crate) fn run(arguments: &ProbeArguments, command: String) -> Result<(), Failure> {
    if arguments.target.is_empty() && !arguments.file.is_dir() {
        return Err(Failure::usage(
            "--target is missing\n  hint: --target COLUMN names the column to predict",
        ));
    }
    let options = arguments.compute.options(command)?;
    let made = OneFileStudy::new(&OneFile {
        file: arguments.file.clone(),
        targets: arguments.target.clone(),
        layout: arguments.columns.layout(),
        task: arguments.task.map(Into::into),
        split: arguments.split.clone(),
        group: arguments.group.clone(),
        chromosome: arguments.chromosome,
        positive: arguments.positive.clone(),
        metric: arguments.metric.clone(),
        models: arguments.model.clone(),
        embeddings: arguments.embeddings.clone(),
        layers: arguments.layers.clone(),
        probes: arguments.probes.clone(),
        controls: arguments.controls.clone(),
        seeds: arguments.seeds,
        margin: arguments.margin,
        keep: arguments.reading.keep()?,
        window: arguments.reading.window,
        strands: arguments.reading.rc.clone(),
        precision: arguments.reading.precision.clone(),
    })?;
    for guess in &made.guesses {
        print_error_line(&format!("guessed: {guess}"));
    }
    for remark in &made.remarks {
        print_error_line(&format!("note: {remark}"));
    }
    if let Some(folder) = &arguments.save {
        let [card, suite] = made.save(folder)?;
        print_error_line(&format!(
            "saved {} and {}; to run the same: seqprobe run {} --data-dir FOLDER_OF_THE_FILE",
            card.display(),
            suite.display(),
            suite.display()
        ));
    }
    let options = StudyOptions { overwrite: arguments.force, ..options };
    run_and_show(&made.study, options, arguments.out.clone())
}
