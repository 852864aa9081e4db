//! The embeddings of a file of sequences. All layers asked for come from one pass. A large file is read, computed and
//! stored in parts, so that memory does not grow with it.

use crate::error::StudyError;
use crate::events::{StudyEvent, StudyEvents, report_damage};
use crate::options::{OpenCache, StudyOptions};
use crate::prepare::PreparedModel;
use crate::run::features::remarks_of;
use crate::suite::error::SuiteProblem;
use crate::suite::file::LayersEntry;
use crate::suite::representation::{ModelRepresentation, check_extraction, check_layers};
use seqprobe_core::{LayerIndex, Pooling, RowIds};
use seqprobe_data::{FileLayout, NamedSequences, SequenceFile, read_sequences};
use seqprobe_embed::{
    ChainedFeatures, EmbeddingCache, ExtractionForecast, ExtractionOptions, ExtractionProgress,
    ExtractionReport, Window, extract, forecast_extraction,
};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Sequences in memory at a time.
const ROWS_PER_PART: usize = 1 << 15;

/// What to embed, and how, in the words of suites and the command line.
#[derive(Clone, Debug)]
pub struct EmbedRequest {
    /// FASTA, CSV or TSV of sequences; a pipe, or `-` for standard input.
    pub input: PathBuf,
    /// What is known of its columns.
    pub layout: FileLayout,
    /// A folder, `hf:owner/name` or a published name; `random:` before it asks for one random initialisation.
    pub model: String,
    /// Layers: `final`, numbers, or `all`.
    pub layers: Vec<String>,
    /// Pooling.
    pub pooling: String,
    /// The end that is kept of sequences longer than the model takes.
    pub keep: Option<String>,
    /// Windows that long sequences are read in.
    pub window: Option<Window>,
    /// Strands.
    pub strands: Option<String>,
    /// Type of the matrix products.
    pub precision: Option<String>,
    /// Tokens that go through the model at once; `None` for what suits its width.
    pub batch_tokens: Option<usize>,
}

/// The features of a whole file, one entry per layer.
pub struct FileEmbeddings {
    /// The layers, each by its one name.
    pub layers: Vec<LayerIndex>,
    /// The pooling.
    pub pooling: Pooling,
    /// Features of each layer.
    pub features: Vec<ChainedFeatures>,
    /// Ids of the rows.
    pub ids: RowIds,
    /// What was done.
    pub report: ExtractionReport,
    /// What is to be said of sequences that were not read whole and at once.
    pub remarks: Vec<String>,
}

/// Features that stay readable for as long as this value exists, also where the cache is temporary.
pub struct EmbeddedFile {
    /// The features.
    pub embeddings: FileEmbeddings,
    _cache: OpenCache,
}

/// A request with its words checked and its model loaded.
struct Prepared {
    model: PreparedModel,
    pooling: Pooling,
    wanted: Vec<(LayerIndex, Pooling)>,
}

/// Extracts the embeddings of a file.
///
/// # Errors
/// [`StudyError`] for words that do not exist, a file that cannot be read, a model that cannot be loaded or run.
pub fn embed_file(
    request: &EmbedRequest,
    options: &StudyOptions,
    events: &mut dyn StudyEvents,
) -> Result<EmbeddedFile, StudyError> {
    let asked = check(request)?;
    let input = SequenceFile::check(&request.input, &request.layout).map_err(StudyError::Data)?;
    let prepared = load(asked, options, events)?;
    let cache = options.cache.open()?;
    let store = EmbeddingCache::open(&cache.folder).map_err(StudyError::Cache)?;
    let embeddings = embed_parts(request, &input, &prepared, &store, options.repair, events)?;
    Ok(EmbeddedFile { embeddings, _cache: cache })
}

/// Forecasts what [`embed_file`] would compute, from a measured sample.
///
/// # Errors
/// As [`embed_file`].
pub fn forecast_file(
    request: &EmbedRequest,
    options: &StudyOptions,
    events: &mut dyn StudyEvents,
) -> Result<ExtractionForecast, StudyError> {
    let asked = check(request)?;
    let input = read_sequences(&request.input, &request.layout).map_err(StudyError::Data)?;
    let prepared = load(asked, options, events)?;
    let cache = options.cache.open()?;
    let store = EmbeddingCache::open(&cache.folder).map_err(StudyError::Cache)?;
    let model = first_draw(&prepared)?.lock();
    let spec = &prepared.model.asked.extraction;
    forecast_extraction(&model, spec, &input.sequences, &prepared.wanted, &store)
        .map_err(StudyError::Extraction)
}

