//! The first stop of a cell: its key, made once, and what is stored under it.

use crate::error::StudyError;
use crate::events::StudyEvents;
use crate::plan::{Fit, PlannedCell, Work};
use crate::prepare::PreparedRepresentation;
use crate::run::context::{DatasetRun, Run};
use crate::run::description_length;
use crate::run::training_rows::{DRAWS_VERSION, Training};
use crate::store::cell_store::{CELL_VERSION, CellKey, CellResult};
use crate::suite::controls::PERMUTATIONS;
use seqprobe_core::{Digest, Probe};
use seqprobe_data::ReadyPredictions;
use seqprobe_data::rules::RULES_VERSION;
use seqprobe_embed::{EntryKey, ImportedEmbeddings};
use seqprobe_report::record::DescriptionValue;

/// A planned cell with its key and what is stored of it.
pub(crate) struct LookedUp<'p> {
    pub(crate) planned: &'p PlannedCell,
    pub(crate) key: Digest,
    pub(crate) seeds: Vec<u64>,
    /// The stored result of a fit.
    pub(crate) stored: Option<CellResult>,
    pub(crate) description: Description,
}

/// The description length of a cell's training labels.
pub(crate) enum Description {
    /// Not asked for.
    NotWanted,
    /// Asked for, and not stored.
    Missing,
    /// Stored.
    Known(DescriptionValue),
}

impl LookedUp<'_> {
    /// The fit, if features are needed: because the cell or its description length is not stored.
    pub(crate) fn needs_features(&self) -> Option<Fit> {
        match self.planned.work {
            Work::Fit(fit) if self.stored.is_none() || matches!(self.description, Description::Missing) => {
                Some(fit)
            }
            _ => None,
        }
    }
}

/// Makes a cell's key and reads what is stored under it.
pub(crate) fn look_up<'p>(
    run: &Run<'_>,
    data: &DatasetRun<'_>,
    prepared: Option<&PreparedRepresentation>,
    planned: &'p PlannedCell,
    events: &mut dyn StudyEvents,
) -> Result<LookedUp<'p>, StudyError> {
    let (Work::Fit(fit), Some(prepared)) = (&planned.work, prepared) else {
        let key = match &planned.work {
            Work::Ready { reference } => {
                let ready = &run.references[*reference].predictions;
                let of_file = (ready.sha256(), ready.columns(), ready.joined_by(), ReadyPredictions::VERSION);
                Digest::of_value(&("ready predictions", of_file, data.digest))?
            }
            Work::BestRule => {
                let metric = &data.dataset.metric;
                Digest::of_value(&("best rule", RULES_VERSION, metric, data.digest, CELL_VERSION))?
            }
            _ => Digest::of_value(&(&planned.id, data.digest, CELL_VERSION))?,
        };
        let stored = match planned.work {
            Work::BestRule => run.store.load(&key, events)?,
            _ => None,
        };
        let description = Description::NotWanted;
        return Ok(LookedUp { planned, key, seeds: Vec::new(), stored, description });
    };
    let features = feature_keys(prepared, fit, data.digest)?;
    let probe = run.suite.probes[fit.probe].probe.as_ref();
    let seeds = fit_seeds(run, probe, features.len(), fit.training);
    let key = Digest::of_value(&CellKey {
        cell_version: CELL_VERSION,
        dataset: data.digest,
        features,
        probe: probe.id().to_owned(),
        probe_version: probe.version(),
        probe_settings: probe.settings(),
        fraction: planned.id.fraction.to_string(),
        seeds: seeds.clone(),
        training: training_key(run, fit.training),
    })?;
    let description = if fit.is_described {
        let stored = description_length::stored(&run.store, &key, events)?;
        stored.map_or(Description::Missing, Description::Known)
    } else {
        Description::NotWanted
    };
    Ok(LookedUp { planned, key, seeds, stored: run.store.load(&key, events)?, description })
}

/// What changes the features of a fit, one value per draw of the representation.
fn feature_keys(
    prepared: &PreparedRepresentation,
    fit: &Fit,
    dataset: Digest,
) -> Result<Vec<serde_json::Value>, StudyError> {
    match prepared {
        PreparedRepresentation::Plain { representation, .. } => Ok(vec![
            serde_json::json!({ "plain": representation.id(), "version": representation.version(), "pooling": fit.pooling }),
        ]),
        PreparedRepresentation::Imported { embeddings, .. } => Ok(vec![
            serde_json::json!({ "imported": embeddings.digest(), "version": ImportedEmbeddings::VERSION }),
        ]),
        PreparedRepresentation::Model(model) => {
            let Some(layer) = fit.layer else { return Ok(Vec::new()) };
            let is_flat = fit.pooling != fit.stored_pooling();
            let key_of = |draw: &crate::models::loaded::SharedModel| {
                // The dataset's digest stands for the sequences.
                EntryKey::new(&draw.lock(), &model.asked.extraction, layer, fit.stored_pooling(), dataset)
                    .map(|key| serde_json::json!({ "entry": key, "flatten": is_flat }))
                    .map_err(StudyError::Extraction)
            };
            model.loaded.draws.iter().map(key_of).collect()
        }
    }
}

/// How the training rows or labels differ from the dataset's own.
fn training_key(run: &Run<'_>, training: Training) -> Option<serde_json::Value> {
    match training {
        Training::Whole => None,
        Training::Part(_) => {
            Some(serde_json::json!({ "part": { "version": DRAWS_VERSION, "draws": run.suite.draws } }))
        }
        Training::Shuffled => Some(serde_json::json!({ "shuffled": { "version": DRAWS_VERSION } })),
    }
}

/// Seeds of a cell's fits: one for a deterministic probe, the suite's for others, and at least one per random
/// initialisation, per draw of training rows and per permutation of labels. Fit `j` uses draw `j` modulo the number of
/// draws.
fn fit_seeds(run: &Run<'_>, probe: &dyn Probe, n_draws: usize, training: Training) -> Vec<u64> {
    let seeds = &run.suite.seeds;
    let own = if probe.is_deterministic() { 1 } else { seeds.len() };
    let of_training = match training {
        Training::Whole => 1,
        Training::Part(_) => run.suite.draws,
        Training::Shuffled if probe.is_deterministic() => PERMUTATIONS,
        Training::Shuffled => 1,
    };
    let n_fits = own.max(n_draws).max(of_training);
    let others = (0..).filter(|seed| !seeds.contains(seed));
    seeds.iter().copied().chain(others).take(n_fits).collect()
}
