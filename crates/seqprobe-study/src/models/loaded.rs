//! A model that is loaded once and shared by all layers, poolings and datasets: pretrained, or as several random
//! initialisations.

use crate::error::{ModelProblem, StudyError};
use crate::events::StudyEvents;
use crate::models::finder::{FoundModel, ModelFinder};
use crate::suite::representation::ModelRepresentation;
use seqprobe_core::Seed;
use seqprobe_models::hub::Needed;
use seqprobe_models::{EncoderSpec, FrozenModel, LoadOptions, ModelError, Weights, open_model};
use seqprobe_report::record::ModelOrigin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One set of weights. One reader at a time: an encoder is not used by two threads at once.
#[derive(Clone)]
pub(crate) struct SharedModel(pub(crate) Arc<Mutex<FrozenModel>>);

/// The pretrained model, or the random initialisations of its architecture.
pub(crate) struct LoadedModel {
    /// One pretrained model, or one per initialisation.
    pub(crate) draws: Vec<SharedModel>,
    /// Dimensions of the architecture.
    pub(crate) spec: EncoderSpec,
    /// Digests of the weights, one per draw.
    pub(crate) digests: Vec<String>,
    /// The hub's facts, for a model that came from there.
    pub(crate) origin: Option<ModelOrigin>,
}

impl SharedModel {
    /// The model, as soon as no other reader has it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, FrozenModel> {
        // A reader that failed poisons the lock; the model itself is never changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoadedModel {
    /// Finds and loads what a suite names. Models that run code of their own are loaded only if that is allowed.
    pub(crate) fn load(
        model: &ModelRepresentation,
        finder: &ModelFinder,
        events: &mut dyn StudyEvents,
    ) -> Result<Self, StudyError> {
        let needed = if model.random_draws.is_some() { Needed::Architecture } else { Needed::Weights };
        let FoundModel { path, origin, unpacked } =
            finder.find(&model.reference, &model.base, needed, events)?;
        let weights = match model.random_draws {
            None => vec![Weights::Pretrained],
            Some(draws) => (0..draws)
                .map(|draw| Weights::Random(Seed(u64::from(draw)).derive("random weights")))
                .collect(),
        };
        let mut draws = Vec::new();
        let mut digests = Vec::new();
        let mut spec = None;
        for weights in weights {
            let options = LoadOptions {
                weights,
                precision: model.extraction.precision,
                device: finder.device,
                allow_code: finder.allow_code,
            };
            let draw = open_model(&path, options)
                .map_err(|error| StudyError::model(&model.name, problem(error, origin.as_ref())))?;
            spec.get_or_insert_with(|| draw.encoder.spec().clone());
            digests.push(draw.weights_digest.to_string());
            draws.push(SharedModel(Arc::new(Mutex::new(draw))));
        }
        drop(unpacked);
        let spec = spec.ok_or_else(|| StudyError::model(&model.name, ModelProblem::NoDraws))?;
        Ok(Self { draws, spec, digests, origin })
    }
}

/// Python keeps in its cache what it was asked for, which may be less than a whole model.
fn problem(error: ModelError, origin: Option<&ModelOrigin>) -> ModelProblem {
    match origin {
        Some(ModelOrigin { repository, .. }) if matches!(error, ModelError::Tokenizer { .. }) => {
            ModelProblem::Incomplete { error, repository: repository.clone() }
        }
        _ => ModelProblem::Load(error),
    }
}
