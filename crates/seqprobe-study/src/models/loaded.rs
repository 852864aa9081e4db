//! Models as a run needs them: loaded once, pretrained or as several random draws.

use crate::exit::{ExitCode, Failure, OrExit};
use crate::model_finder::{FoundModel, ModelFinder, model_failure};
use crate::suite::ModelRepresentation;
use seqprobe_core::Seed;
use seqprobe_models::hub::Needed;
use seqprobe_models::{EncoderSpec, FrozenModel, LoadOptions, ModelError, Weights};
use seqprobe_report::record::ModelOrigin;

/// The pretrained model, or the draws of its architecture.
pub(crate) struct LoadedModel {
    /// One pretrained model, or one per draw.
    pub(crate) draws: Vec<FrozenModel>,
    /// Where the hub has it, for one that came from there.
    pub(crate) origin: Option<ModelOrigin>,
}

impl LoadedModel {
    /// Finds and loads what a suite names; models that run code of their own only where that is allowed.
    pub(crate) fn load(model: &ModelRepresentation, finder: &ModelFinder) -> Result<Self, Failure> {
        let needed = if model.random_draws.is_some() { Needed::Architecture } else { Needed::Weights };
        let FoundModel { path, origin } = finder.find(&model.reference, &model.base, needed)?;
        let weights = match model.random_draws {
            None => vec![Weights::Pretrained],
            Some(draws) => (0..draws)
                .map(|draw| Weights::Random(Seed(u64::from(draw)).derive("random weights")))
                .collect(),
        };
        let draws: Result<Vec<_>, _> = weights
            .into_iter()
            .map(|weights| {
                let options = LoadOptions {
                    weights,
                    precision: model.extraction.precision,
                    device: finder.device,
                    allow_code: finder.allow_code,
                };
                FrozenModel::load(&path, options)
            })
            .collect();
        let draws = draws.map_err(|error| match &origin {
            // Python keeps what it was asked for, which may be less than a whole model.
            Some(ModelOrigin { repository, .. }) if matches!(error, ModelError::Tokenizer { .. }) => {
                let hint = format!("`seqprobe fetch hf:{repository}` completes what the cache has of it");
                model_failure(&model.name, &format!("{error}\n  hint: {hint}"))
            }
            _ => model_failure(&model.name, &error),
        })?;
        Ok(Self { draws, origin })
    }

    /// Dimensions of the architecture.
    pub(crate) fn spec(&self) -> Result<&EncoderSpec, Failure> {
        self.draws
            .first()
            .map(|model| model.encoder.spec())
            .ok_or("no draw")
            .map_err(anyhow::Error::msg)
            .or_exit(ExitCode::Unexpected)
    }

    /// Digests of the weights, one per draw.
    pub(crate) fn digests(&self) -> Vec<String> {
        self.draws.iter().map(|draw| draw.weights_digest.to_string()).collect()
    }
}
