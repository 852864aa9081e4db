//! What a study would extract, how long that would take and how much it would store. Times come from a measured sample.
//! Fitting is not forecast, since its time depends on what it finds.

use crate::error::StudyError;
use crate::events::StudyEvents;
use crate::options::StudyOptions;
use crate::plan::{PlannedCell, Work};
use crate::prepare::PreparedRepresentation;
use crate::run::road::{Planned, plan_study};
use crate::suite::Suite;
use seqprobe_core::{Dataset, LayerIndex, Pooling};
use seqprobe_embed::{EmbeddingCache, ExtractionForecast, forecast_extraction};
use std::sync::Arc;

/// The forecast of a study.
#[derive(Clone, Debug)]
pub struct StudyForecast {
    /// Dataset, model and the forecast of each of its draws.
    pub extractions: Vec<(String, String, ExtractionForecast)>,
    /// Cells of the plan.
    pub n_cells: usize,
}

impl StudyForecast {
    /// Seconds of all extractions.
    pub fn seconds(&self) -> f64 {
        self.extractions.iter().map(|(_, _, forecast)| forecast.seconds).sum()
    }

    /// Bytes that all extractions would store.
    pub fn n_bytes(&self) -> u64 {
        self.extractions.iter().map(|(_, _, forecast)| forecast.n_bytes).sum()
    }
}

/// Forecasts the extractions of a study.
pub(crate) fn forecast(
    suite: &Suite,
    given: Option<Vec<Arc<Dataset>>>,
    options: &StudyOptions,
    events: &mut dyn StudyEvents,
) -> Result<StudyForecast, StudyError> {
    let Planned { datasets, prepared, plans, .. } = plan_study(suite, given, options, events)?;
    let folder = options.cache.open()?;
    let cache = EmbeddingCache::open(&folder.folder).map_err(StudyError::Cache)?;
    let mut extractions = Vec::new();
    for (dataset, plan) in datasets.iter().zip(&plans) {
        for (number, representation) in prepared.iter().enumerate() {
            let PreparedRepresentation::Model(model) = representation else { continue };
            let wanted = stored_places(plan, number, model.asked.store);
            for draw in &model.loaded.draws {
                let spec = &model.asked.extraction;
                let forecast = forecast_extraction(&draw.lock(), spec, &dataset.sequences, &wanted, &cache)
                    .map_err(StudyError::Extraction)?;
                extractions.push((dataset.id.clone(), model.asked.name.clone(), forecast));
            }
        }
    }
    Ok(StudyForecast { extractions, n_cells: plans.iter().map(Vec::len).sum() })
}

/// Layers and poolings that a plan has of a representation and that are stored.
fn stored_places(plan: &[PlannedCell], number: usize, stores_tokens: bool) -> Vec<(LayerIndex, Pooling)> {
    let mut places = Vec::new();
    for cell in plan.iter().filter(|cell| cell.representation == Some(number)) {
        let Work::Fit(fit) = &cell.work else { continue };
        let (Some(layer), pooling) = (fit.layer, fit.stored_pooling()) else { continue };
        let is_stored = stores_tokens || pooling != Pooling::Tokens;
        if is_stored && !places.contains(&(layer, pooling)) {
            places.push((layer, pooling));
        }
    }
    places
}
