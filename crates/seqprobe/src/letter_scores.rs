//! `seqprobe embed --output-kind logits`: what a masked language model tells of every hidden letter. Nothing of it is
//! cached.

use crate::cli::EmbedArguments;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::write_whole;
use crate::model_finder::{ModelFinder, model_failure};
use crate::output::say;
use crate::run::set_threads;
use seqprobe_core::{FeatureError, FeatureKind, FeatureSource};
use seqprobe_data::read_sequences;
use seqprobe_embed::export_features;
use seqprobe_models::hub::Needed;
use seqprobe_models::{LoadOptions, MaskedModel, Precision, Weights};
use std::path::Path;

pub(crate) fn run(arguments: &EmbedArguments) -> Result<(), Failure> {
    let reading = &arguments.reading;
    let is_changed = reading.truncate.is_some() || reading.window.is_some() || reading.rc.is_some();
    if is_changed || reading.precision.is_some() {
        return Err(Failure::usage(
            "--truncate, --window, --rc and --precision do not go with --output-kind logits, which tells of every letter of the sequence as it stands",
        ));
    }
    if arguments.model.starts_with("random:") {
        return Err(Failure::usage("--output-kind logits needs the model's own weights, not random ones"));
    }
    if arguments.output.extension().is_none_or(|ending| ending != "safetensors") {
        return Err(Failure::usage(format!(
            "--output {:?}: probabilities of every letter go to a .safetensors file",
            arguments.output
        )));
    }
    set_threads(arguments.computing.machine.threads)?;
    let input = read_sequences(&arguments.input, None).or_exit(ExitCode::Data)?;
    let finder = ModelFinder::new(&arguments.computing)?;
    let found = finder.find(&arguments.model, Path::new(""), Needed::Weights)?;
    let options = LoadOptions {
        weights: Weights::Pretrained,
        precision: Precision::F32,
        device: finder.device,
        allow_code: false,
    };
    let failed = |error| model_failure(&arguments.model, &error);
    let model = MaskedModel::load(&found.path, options).map_err(failed)?;
    let stride = arguments.mask_every.map_or(usize::MAX, std::num::NonZeroUsize::get);
    let mut scores = LetterRows { values: Vec::new(), starts: vec![0] };
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["example_id", "letters", "pseudo_log_likelihood"]).or_exit(ExitCode::Unexpected)?;
    for (id, sequence) in input.ids.iter().zip(&input.sequences) {
        let one = model
            .nucleotide_probabilities(sequence, stride)
            .map_err(|error| model_failure(&arguments.model, &format!("sequence {id:?}: {error}")))?;
        scores.values.extend(one.probabilities.iter());
        scores.starts.push(scores.values.len() / 4);
        // No letter A, C, G or T: there is nothing to tell.
        let told = if one.n_bases == 0 { String::new() } else { one.pseudo_log_likelihood.to_string() };
        table.write_record([id, &one.n_bases.to_string(), &told]).or_exit(ExitCode::Unexpected)?;
    }
    export_features(&scores, &input.ids.iter().collect(), &arguments.output).or_exit(ExitCode::Unexpected)?;
    let likelihoods = arguments.output.with_extension("likelihoods.csv");
    write_whole(&likelihoods, &table.into_inner().or_exit(ExitCode::Unexpected)?)?;
    let how = match arguments.mask_every {
        Some(n) => format!("one in {n} letters hidden at once"),
        None => "one letter hidden at a time".to_owned(),
    };
    say(&format!(
        "wrote probabilities of A, C, G, T of {} letters ({how}) to {}, pseudo-log-likelihoods (natural logarithm) to {}",
        scores.values.len() / 4,
        arguments.output.display(),
        likelihoods.display()
    ))
}

/// Four probabilities per letter, as rows of tokens.
struct LetterRows {
    values: Vec<f32>,
    /// First letter of each sequence, and the end.
    starts: Vec<usize>,
}

impl FeatureSource for LetterRows {
    fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }

    fn dim(&self) -> usize {
        4
    }

    fn kind(&self) -> FeatureKind {
        FeatureKind::Tokens
    }

    fn length(&self, row: usize) -> usize {
        self.starts[row + 1] - self.starts[row]
    }

    fn read_rows(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), FeatureError> {
        for &row in rows {
            match (self.starts.get(row), self.starts.get(row + 1)) {
                (Some(start), Some(end)) => out.extend_from_slice(&self.values[4 * start..4 * end]),
                _ => return Err(FeatureError::Row { row, n_rows: self.n_rows() }),
            }
        }
        Ok(())
    }
}
