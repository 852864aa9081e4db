//! `seqprobe embed`: the door for people who only want embeddings. All layers asked for come from one pass. A large file is
//! read, computed and stored in parts, so that memory does not grow with it.

use crate::cli::{EmbedArguments, OutputKind};
use crate::dry_run::describe;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::features::{remarks_of, tell_damage};
use crate::files::cache_folder;
use crate::letter_scores;
use crate::model_finder::ModelFinder;
use crate::models::LoadedModel;
use crate::output::{say, tell};
use crate::plan::layers_of;
use crate::progress::Progress;
use crate::run::set_threads;
use crate::suite::{LayersEntry, ModelRepresentation, check_extraction, check_layers};
use seqprobe_core::{FeatureSource, LayerIndex, Pooling, RowIds};
use seqprobe_data::{NamedSequences, SequenceFile, read_sequences};
use seqprobe_embed::{
    ChainedFeatures, EmbedError, EmbeddingCache, ExtractionOptions, ExtractionProgress, ExtractionReport,
    ExtractionSpec, export_features, extract, forecast_extraction,
};
use seqprobe_models::FrozenModel;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Sequences in memory at a time.
const ROWS_OF_PART: usize = 1 << 15;

pub(crate) fn run(arguments: &EmbedArguments) -> Result<(), Failure> {
    if arguments.output_kind == OutputKind::Logits {
        return letter_scores::run(arguments);
    }
    if arguments.mask_every.is_some() {
        return Err(Failure::usage("--mask-every goes with --output-kind logits"));
    }
    let pooling: Pooling = arguments.pooling.parse().map_err(Failure::usage)?;
    let reading = &arguments.reading;
    let extraction = check_extraction(
        reading.truncate.as_deref(),
        reading.window,
        reading.rc.as_deref(),
        reading.precision.as_deref(),
    )
    .map_err(Failure::usage)?;
    let (path, random) = match arguments.model.strip_prefix("random:") {
        Some(path) => (path, true),
        None => (arguments.model.as_str(), false),
    };
    let model = ModelRepresentation {
        name: arguments.model.clone(),
        reference: path.to_owned(),
        base: PathBuf::new(),
        random_draws: random.then_some(1),
        layers: check_layers(Some(&LayersEntry::from_words(&arguments.layer))).map_err(Failure::usage)?,
        poolings: vec![pooling],
        extraction,
        store: true,
    };
    set_threads(arguments.computing.machine.threads)?;
    let input = SequenceFile::check(&arguments.input, None).or_exit(ExitCode::Data)?;
    let loaded = LoadedModel::load(&model, &ModelFinder::new(&arguments.computing)?)?;
    let layers =
        layers_of(&model, loaded.spec()?).map_err(|message| Failure::new(ExitCode::Model, message))?;
    let cache = cache_folder(&arguments.computing.folders)?;
    let temporary = if arguments.computing.no_cache { Some(tempfile::tempdir()?) } else { None };
    let cache = EmbeddingCache::open(temporary.as_ref().map_or(cache.as_path(), |folder| folder.path()))
        .or_exit(ExitCode::Unexpected)?;
    let wanted: Vec<(LayerIndex, Pooling)> = layers.iter().map(|&layer| (layer, pooling)).collect();
    let draw = loaded.draws.first().ok_or_else(|| Failure::new(ExitCode::Unexpected, "no model"))?;
    if arguments.dry_run {
        let input = read_sequences(&arguments.input, None).or_exit(ExitCode::Data)?;
        let found = forecast_extraction(draw, &extraction, &input.sequences, &wanted, &cache)
            .or_exit(ExitCode::Model)?;
        return say(&describe(&found));
    }
    let embedded = embed(arguments, &input, draw, &extraction, &wanted, &cache)?;
    let report = embedded.report;
    tell_damage(&embedded.damage);
    for remark in remarks_of(&report) {
        tell(&remark);
    }
    for (layer, features) in layers.iter().zip(&embedded.features) {
        let output = output_of(&arguments.output, *layer, layers.len());
        export_features(features, &embedded.ids, &output).or_exit(ExitCode::Unexpected)?;
        say(&format!(
            "wrote {} × {} ({pooling}, layer {layer}) to {}",
            features.n_rows(),
            features.dim(),
            output.display()
        ))?;
    }
    say(&format!(
        "{} distinct sequences computed, {} read from the cache, {:.3} s{}",
        report.n_computed,
        report.n_read,
        report.seconds,
        report.tokens_per_second.map_or_else(String::new, |rate| format!(", {rate:.0} tokens a second"))
    ))
}

