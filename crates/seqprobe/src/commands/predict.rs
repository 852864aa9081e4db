//! `seqprobe predict`: apply the stored probe of a run to new sequences.

use crate::cli::PredictArguments;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::{cache_folder, write_whole};
use crate::model_finder::ModelFinder;
use crate::output::say;
use crate::run::set_threads;
use crate::stored_cell::StoredCell;
use ndarray::Array2;
use seqprobe_core::config::nearest;
use seqprobe_data::read_sequences;
use seqprobe_embed::EmbeddingCache;

pub(crate) fn run(arguments: &PredictArguments) -> Result<(), Failure> {
    let cells = StoredCell::list(&arguments.run)?;
    let (Some(wanted), Some(input)) = (&arguments.cell, &arguments.input) else {
        let lines: Vec<String> =
            cells.iter().map(|(cell, _)| format!("{}  {}", &cell.key[..16], cell.id)).collect();
        return say(&lines.join("\n"));
    };
    let matching: Vec<_> = cells
        .iter()
        .filter(|(cell, _)| {
            cell.id.to_string() == *wanted || (wanted.len() >= 6 && cell.key.starts_with(wanted.as_str()))
        })
        .collect();
    let (cell, folder) = match matching.as_slice() {
        [one] => one,
        [] => {
            let names: Vec<String> = cells.iter().map(|(cell, _)| cell.id.to_string()).collect();
            let hint = match nearest(wanted, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => {
                    format!("`seqprobe predict {}` lists the {} cells", arguments.run.display(), names.len())
                }
            };
            return Err(Failure::usage(format!("no cell {wanted:?} in this run\n  hint: {hint}")));
        }
        several => {
            return Err(Failure::usage(format!(
                "{wanted:?} fits {} cells\n  hint: give more digits",
                several.len()
            )));
        }
    };
    set_threads(arguments.computing.machine.threads)?;
    let input = read_sequences(input, None).or_exit(ExitCode::Data)?;
    let cache = cache_folder(&arguments.computing.folders)?;
    let temporary = if arguments.computing.no_cache { Some(tempfile::tempdir()?) } else { None };
    let cache = EmbeddingCache::open(temporary.as_ref().map_or(cache.as_path(), |folder| folder.path()))
        .or_exit(ExitCode::Unexpected)?;
    let finder = ModelFinder::new(&arguments.computing)?;
    let repair = !arguments.computing.no_repair;
    let predictions = cell.predict(folder, &input.sequences, &cache, repair, &finder)?;
    let csv = predictions_csv(cell, &input.ids, &predictions)?;
    match &arguments.output {
        Some(path) => {
            write_whole(path, csv.as_bytes())?;
            say(&format!("wrote {} predictions of {} to {}", input.ids.len(), cell.id, path.display()))
        }
        None => say(csv.trim_end()),
    }
}

/// One row per example: the mean over fits, and their standard deviation where there are several.
fn predictions_csv(
    cell: &StoredCell,
    ids: &[String],
    predictions: &[Array2<f64>],
) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let several = predictions.len() > 1;
    let mut header = vec!["example_id".to_owned()];
    for output in &cell.outputs {
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
        for column in 0..cell.outputs.len() {
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
