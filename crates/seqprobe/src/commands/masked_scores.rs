//! `seqprobe embed --output-kind logits`: what a masked language model predicts for every masked base.

use crate::cli::EmbedArguments;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::print_line;
use crate::progress::ShownEvents;
use seqprobe_data::read_sequences;
use seqprobe_embed::export_features;
use seqprobe_files::write_whole;
use seqprobe_report::record::RANDOM_PREFIX;
use seqprobe_study::masked_scores;

pub(crate) fn run(arguments: &EmbedArguments) -> Result<(), Failure> {
    let reading = &arguments.reading;
    if reading.keep()?.is_some()
        || reading.window.is_some()
        || reading.rc.is_some()
        || reading.precision.is_some()
    {
        return Err(Failure::usage(
            "--keep, --window, --rc and --precision cannot be used with --output-kind logits, which predicts every base of the sequence as it is",
        ));
    }
    if arguments.model.starts_with(RANDOM_PREFIX) {
        return Err(Failure::usage("--output-kind logits needs the model's own weights, not random ones"));
    }
    if arguments.output.extension().is_none_or(|ending| ending != "safetensors") {
        return Err(Failure::usage(format!(
            "--output {:?}: probabilities of every base go to a .safetensors file",
            arguments.output
        )));
    }
    let options = arguments.compute.options(String::new())?;
    let input = read_sequences(&arguments.input, &arguments.columns.layout()).or_exit(ExitCode::Data)?;
    let mut events = ShownEvents::default();
    let scores =
        masked_scores(&arguments.model, &input, arguments.mask_every, &options.finder(), &mut events)?;
    events.finish();
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["example_id", "letters", "pseudo_log_likelihood"]).or_exit(ExitCode::Unexpected)?;
    for (id, (n_bases, likelihood)) in input.ids.iter().zip(&scores.likelihoods) {
        let likelihood = likelihood.map_or_else(String::new, |value| value.to_string());
        table.write_record([id, &n_bases.to_string(), &likelihood]).or_exit(ExitCode::Unexpected)?;
    }
    export_features(scores.probabilities.as_ref(), &input.ids.iter().collect(), &arguments.output)
        .or_exit(ExitCode::Unexpected)?;
    let likelihoods = arguments.output.with_extension("likelihoods.csv");
    write_whole(&likelihoods, &table.into_inner().or_exit(ExitCode::Unexpected)?)
        .or_exit(ExitCode::Unexpected)?;
    let how = match arguments.mask_every {
        Some(n) => format!("one in {n} bases masked at once"),
        None => "one base masked at a time".to_owned(),
    };
    print_line(&format!(
        "wrote probabilities of A, C, G, T of {} bases ({how}) to {}, pseudo-log-likelihoods (natural logarithm) to {}",
        scores.n_bases,
        arguments.output.display(),
        likelihoods.display()
    ))
}