/// The features of a whole file.
struct Embedded {
    /// For each layer and pooling wanted.
    features: Vec<ChainedFeatures>,
    ids: RowIds,
    report: ExtractionReport,
    damage: Vec<String>,
}

/// Extracts part after part of a file; each has entries of its own in the cache, and only its sequences are in memory.
fn embed(
    arguments: &EmbedArguments,
    input: &SequenceFile,
    model: &FrozenModel,
    extraction: &ExtractionSpec,
    wanted: &[(LayerIndex, Pooling)],
    cache: &EmbeddingCache,
) -> Result<Embedded, Failure> {
    let user = format!("{} with {}", arguments.input.display(), arguments.model);
    let mut embedded = Embedded {
        features: Vec::new(),
        ids: RowIds::default(),
        report: ExtractionReport::default(),
        damage: Vec::new(),
    };
    let progress = Progress::new(input.n_rows(), "sequences");
    let mut extract_part = |part: NamedSequences| -> Result<(), EmbedError> {
        let first_row = embedded.ids.len();
        let mut report = |done: ExtractionProgress| {
            progress.reach(first_row + done.sequences);
            Ok(())
        };
        let options = ExtractionOptions {
            batch_tokens: arguments.batch_tokens.map(|tokens| tokens as usize),
            repair: !arguments.computing.no_repair,
            first_row,
            user: Some(&user),
            progress: Some(&mut report),
        };
        let mut done = extract(model, extraction, &part.sequences, wanted, cache, options)?;
        if embedded.features.is_empty() {
            embedded.features = done.features.drain(..).map(ChainedFeatures::new).collect();
        }
        embedded.features.iter_mut().zip(done.features).for_each(|(all, more)| all.push(more));
        part.ids.iter().for_each(|id| embedded.ids.push(id));
        embedded.report += done.report;
        embedded.damage.append(&mut done.damage);
        progress.reach(embedded.ids.len());
        if progress.is_hidden() && input.n_rows() > ROWS_OF_PART {
            tell(&format!("{} of {} sequences", embedded.ids.len(), input.n_rows()));
        }
        Ok(())
    };
    let mut outcome = Ok(());
    let take = &mut |part| {
        outcome = extract_part(part);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    input.read_parts(ROWS_OF_PART, take).or_exit(ExitCode::Data)?;
    outcome.or_exit(ExitCode::Model)?;
    progress.finish();
    Ok(embedded)
}

/// `X.npy` for one layer, `X.layer-3.npy` where there are several.
fn output_of(output: &Path, layer: LayerIndex, n_layers: usize) -> PathBuf {
    if n_layers == 1 {
        return output.to_owned();
    }
    let ending = output.extension().unwrap_or_default().to_string_lossy();
    output.with_extension(format!("layer-{layer}.{ending}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layer_stands_in_the_name_where_there_are_several() {
        let name = |layer, n| output_of(Path::new("a/x.npy"), layer, n).display().to_string();
        assert_eq!(name(LayerIndex::Final, 1), "a/x.npy");
        assert_eq!(name(LayerIndex::Block(3), 2), "a/x.layer-3.npy");
        assert_eq!(name(LayerIndex::Final, 2), "a/x.layer-final.npy");
    }
}
