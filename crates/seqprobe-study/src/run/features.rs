//! The features that open cells need: made from the bases, read from a file, or extracted once for all layers and
//! poolings.

use crate::events::{StudyEvent, StudyEvents, report_damage};
use crate::models::loaded::SharedModel;
use crate::plan::stored_pooling;
use crate::prepare::{PreparedModel, PreparedRepresentation};
use crate::run::feature_store::FeatureStore;
use crate::run::token_count::tokens_per_sequence;
use seqprobe_core::{Dataset, LayerIndex, Pooling};
use seqprobe_embed::{
    BoxedSource, EmbedError, Extraction, ExtractionOptions, ExtractionReport, Flattened, Interrupted,
    LiveFeatures, extract,
};
use std::collections::BTreeMap;

/// A layer and a pooling; no layer where there is no model.
pub(crate) type Place = (Option<LayerIndex>, Pooling);

/// The features of a dataset: one source per draw for each layer and pooling, and what is to be said of them.
pub(crate) struct Features<'d> {
    pub(crate) sources: BTreeMap<Place, Vec<BoxedSource<'d>>>,
    pub(crate) remarks: Vec<String>,
    /// Seconds per distinct sequence and draw; `None` where all features were stored.
    pub(crate) seconds: Option<f64>,
    /// Tokens per sequence, where a model reads them.
    pub(crate) tokens: Option<f64>,
}

/// The features of a dataset for each place wanted, one source per draw.
pub(crate) fn features<'d>(
    prepared: &PreparedRepresentation,
    dataset: &'d Dataset,
    wanted: &[Place],
    store: &FeatureStore,
    events: &mut dyn StudyEvents,
) -> Result<Features<'d>, EmbedError> {
    let mut made = Features { sources: BTreeMap::new(), remarks: Vec::new(), seconds: None, tokens: None };
    match prepared {
        PreparedRepresentation::Plain { representation, .. } => {
            for &(layer, pooling) in wanted {
                let source =
                    representation.features(&dataset.sequences, pooling, &dataset.splits.all_rows())?;
                made.sources.insert((layer, pooling), vec![source]);
            }
        }
        PreparedRepresentation::Imported { embeddings, .. } => {
            let features = embeddings.join(&dataset.example_ids, &dataset.splits.all_rows())?;
            if features.n_extra > 0 {
                made.remarks.push(format!(
                    "{} of {} imported embeddings belong to no example of the dataset and were not used",
                    features.n_extra,
                    embeddings.n_rows()
                ));
            }
            for &place in wanted {
                made.sources.insert(place, vec![Box::new(features.clone())]);
            }
        }
        PreparedRepresentation::Model(model) => of_model(model, dataset, wanted, store, &mut made, events)?,
    }
    Ok(made)
}

fn of_model<'d>(
    model: &PreparedModel,
    dataset: &'d Dataset,
    wanted: &[Place],
    store: &FeatureStore,
    made: &mut Features<'d>,
    events: &mut dyn StudyEvents,
) -> Result<(), EmbedError> {
    // Token vectors that are not stored are computed whenever they are read. Pooled vectors are small and always stored.
    let is_live = |pooling: Pooling| !model.asked.store && stored_pooling(pooling) == Pooling::Tokens;
    let mut seconds = Vec::new();
    for draw in &model.loaded.draws {
        let stored: Vec<Place> = wanted.iter().copied().filter(|(_, pooling)| !is_live(*pooling)).collect();
        if !stored.is_empty() {
            let extraction = extract_draw(model, draw, dataset, &stored, store, events)?;
            let report = extraction.report;
            if report.n_computed > 0 {
                seconds.push(report.seconds / report.n_computed as f64);
            }
            for remark in remarks_of(&report) {
                if !made.remarks.contains(&remark) {
                    made.remarks.push(remark);
                }
            }
            for (&place, source) in stored.iter().zip(extraction.features) {
                add(made, dataset, place, Box::new(source))?;
            }
        }
        for &(layer, pooling) in wanted.iter().filter(|(_, pooling)| is_live(*pooling)) {
            let Some(place) = layer else { continue };
            let draw = draw.0.clone();
            let live = LiveFeatures::new(draw, &model.asked.extraction, &dataset.sequences, place)?;
            add(made, dataset, (layer, pooling), Box::new(live))?;
        }
    }
    let n = seconds.len() as f64;
    made.seconds = (!seconds.is_empty()).then(|| seconds.iter().sum::<f64>() / n);
    let is_cut = model.asked.extraction.window.is_none();
    let first = model.loaded.draws.first();
    made.tokens = first.and_then(|draw| tokens_per_sequence(dataset, &draw.lock(), is_cut));
    Ok(())
}

/// Adds the source of one draw.
fn add<'d>(
    made: &mut Features<'d>,
    dataset: &'d Dataset,
    place: Place,
    source: BoxedSource<'d>,
) -> Result<(), EmbedError> {
    let source = if place.1 == Pooling::Flatten {
        Box::new(Flattened::new(source, &dataset.splits.all_rows())?)
    } else {
        source
    };
    made.sources.entry(place).or_default().push(source);
    Ok(())
}

fn extract_draw(
    model: &PreparedModel,
    draw: &SharedModel,
    dataset: &Dataset,
    wanted: &[Place],
    store: &FeatureStore,
    events: &mut dyn StudyEvents,
) -> Result<Extraction, EmbedError> {
    let pairs: Vec<(LayerIndex, Pooling)> = wanted
        .iter()
        .filter_map(|&(layer, pooling)| layer.map(|layer| (layer, stored_pooling(pooling))))
        .collect();
    let mut report = |progress: seqprobe_embed::ExtractionProgress| -> Result<(), Interrupted> {
        events.event(StudyEvent::Extracting {
            model: &model.asked.name,
            done: progress.sequences,
            total: progress.total,
        });
        Ok(())
    };
    let user = format!("{} with {}", dataset.id, model.asked.name);
    let options = ExtractionOptions {
        repair: store.repair,
        user: Some(&user),
        progress: Some(&mut report),
        ..ExtractionOptions::default()
    };
    let spec = &model.asked.extraction;
    let extraction = extract(&draw.lock(), spec, &dataset.sequences, &pairs, &store.embeddings, options)?;
    report_damage(&extraction.damage, events);
    Ok(extraction)
}

/// What is to be said of sequences that were not read whole and at once.
pub(crate) fn remarks_of(report: &ExtractionReport) -> Vec<String> {
    let counts = [
        (report.n_truncated, "were cut to what the model takes"),
        (report.n_windowed, "were read in several windows"),
    ];
    let counted = counts.iter().filter(|(count, _)| *count > 0);
    counted
        .map(|(count, what)| format!("{count} of {} distinct sequences {what}", report.n_distinct))
        .collect()
}