/// Checks the words of a request.
fn check(request: &EmbedRequest) -> Result<(ModelRepresentation, Pooling), StudyError> {
    let pooling: Pooling =
        request.pooling.parse().map_err(|error| StudyError::Option(SuiteProblem::word("pooling")(error)))?;
    let extraction = check_extraction(
        request.keep.as_deref(),
        request.window,
        request.strands.as_deref(),
        request.precision.as_deref(),
    )
    .map_err(StudyError::Option)?;
    let layers = check_layers(Some(&LayersEntry::from_words(&request.layers))).map_err(StudyError::Option)?;
    let poolings = vec![pooling];
    Ok((ModelRepresentation::new(&request.model, Path::new(""), 1, layers, poolings, extraction), pooling))
}

fn load(
    (asked, pooling): (ModelRepresentation, Pooling),
    options: &StudyOptions,
    events: &mut dyn StudyEvents,
) -> Result<Prepared, StudyError> {
    let model = PreparedModel::load(asked, &options.finder(), events)?;
    let wanted = model.layers.iter().map(|&layer| (layer, pooling)).collect();
    Ok(Prepared { model, pooling, wanted })
}

fn first_draw(prepared: &Prepared) -> Result<&crate::models::loaded::SharedModel, StudyError> {
    let draws = &prepared.model.loaded.draws;
    draws
        .first()
        .ok_or_else(|| StudyError::model(&prepared.model.asked.name, crate::error::ModelProblem::NoDraws))
}

/// Extracts part after part of a file. Each part has entries of its own in the cache, and only its sequences are in memory.
fn embed_parts(
    request: &EmbedRequest,
    input: &SequenceFile,
    prepared: &Prepared,
    cache: &EmbeddingCache,
    repair: bool,
    events: &mut dyn StudyEvents,
) -> Result<FileEmbeddings, StudyError> {
    let model = first_draw(prepared)?.lock();
    let spec = &prepared.model.asked.extraction;
    let user = format!("{} with {}", request.input.display(), request.model);
    let total = input.n_rows();
    let mut all = FileEmbeddings {
        layers: prepared.model.layers.clone(),
        pooling: prepared.pooling,
        features: Vec::new(),
        ids: RowIds::default(),
        report: ExtractionReport::default(),
        remarks: Vec::new(),
    };
    let mut damage = Vec::new();
    let mut extract_part = |part: NamedSequences| -> Result<(), StudyError> {
        let first_row = all.ids.len();
        let mut report = |progress: ExtractionProgress| {
            let done = first_row + progress.sequences;
            events.event(StudyEvent::Extracting { model: &request.model, done, total });
            Ok(())
        };
        let options = ExtractionOptions {
            batch_tokens: request.batch_tokens,
            repair,
            first_row,
            user: Some(&user),
            progress: Some(&mut report),
        };
        let mut done = extract(&model, spec, &part.sequences, &prepared.wanted, cache, options)
            .map_err(|error| StudyError::Extraction(error).naming(&part.ids, first_row))?;
        if all.features.is_empty() {
            all.features = done.features.drain(..).map(ChainedFeatures::new).collect();
        }
        all.features.iter_mut().zip(done.features).for_each(|(all, more)| all.push(more));
        part.ids.iter().for_each(|id| all.ids.push(id));
        all.report += done.report;
        damage.append(&mut done.damage);
        let done = all.ids.len();
        events.event(StudyEvent::Extracting { model: &request.model, done, total });
        Ok(())
    };
    let mut outcome = Ok(());
    let take = &mut |part| {
        outcome = extract_part(part);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    input.read_parts(ROWS_PER_PART, take).map_err(StudyError::Data)?;
    outcome?;
    report_damage(&damage, events);
    all.remarks = input.remarks().to_vec();
    all.remarks.extend(remarks_of(&all.report));
    Ok(all)
}
