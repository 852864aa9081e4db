//! `seqprobe predict`: apply the stored probes of a run to new sequences.

use crate::cli::PredictArguments;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::print_line;
use crate::progress::ShownEvents;
use ndarray::Array2;
use seqprobe_data::read_sequences;
use seqprobe_files::write_whole;
use seqprobe_study::{StoredProbes, list_stored_probes};

pub(crate) fn run(arguments: &PredictArguments) -> Result<(), Failure> {
    let stored = list_stored_probes(&arguments.run)?;
    let (Some(wanted), Some(input)) = (&arguments.cell, &arguments.input) else {
        let lines: Vec<String> =
            stored.iter().map(|probes| format!("{}  {}", &probes.key()[..16], probes.id())).collect();
        return print_line(&lines.join("\n"));
    };
    let probes = StoredProbes::choose(&stored, wanted, &arguments.run)?;
    let options = arguments.compute.options(String::new())?;
    let input = read_sequences(input, &arguments.columns.layout()).or_exit(ExitCode::Data)?;
    let mut events = ShownEvents::default();
    let predictions = probes.predict(&input.sequences, &options, &mut events)?;
    events.finish();
    let csv = predictions_csv(probes, &input.ids, &predictions)?;
    match &arguments.output {
        Some(path) => {
            write_whole(path, csv.as_bytes()).or_exit(ExitCode::Unexpected)?;
            let n = input.ids.len();
            print_line(&format!("wrote {n} predictions of {} to {}", probes.id(), path.display()))
        }
        None => print_line(csv.trim_end()),
    }
}

/// One row per example: the mean over fits, and their standard deviation where there are several.
fn predictions_csv(
    probes: &StoredProbes,
    ids: &[String],
    predictions: &[Array2<f64>],
) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let several = predictions.len() > 1;
    let mut header = vec!["example_id".to_owned()];
    for output in probes.outputs() {
        let name = if output.target == output.output {
            output.target.clone()
        } else {
            format!("{}={}", output.target, output.output)
        };
        header.push(name.clone());
        if several {
            header.push(format!("{name} sd over {} fits", predictions.len()));
        }
    }
    writer.write_record(&header).or_exit(ExitCode::Unexpected)?;
    for (row, id) in ids.iter().enumerate() {
        let mut record = vec![id.clone()];
        for column in 0..probes.outputs().len() {
            let values: Vec<f64> = predictions.iter().map(|matrix| matrix[[row, column]]).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            record.push(mean.to_string());
            if several {
                let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
                record.push((squares / (values.len() - 1) as f64).sqrt().to_string());
            }
        }
        writer.write_record(&record).or_exit(ExitCode::Unexpected)?;
    }
    String::from_utf8(writer.into_inner().map_err(|error| Failure::new(ExitCode::Unexpected, error))?)
        .or_exit(ExitCode::Unexpected)
}
