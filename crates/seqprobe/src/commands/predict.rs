//! `seqprobe predict`: apply the stored probes of a run to new sequences.

use crate::cli::PredictArguments;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::output::{print_error_line, print_line};
use crate::progress::ShownEvents;
use ndarray::Array2;
use seqprobe_core::DnaSequence;
use seqprobe_data::{NamedSequences, read_sequences};
use seqprobe_files::write_whole;
use seqprobe_study::{StoredProbes, StudyOptions, list_stored_probes};

/// The code of N in a sequence.
const N_CODE: u8 = 4;

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
    for remark in &input.remarks {
        print_error_line(&format!("note: {remark}"));
    }
    let mut events = ShownEvents::default();
    let (predicted, problems) = predict_possible(probes, &input, &options, &mut events)?;
    events.finish();
    for problem in &problems {
        print_error_line(&format!("warning: no prediction: {problem}"));
    }
    let csv = predictions_csv(probes, &input.ids, &predicted)?;
    match &arguments.output {
        Some(path) => {
            write_whole(path, csv.as_bytes()).or_exit(ExitCode::Unexpected)?;
            let n = predicted.places.iter().flatten().count();
            print_line(&format!("wrote {n} predictions of {} to {}", probes.id(), path.display()))
        }
        None => print_line(csv.trim_end()),
    }
}

/// Predictions of the sequences that have one.
struct Predicted {
    /// For each sequence of the input its row in the predictions; `None` where it has no prediction.
    places: Vec<Option<usize>>,
    /// Of each fit.
    of_fits: Vec<Array2<f64>>,
}

/// Predicts every sequence that the model and the probe can read, and says why the others have no prediction.
fn predict_possible(
    probes: &StoredProbes,
    input: &NamedSequences,
    options: &StudyOptions,
    events: &mut ShownEvents,
) -> Result<(Predicted, Vec<String>), Failure> {
    let sequences = &input.sequences;
    let mut problems = Vec::new();
    let (unknown, mut rows): (Vec<usize>, Vec<usize>) =
        (0..sequences.len()).partition(|&row| sequences[row].codes().all(|code| code == N_CODE));
    problems
        .extend(unknown.iter().map(|&row| format!("{:?} has no known base: it is N only", input.ids[row])));
    if rows.is_empty() {
        return Ok((Predicted { places: vec![None; sequences.len()], of_fits: Vec::new() }, problems));
    }
    loop {
        let chosen: Vec<DnaSequence> = rows.iter().map(|&row| sequences[row].clone()).collect();
        let error = match probes.predict(&chosen, options, events) {
            Ok(of_fits) => {
                let mut places = vec![None; sequences.len()];
                rows.iter().enumerate().for_each(|(place, &row)| places[row] = Some(place));
                return Ok((Predicted { places, of_fits }, problems));
            }
            Err(error) => error,
        };
        let Some(bad) = error.row().and_then(|place| rows.get(place).copied()) else {
            return Err(error.into());
        };
        let is_bad = |row: usize| {
            if error.is_too_long() { sequences[row].len() >= sequences[bad].len() } else { row == bad }
        };
        let (left_out, others): (Vec<usize>, Vec<usize>) = rows.iter().partition(|&&row| is_bad(row));
        if others.is_empty() {
            return Err(error.naming(&input.ids, 0).into());
        }
        let text = error.to_string();
        let (reason, hint) = text.split_once("\n  hint: ").unwrap_or((&text, ""));
        let hint = if hint.is_empty() { String::new() } else { format!("\n  hint: {hint}") };
        problems.extend(left_out.iter().map(|&row| {
            let id = &input.ids[row];
            match error.is_too_long() {
                true => format!("{id:?} is too long ({} bases){hint}", sequences[row].len()),
                false => format!("{id:?}: {reason}{hint}"),
            }
        }));
        rows = others;
    }
}

/// One row per example: the mean over fits, and their standard deviation where there are several. Fields are empty
/// where an example has no prediction.
fn predictions_csv(probes: &StoredProbes, ids: &[String], predicted: &Predicted) -> Result<String, Failure> {
    let predictions = &predicted.of_fits;
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
    for (id, place) in ids.iter().zip(&predicted.places) {
        let mut record = vec![id.clone()];
        let Some(row) = *place else {
            record.resize(header.len(), String::new());
            writer.write_record(&record).or_exit(ExitCode::Unexpected)?;
            continue;
        };
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
