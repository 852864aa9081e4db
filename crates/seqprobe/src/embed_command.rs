//! `seqprobe embed`: the door for people who only want embeddings.

use crate::cli::EmbedArguments;
use crate::exit::{ExitCode, Failure, OrExit};
use crate::files::cache_folder;
use crate::models::LoadedModel;
use crate::output::{say, tell};
use crate::plan::layers_of;
use crate::run::set_threads;
use crate::suite::{Layers, ModelRepresentation, check_extraction};
use seqprobe_core::{FeatureSource, LayerIndex, Pooling};
use seqprobe_data::read_sequences;
use seqprobe_embed::{EmbeddingCache, ExtractionOptions, export_features, extract};

pub(crate) fn run(arguments: &EmbedArguments) -> Result<(), Failure> {
    let layer: LayerIndex = arguments.layer.parse().map_err(Failure::usage)?;
    let pooling: Pooling = arguments.pooling.parse().map_err(Failure::usage)?;
    let extraction = check_extraction(arguments.truncate.as_deref(), None).map_err(Failure::usage)?;
    let (path, random) = match arguments.model.strip_prefix("random:") {
        Some(path) => (path, true),
        None => (arguments.model.as_str(), false),
    };
    let model = ModelRepresentation {
        name: arguments.model.clone(),
        folder: path.into(),
        random_draws: random.then_some(1),
        layers: Layers::Some(vec![layer]),
        poolings: vec![pooling],
        extraction,
    };
    set_threads(arguments.computing.threads)?;
    let input = read_sequences(&arguments.input, None).or_exit(ExitCode::Data)?;
    let loaded = LoadedModel::load(&model)?;
    layers_of(&model, loaded.spec()?).map_err(|message| Failure::new(ExitCode::Model, message))?;
    let cache = cache_folder(&arguments.computing.folders)?;
    let temporary = if arguments.computing.no_cache { Some(tempfile::tempdir()?) } else { None };
    let cache = EmbeddingCache::open(temporary.as_ref().map_or(cache.as_path(), |folder| folder.path()))
        .or_exit(ExitCode::Unexpected)?;
    let options = ExtractionOptions { repair: true, ..ExtractionOptions::default() };
    let draw = loaded.draws.first().ok_or_else(|| Failure::new(ExitCode::Unexpected, "no model"))?;
    let done = extract(draw, &extraction, &input.sequences, &[(layer, pooling)], &cache, options)
        .or_exit(ExitCode::Model)?;
    let features = done.features.first().ok_or_else(|| Failure::new(ExitCode::Unexpected, "no features"))?;
    export_features(features, &input.ids, &arguments.output).or_exit(ExitCode::Unexpected)?;
    let report = done.report;
    if report.n_truncated > 0 {
        tell(&format!(
            "{} of {} distinct sequences were cut to the model's limit",
            report.n_truncated, report.n_distinct
        ));
    }
    say(&format!(
        "wrote {} × {} ({pooling}, layer {layer}) to {}: {} distinct sequences computed, {} read from the cache, {:.1} s",
        features.n_rows(),
        features.dim(),
        arguments.output.display(),
        report.n_computed,
        report.n_read,
        report.seconds
    ))
}
